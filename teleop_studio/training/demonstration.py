"""A recorded episode as training needs it, whatever file it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Pictures(Protocol):
    """One camera's pictures. `stamp_ns` (n,) ascending; `[k]` the k-th, (h, w, 3) uint8."""

    @property
    def stamp_ns(self) -> NDArray[np.int64]: ...
    def __getitem__(self, k: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class Demonstration:
    """T control ticks and the pictures beside them, all stamps on one monotonic clock.

    `content_sha256` stands for the recording's bytes, `number` is its place in its folder (0 for a foreign name),
    `split` what the operator wants of it: "train", "held_out" or "".
    `task` what was to be done, in the operator's words.
    `frame_ns` (T,) moment of each tick; `follower_ns` (T,), `follower` (T, D) the measured joints and when;
    `action` (T, D) what was really sent, nan while nothing was; `by_human` (T,) who asked: True for the leader arm.
    """

    uuid: str
    name: str
    number: int
    content_sha256: str
    split: str
    task: str
    joint_names: tuple[str, ...]
    frame_ns: NDArray[np.int64]
    follower_ns: NDArray[np.int64]
    follower: NDArray[np.float64]
    action: NDArray[np.float64]
    by_human: NDArray[np.bool_]
    pictures: Mapping[str, Pictures]
