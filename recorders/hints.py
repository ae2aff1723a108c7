"""What looks odd about one episode: what it is, with its figure, and what to do; none for one that looks well.

The thresholds are set so that none of the simulated rig's recordings gets a hint.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorders.episode_info import EpisodeInfo

TOO_SHORT_S = 1.0
STILL_RAD = 0.01
"""Over `STILL_WINDOW_S` no joint of a still arm changes by more: 0.05 rad/s, six steps of a servo's encoder."""
STILL_WINDOW_S = 0.2
IDLE_S = 1.0
"""An idle start or end that is longer is worth a trim."""
NO_MOTION_RAD = 0.05
"""A follower none of whose joints covers more than this did not do anything."""
TRACKING_RAD = 0.25
"""The simulated follower stays within 0.18 rad of what it was told while it moves at full speed."""
TRACKING_S = 0.5
FROZEN_S = 0.5
"""Of pictures that are equal byte by byte. Noise, which the simulated cameras have too, makes each one different."""
BLACK_LEVEL = 8.0
"""Mean brightness, of 255."""
MISSING_SHARE = 0.01
"""Fewer are in the list of gaps, but no reason to look at the episode."""

Hint = tuple[str, str]  # kind, sentence


@dataclass(frozen=True)
class Motion:
    """`stamp_ns` (T,), `follower` and `action` (T, D) rad, the gripper 0..1."""

    stamp_ns: NDArray[np.int64]
    follower: NDArray[np.float64]
    action: NDArray[np.float64]
    joint_names: tuple[str, ...]


def idle_times(motion: Motion) -> tuple[float, float]:
    """For how long nothing moves at the start and at the end, s. Both 0 for an arm that never moves.

    A moment of `STILL_WINDOW_S` before the first and after the last motion does not count: a trim should leave it.
    Nothing moves while neither the follower nor what it is told changes faster than `STILL_RAD` in `STILL_WINDOW_S`.
    """
    stamp_ns = motion.stamp_ns
    later = np.searchsorted(stamp_ns, stamp_ns + round(STILL_WINDOW_S * 1e9))
    later = np.minimum(later, len(stamp_ns) - 1)
    moving = np.zeros(len(stamp_ns), np.bool_)
    for values in (motion.follower, motion.action):
        moving |= np.any(np.abs(values[later] - values) > STILL_RAD, axis=1)
    when = np.flatnonzero(moving)
    if not len(when):
        return 0.0, 0.0
    first, last = stamp_ns[when[0]], stamp_ns[later[when[-1]]]
    return float(first - stamp_ns[0]) * 1e-9, float(stamp_ns[-1] - last) * 1e-9


def path_length(motion: Motion) -> float:
    """The way of all joints of the follower added up, rad; a gripper's full stroke counts as 1."""
    return float(np.abs(np.diff(motion.follower, axis=0)).sum())


def motion_hints(motion: Motion, idle_start_s: float, idle_end_s: float) -> Iterator[Hint]:
    """About the arm."""
    reach = np.ptp(motion.follower, axis=0)
    if reach.max() < NO_MOTION_RAD:
        yield "still", f"No motion: no joint of the follower covers more than {reach.max():.3f} rad. Bin it."
    if idle_start_s > IDLE_S:
        yield "idle", f"Idle start: nothing moves for the first {idle_start_s:.1f} s. Trim them off."
    if idle_end_s > IDLE_S:
        yield "idle", f"Idle end: nothing moves for the last {idle_end_s:.1f} s. Trim them off."
    yield from _tracking(motion)


def _tracking(motion: Motion) -> Iterator[Hint]:
    """Grippers are left out: one that holds something is always away from where it was told to close."""
    arm = [k for k, name in enumerate(motion.joint_names) if not name.endswith("gripper")]
    if not arm:
        return
    error = np.abs(motion.follower - motion.action)[:, arm]
    far = np.any(error > TRACKING_RAD, axis=1)
    for begin, end in runs(far):
        lasted_s = float(motion.stamp_ns[end - 1] - motion.stamp_ns[begin]) * 1e-9
        if lasted_s > TRACKING_S:
            worst = int(np.argmax(error[begin:end].max(axis=0)))
            yield (
                "tracking",
                f"Tracking error: the follower was up to {error[begin:end, worst].max():.2f} rad away from what was "
                f"sent ({motion.joint_names[arm[worst]]}), for {lasted_s:.1f} s. "
                "Look whether something blocked it, and check that servo's load and limits.",
            )
            return


def take_hints(info: EpisodeInfo, missing: Mapping[str, int]) -> Iterator[Hint]:
    """About the recording as a whole. `missing` items per stream."""
    if info.duration_s < TOO_SHORT_S:
        yield "short", f"Too short: it lasts {info.duration_s:.2f} s. Bin it if it was started by mistake."
    for stream, there in {**info.images, "frames": info.frames}.items():
        count = missing.get(stream, 0)
        share = count / max(1, there + count)
        if share >= MISSING_SHARE:
            what = "control ticks" if stream == "frames" else f"pictures of camera {stream!r}"
            advice = "Close other programs" if stream == "frames" else "Check its cable, and close other programs"
            text = f"Dropped: {count} of {there + count} {what} are missing ({100 * share:.1f} %)."
            yield "missing", f"{text} {advice} before the next take."
    if info.recovered:
        yield (
            "recovered",
            "Recovered: it was cut off or its journal was damaged; what was whole has been kept. See how it ends.",
        )


def frozen_hints(camera: str, stamp_ns: NDArray[np.int64], crc32: NDArray[np.uint32]) -> Iterator[Hint]:
    """The longest stretch of a camera's pictures that are the same picture. `stamp_ns`, `crc32` (F,)."""
    if len(crc32) < 2:
        return
    same = np.concatenate([crc32[1:] == crc32[:-1], [False]])
    lasted_ns = [(int(stamp_ns[end] - stamp_ns[begin]), begin) for begin, end in runs(same)]
    longest_ns, begin = max(lasted_ns, default=(0, 0))
    if longest_ns > FROZEN_S * 1e9:
        at_s = float(stamp_ns[begin] - stamp_ns[0]) * 1e-9
        yield (
            "frozen",
            f"Frozen camera: {camera!r} shows the same picture for {longest_ns * 1e-9:.1f} s, from {at_s:.1f} s on. "
            "Check its cable; bin the episode if what matters is hidden.",
        )


def black_hints(camera: str, pictures: Sequence[NDArray[np.uint8]]) -> Iterator[Hint]:
    """About sampled pictures (h, w, 3) of a camera."""
    black = sum(float(picture.mean()) < BLACK_LEVEL for picture in pictures)
    if black:
        yield (
            "black",
            f"Black pictures: {black} of {len(pictures)} that were looked at, of camera {camera!r}. "
            "Check its lens cap, its exposure and the light.",
        )


def runs(mask: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """(begin, end) of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
