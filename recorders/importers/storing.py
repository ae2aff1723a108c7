"""Writes one foreign episode as one of ours, and says in it what was made up because the format had no place for it."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.disk import sync_folder
from recorders.episode import UNKNOWN_QUALITY
from recorders.episode_builder import build_episode
from recorders.episode_writer import (
    JOURNALS,
    ArmSample,
    CameraDescription,
    EpisodeDescription,
    EpisodeWriter,
    Frame,
)
from recorders.errors import EpisodeCorrupt, TransferRefused, disk_errors
from recorders.importers.foreign import ForeignCamera, ForeignEpisode, ImportJob, check_width
from recorders.resample import GRIPPER, grid_stamps

_START_NS = 1_000_000_000  # the stamps are made up; 0 would look like one that was never taken
_TELL_EVERY = 30


@dataclass(frozen=True)
class Place:
    """Where an episode is written first, and which one of how many it is."""

    staging: Path
    name: str
    index: int
    total: int


@dataclass(frozen=True)
class _Joints:
    """Everything of a row but its pictures, (T, D) each, in our units."""

    state: NDArray[np.float64]
    velocity: NDArray[np.float64]
    effort: NDArray[np.float64]
    action: NDArray[np.float64]
    action_velocity: NDArray[np.float64]


def store(job: ImportJob, foreign: ForeignEpisode, origin: dict[str, Any], unit: str, place: Place) -> Path:
    """The new episode file in `job.folder`. `origin` is our exporter's entry for it, empty for data of others.

    Raises `TransferRefused` for data that do not fit, `EpisodeCorrupt`, `TransferCancelled`, `DiskError`; then nothing
    is left of the episode.
    """
    check_width(foreign.state, foreign.action)
    try:
        description = _description(job, foreign, origin, unit, place.name)
    except ValueError as error:  # e.g. two cameras of one name
        raise TransferRefused(f"{place.name}: {error}. Correct the data, or leave the episode out.") from error
    began = datetime.fromisoformat(origin["recorded_at"]) if origin.get("recorded_at") else None
    # Written aside: a kill in the middle must not leave a journal that the next start would take for a take.
    writer = EpisodeWriter(place.staging, description, began)
    try:
        stamps = _stamps(foreign)
        _write_rows(writer, _joints(foreign, unit), stamps, "policy" if description.source == "policy" else "leader")
        for camera in foreign.cameras:
            _write_pictures(writer, foreign, camera, stamps, job, place)
        job.tell(place.index, place.total, f"{place.name}: saving.")
        journal = writer.finish(str(origin.get("outcome", "unrated")))
    except BaseException:
        writer.discard()
        raise
    with disk_errors("keep the imported episode", job.folder):
        kept = job.folder / JOURNALS / journal.name
        kept.parent.mkdir(exist_ok=True)
        os.rename(journal, kept)  # from here on it is a whole take, which a later start would finish
        sync_folder(kept.parent)
    return build_episode(kept)


def _description(
    job: ImportJob, foreign: ForeignEpisode, origin: dict[str, Any], unit: str, name: str
) -> EpisodeDescription:
    joints = len(foreign.joint_names)
    units = tuple(job_unit for job_unit in origin.get("effort_units", ())) or ("unknown",) * joints
    imported = {
        "format": job.kind,
        "from": job.source.name,
        "episode": name,
        "unit_in_the_data": unit,
        "stamps": f"made up: row / {foreign.fps:g} s; the format has no true ones",
        "velocity": "of the data"
        if foreign.velocity is not None
        else "computed: differences of neighbouring positions",
        "effort": "of the data" if foreign.effort is not None else "not in the data: zeros, unit none",
        "leader": "not in the data: the actions stand for it",
        "remarks": list(foreign.remarks),
    }
    return EpisodeDescription(
        task=str(origin.get("task", "")) or foreign.task or job.wish.task,
        source=str(origin.get("source", job.wish.source)),
        rig=str(origin.get("rig", f"imported from {job.kind}")),
        simulated=bool(origin.get("simulated", False)),
        scene=str(origin.get("scene", "")),
        joint_names=foreign.joint_names,
        effort_units=units if foreign.effort is not None else ("none",) * joints,
        control_hz=foreign.fps,
        cameras=tuple(_camera(camera, foreign.fps) for camera in foreign.cameras),
        operator=str(origin.get("operator", "")),
        extra={**origin.get("extra", {}), "imported": imported},
        position_unit="percent" if unit == "percent" else "rad",
        derived_from=str(origin.get("uuid", "")),
        derivation=f"imported from {job.kind}, {foreign.fps:g} rows per second",
    )


def _camera(camera: ForeignCamera, fps: float) -> CameraDescription:
    if camera.encoded:
        return CameraDescription(camera.name, camera.width, camera.height, fps, quality=UNKNOWN_QUALITY, subsampling="")
    return CameraDescription(camera.name, camera.width, camera.height, fps)


def _stamps(foreign: ForeignEpisode) -> NDArray[np.int64]:
    if foreign.fps == round(foreign.fps):
        rows = len(foreign.state)
        return grid_stamps(_START_NS, _START_NS + round(rows * 1e9 / foreign.fps), round(foreign.fps))[:rows]
    return _START_NS + np.round(np.arange(len(foreign.state)) * 1e9 / foreign.fps).astype(np.int64)


def _joints(foreign: ForeignEpisode, unit: str) -> _Joints:
    scale: NDArray[np.float64] = np.ones(len(foreign.joint_names))
    if unit == "deg":
        grippers = [name.endswith(GRIPPER) for name in foreign.joint_names]
        scale = np.where(grippers, 0.01, np.pi / 180)
    state, action = foreign.state * scale, foreign.action * scale
    velocity = _slope(state, foreign.fps) if foreign.velocity is None else foreign.velocity * scale
    effort = np.zeros_like(state) if foreign.effort is None else foreign.effort
    return _Joints(state, velocity, effort, action, _slope(action, foreign.fps))


def _slope(values: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Per second, from the neighbours of each row; 0 when there is only one row."""
    if len(values) < 2:
        return np.zeros_like(values)
    slope: NDArray[np.float64] = np.gradient(values, 1 / fps, axis=0)
    return slope


def _write_rows(writer: EpisodeWriter, joints: _Joints, stamps: NDArray[np.int64], source: str) -> None:
    nothing = np.zeros(joints.state.shape[1])
    for row, stamp in enumerate(stamps.tolist()):
        action = joints.action[row]
        leader = ArmSample(stamp, action, joints.action_velocity[row], nothing)
        follower = ArmSample(stamp, joints.state[row], joints.velocity[row], joints.effort[row])
        writer.add_frame(Frame(stamp, leader, follower, action, action, source))


def _write_pictures(
    writer: EpisodeWriter,
    foreign: ForeignEpisode,
    camera: ForeignCamera,
    stamps: NDArray[np.int64],
    job: ImportJob,
    place: Place,
) -> None:
    count = 0
    for picture, stamp in zip(foreign.pictures(camera.name), stamps.tolist(), strict=False):
        if count % _TELL_EVERY == 0:
            job.tell(place.index, place.total, f"{place.name}, {camera.name}: row {count} of {len(stamps)}.")
        if isinstance(picture, bytes):
            writer.add_encoded(camera.name, stamp, count, picture)
        else:
            writer.add_image(camera.name, stamp, count, picture)
        count += 1
    if count != len(stamps):
        raise EpisodeCorrupt(
            f"Camera {camera.name!r} of {place.name} has {count} pictures for {len(stamps)} rows. "
            "Leave the episode out, or repair the data."
        )
