"""The joint values of many episodes together, from what a survey kept of each."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from recorders.index import Index, Key, use_index
from recorders.statistics import Moments, merged


@dataclass(frozen=True)
class JointStatistics:
    """Of `episodes` episodes with these joints; `state` the follower's positions, `action` what was sent."""

    episodes: int
    joint_names: tuple[str, ...]
    state: Moments
    action: Moments


def joint_statistics(folder: Path, keys: Collection[Key]) -> JointStatistics | None:
    """Of those episodes of `folder` that were looked through; None when there are none.

    Episodes with other joints than most have do not go in. No episode file is read.
    """
    wanted = set(keys)
    by_joints: dict[tuple[str, ...], list[tuple[bytes, bytes]]] = {}
    for names, state, action in use_index(folder, lambda index: _rows(index, wanted)):
        by_joints.setdefault(names, []).append((state, action))
    if not by_joints:
        return None
    names = Counter({names: len(rows) for names, rows in by_joints.items()}).most_common(1)[0][0]
    rows = by_joints[names]
    states, actions = zip(*rows, strict=True)
    return JointStatistics(len(rows), names, merged(states, len(names)), merged(actions, len(names)))


def _rows(index: Index, wanted: set[Key]) -> list[tuple[tuple[str, ...], bytes, bytes]]:
    return [(names, state, action) for key, names, state, action in index.statistics() if key in wanted and state]
