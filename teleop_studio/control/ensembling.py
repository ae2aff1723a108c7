"""Temporal ensembling (Zhao et al. 2023, ACT): the goal is a mean over what several chunks foresaw for this moment.

A chunk is made at every step of the grid, and each counts with exp(-m i), i = 0 the OLDEST: what was decided first
weighs most. It smooths the joints between chunks. It is also the failure that this product teaches about: when one
chunk goes round an obstacle on the left and the next one on the right, their mean leads through it. Therefore it is
off until somebody switches it on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk

DECAY = 0.01  # m of the paper


def end_ns(chunk: ActionChunk) -> int:
    """When the chunk's last goal is due."""
    return chunk.start_ns + round((len(chunk.actions) - 1) * chunk.dt_s * 1e9)


def current(chunks: Sequence[ActionChunk], now_ns: int) -> list[ActionChunk]:
    """Those of the chunks that say something about `now_ns`."""
    return [chunk for chunk in chunks if end_ns(chunk) >= now_ns]


def mean_goal(chunks: Sequence[ActionChunk], now_ns: int) -> NDArray[np.float64]:
    """(D,) the weighted mean of the chunks' goals for `now_ns`, the oldest chunk first.

    Past the end of all of them the newest one's last goal stands.
    """
    told = current(chunks, now_ns) or [chunks[-1]]
    weight = np.exp(-DECAY * np.arange(len(told)))
    goals = np.stack([chunk.at(now_ns) for chunk in told])
    mean: NDArray[np.float64] = weight @ goals / weight.sum()
    return mean
