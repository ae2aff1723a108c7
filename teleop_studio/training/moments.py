"""From a demonstration to training moments: at each, what the policy would have seen and what was then done.

A moment is made exactly as at run time: its time is the stamp of its newest picture, its state the newest follower
reading not after that, its first goal the one sent at that time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.demonstration import Demonstration

TipOf = Callable[[NDArray[np.float64]], NDArray[np.float64]]  # joints (..., D) to the fingertip (..., 3), m
Stamps = NDArray[np.int64]

# Older pictures than this at a tick, or a longer hole in the commands: something was lost there, so nothing is learnt.
LONGEST_GAP_NS = 100_000_000
GRASP_TRAVEL = 0.15  # a gripper that closes by less in a whole episode grasps nothing


@dataclass(frozen=True)
class Moments:
    """N moments of one demonstration.

    `stamp_ns` (N,); `picture_index` (N, C) into each camera's pictures; `state` (N, D) measured joints;
    `actions` (N, H, D) goals sent, `valid` (N, H) False where the last goal is repeated;
    `landmarks` (N, 6) m fingertip now and at the next grasp, `landmarks_valid` (N, 6) False where not known.
    """

    stamp_ns: Stamps
    picture_index: NDArray[np.int64]
    state: NDArray[np.float64]
    actions: NDArray[np.float64]
    valid: NDArray[np.bool_]
    landmarks: NDArray[np.float64]
    landmarks_valid: NDArray[np.bool_]


@dataclass(frozen=True)
class History:
    """What was seen at N moments and O - 1 grid steps before each, the newest last.

    `picture_index` (N, O, C) into each camera's pictures; `state` (N, O, D) measured joints.
    """

    picture_index: NDArray[np.int64]
    state: NDArray[np.float64]


def moments_of(demonstration: Demonstration, config: PolicyConfig, tip_of: TipOf | None) -> Moments:
    """The moments of a demonstration, one each `chunk_dt_s`; may be none.

    Only what a human did is learnt: chunks end where the policy drove, the arm held or commands are missing.
    Without `tip_of`, for an arm whose geometry is not known, no landmark is known.
    """
    dt_ns = round(config.chunk_dt_s * 1e9)
    pictures = [demonstration.pictures[name].stamp_ns for name in config.cameras]
    usable = demonstration.by_human & np.all(np.isfinite(demonstration.action), axis=1)
    if not usable.any() or any(len(stamps) == 0 for stamps in pictures):
        return _nothing(config)
    sent_ns, sent = demonstration.frame_ns[usable], demonstration.action[usable]

    stamps, picture_index = _observed(pictures, int(sent_ns[0]), int(sent_ns[-1]), dt_ns)
    reading = _newest_not_after(demonstration.follower_ns, stamps)
    due_ns = stamps[:, None] + dt_ns * np.arange(config.horizon)
    valid = _sent_until(due_ns, sent_ns)
    kept = (reading >= 0) & valid[:, 0]
    stamps, picture_index, due_ns, valid = stamps[kept], picture_index[kept], due_ns[kept], valid[kept]
    state = demonstration.follower[reading[kept]]
    landmarks, landmarks_valid = _landmarks(demonstration, config, tip_of, stamps, state, sent_ns, sent)
    return Moments(stamps, picture_index, state, _at(due_ns, sent_ns, sent), valid, landmarks, landmarks_valid)


def history_of(demonstration: Demonstration, config: PolicyConfig, stamp_ns: Stamps, observations: int) -> History:
    """What a policy with `observations` O frames, `chunk_dt_s` apart, would have seen at the moments `stamp_ns` (N,).

    The newest frame is the moment's own. Of the earlier ones the nearest picture and reading count, because a camera's
    jitter of a microsecond would otherwise decide between two; the first is repeated where there is no earlier one.
    """
    back_ns = round(config.chunk_dt_s * 1e9) * np.arange(observations - 1, -1, -1, dtype=np.int64)
    streams = [demonstration.pictures[name].stamp_ns for name in config.cameras]
    *index, reading = (_seen(stamps, stamp_ns, back_ns) for stamps in (*streams, demonstration.follower_ns))
    return History(np.stack(index, axis=-1), demonstration.follower[reading])


def _seen(stamps: Stamps, moments_ns: Stamps, back_ns: Stamps) -> NDArray[np.int64]:
    """(N, O) index of the stamp nearest to each moment less `back_ns` (O,), none of them after the moment."""
    newest = _newest_not_after(stamps, moments_ns).clip(min=0)[:, None]
    earlier_ns = moments_ns[:, None] - back_ns
    after = np.searchsorted(stamps, earlier_ns).clip(max=len(stamps) - 1)
    before = (after - 1).clip(min=0)
    nearest = np.where(stamps[after] - earlier_ns < earlier_ns - stamps[before], after, before)
    index: NDArray[np.int64] = np.minimum(nearest, newest)
    return index


def _observed(pictures: list[Stamps], first_ns: int, last_ns: int, dt_ns: int) -> tuple[Stamps, NDArray[np.int64]]:
    """Stamp (N,) and picture index (N, C) at each tick; ticks with a picture missing or too old are left out."""
    first_ns = max(first_ns, *(int(stamps[0]) for stamps in pictures))
    ticks = np.arange(first_ns, last_ns + 1, dt_ns, dtype=np.int64)
    index = np.stack([_newest_not_after(stamps, ticks) for stamps in pictures], axis=1)
    taken = np.stack([stamps[index[:, k]] for k, stamps in enumerate(pictures)], axis=1)
    fresh = ticks - taken.min(axis=1) <= LONGEST_GAP_NS
    index, newest = index[fresh], taken.max(axis=1)[fresh]
    new = np.diff(newest, prepend=np.int64(-1)) > 0  # the same picture twice is one moment
    return newest[new], index[new]


def _newest_not_after(stamps: Stamps, moments_ns: Stamps) -> NDArray[np.int64]:
    """Index of the newest stamp not after each moment; -1 where all are after it."""
    return np.searchsorted(stamps, moments_ns, side="right") - 1


def _sent_until(due_ns: Stamps, sent_ns: Stamps) -> NDArray[np.bool_]:
    """(N, H): True up to the first goal that was not really sent."""
    after = np.searchsorted(sent_ns, due_ns, side="left")
    before = np.maximum(after - 1, 0)
    inside = after < len(sent_ns)
    gap = sent_ns[np.minimum(after, len(sent_ns) - 1)] - sent_ns[before]
    # A picture may be a little older than the first command: that command stands for it.
    early = (after == 0) & (sent_ns[0] - due_ns > LONGEST_GAP_NS)
    valid: NDArray[np.bool_] = np.logical_and.accumulate(inside & (gap <= LONGEST_GAP_NS) & ~early, axis=1)
    return valid


def _at(due_ns: Stamps, sent_ns: Stamps, sent: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, H, D) the sent goals at `due_ns`, linear between ticks; the last one is held."""
    origin = sent_ns[0]
    due_s, sent_s = (due_ns - origin) * 1e-9, (sent_ns - origin) * 1e-9
    return np.stack([np.interp(due_s, sent_s, sent[:, joint]) for joint in range(sent.shape[1])], axis=-1)


