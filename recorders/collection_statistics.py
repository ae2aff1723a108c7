"""The joint values of many episodes together, from what a survey kept of each."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from recorders.index import Key, use_index
from recorders.statistics import Moments, merged


@dataclass(frozen=True)
class JointStatistics:
    """Of `episodes` episodes with these joints; `state` the follower's positions, `action` what was sent."""

    episodes: int
    joint_names: tuple[str, ...]
    state: Moments
    action: Moments


def joint_statistics(folder: Path, keys: Set[Key]) -> JointStatistics | None:
    """Of those episodes of `folder` that were looked through; None when there are none.

    Episodes with other joints than most have do not go in. No episode file is read.
    """
    by_joints: dict[tuple[str, ...], list[tuple[bytes, bytes]]] = {}
    for names, state, action in use_index(folder, lambda index: index.statistics(keys)):
        by_joints.setdefault(names, []).append((state, action))
    if not by_joints:
        return None
    names = Counter({names: len(rows) for names, rows in by_joints.items()}).most_common(1)[0][0]
    rows = by_joints[names]
    states, actions = zip(*rows, strict=True)
    return JointStatistics(len(rows), names, merged(states, len(names)), merged(actions, len(names)))


def added(one: JointStatistics, other: JointStatistics | None) -> JointStatistics | None:
    """Both together; None when their joints differ, so that it has to be decided anew which most episodes have."""
    if other is None or one.joint_names != other.joint_names:
        return None if other is not None else one
    joints = len(one.joint_names)
    state = merged([one.state.to_bytes(), other.state.to_bytes()], joints)
    action = merged([one.action.to_bytes(), other.action.to_bytes()], joints)
    return JointStatistics(one.episodes + other.episodes, one.joint_names, state, action)
