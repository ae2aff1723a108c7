"""A folder of episode_{i}.hdf5 as ACT reads it: uncompressed pictures, all episodes equally long.

Keys and types: tonyzhaozh/act, utils.py, and tonyzhaozh/aloha, aloha_scripts/record_episodes.py.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.disk import require_room
from recorders.episode_reader import EpisodeReader
from recorders.exporters.export_file import stamps_entry
from recorders.exporters.hdf5_content import (
    LIBVER,
    Checksums,
    check_file,
    told_pictures,
    uncompressed_bytes,
    write_array,
    write_pictures,
)
from recorders.exporters.job import ExportJob
from recorders.resample import METHOD as METHOD
from recorders.resample import GridRows, on_grid

LOST = (
    "the leader's readings, the requested actions, events, gaps and the policy's chunks",
    "the recorded ticks and pictures between the rows, and all true stamps",
    "the task's text, the outcome, names and units of joints: this file has them, the .hdf5 files have no place",
    "float64: joints and actions are float32, as ALOHA writes them",
    "the attribute sim = True does not tell where the data come from: it keeps ACT's reader from shifting the actions "
    "by one row. Row k holds the command that was in force when its pictures were the newest",
    "episodes are padded to the longest by repeating their last row, because ACT stacks them; see padded_rows",
)


def export(job: ExportJob, folder: Path) -> list[dict[str, Any]]:
    """Writes and verifies one file per episode, numbered from 0 in their order."""
    folder.mkdir(parents=True)
    lengths = [_length(path, job.fps) for path in job.episodes]
    longest = max(lengths)
    require_room(folder, uncompressed_bytes(job.rig, longest * len(lengths)), "write the uncompressed pictures")
    results: list[dict[str, Any]] = []
    for index, path in enumerate(job.episodes):
        sums: Checksums = {}
        file_path = folder / f"episode_{index}.hdf5"
        with EpisodeReader(path) as reader, h5py.File(file_path, "w", libver=LIBVER) as file:
            rows = on_grid(reader, job.fps)
            padding = longest - len(rows)
            write_joints(file, rows, padding, sums)
            _write_pictures(file, reader, rows, padding, job, index, sums)
        check_file(file_path, sums)
        results.append({"episode": file_path.name, "rows": len(rows), "padded_rows": padding, **stamps_entry(rows)})
    return results


def write_joints(file: h5py.File, rows: GridRows, padding: int, sums: Checksums) -> None:
    """What ACT and ACT++ have alike; `padding` repeats of the last row follow the true ones."""
    # With sim = False the readers take action[t - 1:] for an observation at t, to undo a lag of ALOHA's recorder.
    # Ours has none, so True is the only value that leaves the rows together.
    file.attrs["sim"] = True
    file.attrs["teleop_studio_rows"] = len(rows)
    write_array(file, "action", _padded(rows.action, padding), sums)
    observed = file.create_group("observations")
    write_array(observed, "qpos", _padded(rows.state, padding), sums)
    write_array(observed, "qvel", _padded(rows.velocity, padding), sums)
    write_array(observed, "effort", _padded(rows.effort, padding), sums)


def _write_pictures(
    file: h5py.File, reader: EpisodeReader, rows: GridRows, padding: int, job: ExportJob, index: int, sums: Checksums
) -> None:
    images = file["observations"].create_group("images")
    for camera in job.rig.cameras:
        pictures = told_pictures(reader, camera.name, rows, padding)
        write_pictures(
            images, camera.name, pictures, camera, len(rows) + padding, sums, job.teller(index, camera.name, len(rows))
        )


def _length(path: Path, fps: int) -> int:
    with EpisodeReader(path) as reader:
        return len(on_grid(reader, fps))


def _padded(values: NDArray[np.float64], padding: int) -> NDArray[np.float32]:
    return np.concatenate([values, np.repeat(values[-1:], padding, axis=0)]).astype(np.float32)