def _landmarks(
    demonstration: Demonstration,
    config: PolicyConfig,
    tip_of: TipOf | None,
    stamps: Stamps,
    state: NDArray[np.float64],
    sent_ns: Stamps,
    sent: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    landmarks = np.zeros((len(stamps), 6))
    known = np.zeros((len(stamps), 6), np.bool_)
    if tip_of is None:
        return landmarks, known
    landmarks[:, :3], known[:, :3] = tip_of(state), True
    grasps_ns = _grasps(config, sent_ns, sent)
    following = np.searchsorted(grasps_ns, stamps, side="left")
    has = following < len(grasps_ns)  # after the last grasp there is no next one
    if has.any():
        reading = _newest_not_after(demonstration.follower_ns, grasps_ns).clip(min=0)
        grasp_tips = tip_of(demonstration.follower[reading])
        landmarks[has, 3:], known[has, 3:] = grasp_tips[following[has]], True
    return landmarks, known


def _grasps(config: PolicyConfig, sent_ns: Stamps, sent: NDArray[np.float64]) -> Stamps:
    """When a gripper's goal fell below the middle of its range in this episode, ascending.

    No fixed width: a thin pen and a thick bottle are grasped all the same.
    """
    goals = sent[:, [config.joint_names.index(name) for name in config.absolute_joints]]
    lowest, highest = goals.min(axis=0), goals.max(axis=0)
    closed = (goals < (lowest + highest) / 2) & (highest - lowest > GRASP_TRAVEL)
    falls = np.any(closed[1:] & ~closed[:-1], axis=1)
    return sent_ns[1:][falls]


def _nothing(config: PolicyConfig) -> Moments:
    joints, horizon = config.joints, config.horizon
    return Moments(
        np.zeros(0, np.int64),
        np.zeros((0, len(config.cameras)), np.int64),
        np.zeros((0, joints)),
        np.zeros((0, horizon, joints)),
        np.zeros((0, horizon), np.bool_),
        np.zeros((0, 6)),
        np.zeros((0, 6), np.bool_),
    )
