"""From true stamps to a regular grid: an episode as rows k / fps, which is all that most other formats can hold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorders.episode_reader import EpisodeReader, Frames
from recorders.errors import TransferRefused

GRIPPER = "gripper"  # how the name of a joint that opens and closes ends

METHOD = {
    "grid": "row k lies k / fps after the first moment at which every camera has a picture and the arm a reading; "
    "the last row is not after the last control tick",
    "pictures": "the newest picture not after the row's moment; its age is recorded, a picture may be used again",
    "joints": "linear between the two neighbouring readings by their own stamps; beyond the last reading it is held",
    "actions": "linear between the two neighbouring commands that were really sent",
    "grippers": "the newest value not after the row's moment is held, for readings and commands",
}


@dataclass(frozen=True)
class GridRows:
    """T rows at `stamp_ns` (T,) monotonic ns, every 1 / fps s. Vectors (T, D) rad, rad/s, the arm's effort units.

    `picture_index` and `picture_age_ns` (T,) for each camera: which of its pictures, and how old it was then.
    `longest_gap_s` is the longest time between two control ticks, over which joints were interpolated.
    """

    fps: int
    stamp_ns: NDArray[np.int64]
    state: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]
    action: NDArray[np.float64]
    picture_index: dict[str, NDArray[np.int64]]
    picture_age_ns: dict[str, NDArray[np.int64]]
    longest_gap_s: float

    def __len__(self) -> int:
        return len(self.stamp_ns)


def on_grid(reader: EpisodeReader, fps: int) -> GridRows:
    """The rows of an open episode by `METHOD`.

    Raises `TransferRefused` when a camera has no picture or there is no moment at which all streams run;
    `EpisodeCorrupt`.
    """
    frames = reader.frames
    pictures = {name: reader.images(name).stamp_ns for name in reader.cameras}
    for name, stamps in pictures.items():
        if not len(stamps):
            raise TransferRefused(
                f"{reader.path.name} has no picture of camera {name!r}. Leave the episode out, or move it to the bin."
            )
    first_ns = max(int(frames.stamp_ns[0]), int(frames.follower_stamp_ns[0]), *(int(s[0]) for s in pictures.values()))
    last_ns = int(frames.stamp_ns[-1])
    if last_ns < first_ns:
        raise TransferRefused(
            f"{reader.path.name} has no moment at which joints and all cameras run: its last control tick lies "
            f"{(first_ns - last_ns) * 1e-9:.3f} s before the last camera starts. Leave the episode out."
        )
    grid = grid_stamps(first_ns, last_ns, fps)
    held = np.array([name.endswith(GRIPPER) for name in reader.joint_names])
    index = {name: newest_not_after(stamps, grid) for name, stamps in pictures.items()}
    return GridRows(
        fps=fps,
        stamp_ns=grid,
        picture_index=index,
        picture_age_ns={name: grid - stamps[index[name]] for name, stamps in pictures.items()},
        longest_gap_s=float(np.diff(frames.stamp_ns).max(initial=0) * 1e-9),
        **_joints(frames, grid, held),
    )


def grid_stamps(first_ns: int, last_ns: int, fps: int) -> NDArray[np.int64]:
    """`first_ns` and every 1 / fps s after it, rounded to ns without drift, up to `last_ns`."""
    count = (last_ns - first_ns) * fps // 1_000_000_000 + 1
    steps = np.arange(count + 1, dtype=np.int64)
    # Whole seconds apart: k * 10^9 of a long take would still fit, but only just.
    stamps = first_ns + steps // fps * 1_000_000_000 + (steps % fps * 1_000_000_000 + fps // 2) // fps
    return stamps[stamps <= last_ns]


def newest_not_after(stamps: NDArray[np.int64], moments_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index of the newest stamp not after each moment; -1 where all are after it."""
    return np.searchsorted(stamps, moments_ns, side="right") - 1


def default_fps(camera_fps: list[float], control_hz: float) -> int:
    """The nominal rate of the fastest camera; of the control loop when there is none."""
    return max(1, round(max(camera_fps, default=control_hz)))


def chosen_pictures(reader: EpisodeReader, camera: str, rows: GridRows) -> Iterator[NDArray[np.uint8]]:
    """The picture (h, w, 3) of each row, one after the other. Raises `EpisodeCorrupt`."""
    stream = reader.images(camera)
    decoded, last = None, -1
    for index in rows.picture_index[camera]:
        if decoded is None or index != last:
            decoded, last = stream[int(index)], int(index)
        yield decoded


def _joints(frames: Frames, grid: NDArray[np.int64], held: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    # A reading whose servo did not answer in time stands in several ticks; it was taken once.
    stamps, once = np.unique(frames.follower_stamp_ns, return_index=True)
    return {
        "state": _between(grid, stamps, frames.follower_position[once], held),
        "velocity": _between(grid, stamps, frames.follower_velocity[once], held),
        "effort": _between(grid, stamps, frames.follower_effort[once], held),
        "action": _between(grid, frames.stamp_ns, frames.action, held),
    }


def _between(
    grid: NDArray[np.int64], stamps: NDArray[np.int64], values: NDArray[np.float64], held: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """`values` (N, D) at the grid's moments (T, D)."""
    origin = stamps[0]
    grid_s, stamps_s = (grid - origin) * 1e-9, (stamps - origin) * 1e-9
    rows = np.empty((len(grid), values.shape[1]))
    newest = newest_not_after(stamps, grid).clip(min=0)
    for joint in range(values.shape[1]):
        rows[:, joint] = values[newest, joint] if held[joint] else np.interp(grid_s, stamps_s, values[:, joint])
    return rows
