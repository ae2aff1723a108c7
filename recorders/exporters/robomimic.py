"""One HDF5 file for robomimic's `SequenceDataset`: a group per episode below `data`, filters below `mask`.

Keys and types: ARISE-Initiative/robomimic, robomimic/utils/dataset.py and docs/datasets/overview.md.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

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

FILE = "dataset.hdf5"
STATE, VELOCITY, EFFORT, IMAGE = "joint_position", "joint_velocity", "joint_effort", "_image"  # keys below obs
DURATION_MARGIN_S = 1.0
LOST = (
    "the leader's readings, the requested actions, events, gaps and the policy's chunks",
    "the recorded ticks and pictures between the rows",
)
_GYM = 2  # robomimic's type of an environment that asks for nothing else to be installed


def export(job: ExportJob, folder: Path) -> list[dict[str, Any]]:
    """Writes and verifies `folder / FILE`; the episodes keep their order as demo_0, demo_1, ..."""
    folder.mkdir(parents=True)
    require_room(folder, uncompressed_bytes(job.rig, most_rows(job)), "write the uncompressed pictures")
    sums: Checksums = {}
    results: list[dict[str, Any]] = []
    with h5py.File(folder / FILE, "w", libver=LIBVER) as file:
        data = file.create_group("data")
        for index, path in enumerate(job.episodes):
            with EpisodeReader(path) as reader:
                rows = on_grid(reader, job.fps)
                _write_demo(data.create_group(f"demo_{index}"), reader, rows, job, index, sums)
                mask = "valid" if reader.info.split == "held_out" else "train"
            results.append({"demo": f"demo_{index}", "mask": mask, "rows": len(rows), **stamps_entry(rows)})
        _write_head(file, job, results)
    job.tell(len(job.episodes), "Reading it back.")
    check_file(folder / FILE, sums)
    return results


def most_rows(job: ExportJob) -> int:
    """Rows of all episodes, a little too many: their files are asked only how long they are."""
    rows = 0.0
    for path in job.episodes:
        with EpisodeReader(path) as reader:
            rows += (reader.info.duration_s + DURATION_MARGIN_S) * job.fps
    return round(rows)


def _write_demo(
    demo: h5py.Group, reader: EpisodeReader, rows: GridRows, job: ExportJob, index: int, sums: Checksums
) -> None:
    info = reader.info
    demo.attrs["num_samples"] = len(rows)
    demo.attrs["task"], demo.attrs["uuid"], demo.attrs["outcome"] = info.task, info.uuid, info.outcome
    write_array(demo, "actions", rows.action, sums)
    # Neither is used to imitate; a reward of 1 at the end is robomimic's word for a success.
    ending = np.zeros(len(rows))
    ending[-1] = 1.0
    write_array(demo, "dones", ending.astype(np.int64), sums)
    write_array(demo, "rewards", ending * (info.outcome == "success"), sums)
    write_array(demo, "stamp_ns", rows.stamp_ns, sums)
    observed = demo.create_group("obs")
    write_array(observed, STATE, rows.state, sums)
    write_array(observed, VELOCITY, rows.velocity, sums)
    write_array(observed, EFFORT, rows.effort, sums)
    for camera in job.rig.cameras:
        capture_ns = rows.stamp_ns - rows.picture_age_ns[camera.name]
        write_array(demo, f"capture_ns/{camera.name}", capture_ns, sums)
        pictures = told_pictures(reader, camera.name, rows)
        tell = job.teller(index, camera.name, len(rows))
        write_pictures(observed, camera.name + IMAGE, pictures, camera, len(rows), sums, tell)


def _write_head(file: h5py.File, job: ExportJob, results: list[dict[str, Any]]) -> None:
    with EpisodeReader(job.episodes[0]) as reader:
        rig = reader.info.rig
    # robomimic raises KeyError without env_kwargs; its own key for the rate is control_freq.
    environment = {"env_name": rig, "type": _GYM, "env_kwargs": {"control_freq": job.fps}}
    file["data"].attrs["env_args"] = json.dumps(environment)
    file["data"].attrs["total"] = sum(result["rows"] for result in results)
    file["data"].attrs["joint_names"] = json.dumps(job.rig.joint_names)
    for mask in ("train", "valid"):
        named = [result["demo"].encode() for result in results if result["mask"] == mask]
        if named:
            file[f"mask/{mask}"] = np.array(named)  # byte strings: robomimic calls .decode on them
