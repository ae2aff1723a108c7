"""Episodes of ACT, ALOHA and ACT++: one HDF5 file each, pictures plain or as zero-padded JPEGs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from recorders.errors import EpisodeCorrupt
from recorders.exporters.export_file import read_export_file
from recorders.importers.foreign import (
    MOST_ROWS,
    MOST_SIDE,
    ForeignCamera,
    ForeignEpisode,
    ForeignSet,
    ImportJob,
    camera_name,
    chosen_fps,
    joint_names_for,
)
from recorders.importers.hdf5_reading import (
    array_at,
    dataset_at,
    group_at,
    member,
    opened_hdf5,
    optional_array,
    picture_size,
)
from recorders.importers.importing import Imported, import_all

# ALOHA's own order: interbotix_xs joints of the left arm, then of the right one.
_ARM = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate", "gripper")
ALOHA_JOINTS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in _ARM)
_MOST_JPEG_BYTES = 64 << 20


def run(job: ImportJob) -> Imported:
    """Imports the file `job.source`, or every .hdf5 file below the folder but those with `features` in their name."""
    export_file = read_export_file(job.source) if job.source.is_dir() else None
    if export_file is not None:
        # Only the name: the file may have been tampered with to point elsewhere.
        paths = [job.source / Path(str(entry["episode"])).name for entry in export_file["episodes"]]
    else:
        paths = episode_paths(job.source)
    fps = chosen_fps(job.wish, float(export_file["fps"]) if export_file else 0.0, "ALOHA records at 50.")

    @contextmanager
    def open_episode(index: int) -> Iterator[ForeignEpisode]:
        with opened_hdf5(paths[index]) as file:
            yield _episode(file, fps, export_file)

    names = tuple(path.name for path in paths)
    return import_all(job, ForeignSet(names, open_episode, export_file))


def episode_paths(source: Path) -> list[Path]:
    """The files that ACT++ would take, episode_2 before episode_10."""
    if not source.is_dir():
        return [source]
    found = [path for path in source.rglob("*.hdf5") if "features" not in path.name]
    return sorted(found, key=lambda path: (path.parent, len(path.name), path.name))


def _episode(file: h5py.File, fps: float, export_file: dict[str, Any] | None) -> ForeignEpisode:
    observed = group_at(file, "observations")
    state, action = array_at(observed, "qpos"), array_at(file, "action")
    velocity, effort = optional_array(observed, "qvel", state), optional_array(observed, "effort", state)
    rows = _true_rows(file, len(state))
    images = member(observed, "images")
    keys = {camera_name(key): key for key in images} if isinstance(images, h5py.Group) else {}
    compressed = bool(file.attrs.get("compress", False))
    cameras = tuple(
        _camera(dataset_at(observed, f"images/{key}"), name, rows, compressed) for name, key in keys.items()
    )
    said = export_file["joint_names"] if export_file else ALOHA_JOINTS
    return ForeignEpisode(
        fps=fps,
        task="",
        joint_names=joint_names_for(state.shape[1], said),
        state=state[:rows],
        action=action[:rows],
        velocity=None if velocity is None else velocity[:rows],
        effort=None if effort is None else effort[:rows],
        cameras=cameras,
        pictures=lambda name: _pictures(dataset_at(observed, f"images/{keys[name]}"), rows, compressed),
        remarks=() if export_file else tuple(_remarks(file, state.shape[1])),
    )


def _true_rows(file: h5py.File, rows: int) -> int:
    """Without the rows that our exporter repeated to make all episodes equally long."""
    said = file.attrs.get("teleop_studio_rows", rows)
    true_rows = int(said) if np.ndim(said) == 0 else rows
    return true_rows if 1 <= true_rows <= rows else rows


def _camera(dataset: h5py.Dataset, name: str, rows: int, compressed: bool) -> ForeignCamera:
    if not compressed:
        width, height = picture_size(dataset, rows)
        return ForeignCamera(name, width, height)
    fits = dataset.ndim == 2 and dataset.dtype == np.uint8 and rows <= dataset.shape[0] <= MOST_ROWS
    if not fits or not 1 <= dataset.shape[1] <= _MOST_JPEG_BYTES:
        raise EpisodeCorrupt(
            f"The pictures {dataset.name} are {dataset.dtype} of shape {dataset.shape}; "
            f"uint8 ({rows}, bytes) with a JPEG in each row is expected."
        )
    height, width, _, _ = simplejpeg.decode_jpeg_header(_jpeg(dataset, 0))
    if not (1 <= width <= MOST_SIDE and 1 <= height <= MOST_SIDE):
        raise EpisodeCorrupt(f"The first picture of {dataset.name} says that it is {width}x{height}: too large.")
    return ForeignCamera(name, int(width), int(height), encoded=True)


def _pictures(dataset: h5py.Dataset, rows: int, compressed: bool) -> Iterator[NDArray[np.uint8] | bytes]:
    for row in range(rows):
        yield _jpeg(dataset, row) if compressed else dataset[row]


def _jpeg(dataset: h5py.Dataset, row: int) -> bytes:
    return bytes(dataset[row]).rstrip(b"\0")  # a JPEG ends with FF D9, so no zero at the end is its own


def _remarks(file: h5py.File, width: int) -> Iterator[str]:
    if width == len(ALOHA_JOINTS):
        yield "The joints were given ALOHA's names, because there are 14 of them."
    if not file.attrs.get("sim", False):
        yield "Rows stay as stored; ACT's own reader would pair each observation with the action of the row before."
    yield "Pictures that are not compressed were taken as RGB."
