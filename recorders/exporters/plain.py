"""A folder per episode that any program opens: an MP4 per camera, joints as CSV and Parquet, all true stamps.

Nothing is resampled: every picture and every control tick is there. A video shows its pictures at their true moments
(variable frame rate, 1/90000 s fine); `frames.csv` says for each the exact stamp.
"""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recorders.clock_anchors import wall_time_ns
from recorders.disk import require_room
from recorders.episode_reader import EpisodeReader, Frames
from recorders.errors import EpisodeCorrupt
from recorders.exporters.export_file import episode_entry
from recorders.exporters.job import ExportJob
from recorders.exporters.video import rising_ticks, ticks_of, write_video

LOST = (
    "pictures are H.264 (x264, crf 18, 4:2:0 where both sides are even): close to the recorded ones, not equal",
    "of two pictures of a camera with the same stamp the video shows the second one 1/90000 s later",
)
METHOD = {"none": "every control tick and every picture is written with its own stamp; nothing is resampled"}
FRAMES, JOINTS_TABLE, JOINTS_CSV, EPISODE = "frames.csv", "joints.parquet", "joints.csv", "episode.json"
_TELL_EVERY = 30


def export(job: ExportJob, folder: Path) -> list[dict[str, Any]]:
    """Writes and verifies a folder per episode, named as its file."""
    folder.mkdir(parents=True)
    require_room(folder, sum(path.stat().st_size for path in job.episodes), "write the export")
    results: list[dict[str, Any]] = []
    for index, path in enumerate(job.episodes):
        below = folder / f"{index:06d}-{path.stem}"
        below.mkdir()
        with EpisodeReader(path) as reader:
            pictures = _write_videos(reader, job, index, below)
            table = _joint_table(reader)
            pq.write_table(table, below / JOINTS_TABLE)
            _write_csv(below / JOINTS_CSV, table.column_names, zip(*table.to_pydict().values(), strict=True))
            _write_frames(reader, below / FRAMES)
            (below / EPISODE).write_text(json.dumps(_description(reader, path), indent=1), "utf-8")
            _verify(reader, below, table)
        results.append({"folder": below.name, "rows": table.num_rows, "videos": pictures})
    return results


def _write_videos(reader: EpisodeReader, job: ExportJob, index: int, folder: Path) -> dict[str, int]:
    """Pictures written per camera."""
    written = {}
    origin = origin_ns(reader)
    for camera in reader.description.cameras:
        stream = reader.images(camera.name)
        ticks, tell = rising_ticks(stream.stamp_ns, origin), job.teller(index, camera.name, len(stream))

        def pictures(stream: Any = stream, ticks: Any = ticks, tell: Any = tell) -> Any:
            for number in range(len(stream)):
                if number % _TELL_EVERY == 0:
                    tell(number)
                yield int(ticks[number]), stream[number]

        path = folder / f"{camera.name}.mp4"
        if len(stream):
            written[camera.name] = write_video(path, (camera.width, camera.height), pictures())
    return written


def origin_ns(reader: EpisodeReader) -> int:
    """The first stamp of all streams: second 0 of the videos and of `time_s`."""
    firsts = [int(reader.frames.stamp_ns[0])]
    return min(firsts + [int(reader.images(name).stamp_ns[0]) for name in reader.cameras if len(reader.images(name))])


def _joint_table(reader: EpisodeReader) -> pa.Table:
    """One row per control tick; a column per joint and quantity, e.g. `follower_position.elbow`."""
    frames = reader.frames
    columns: dict[str, Any] = {
        "stamp_ns": frames.stamp_ns,
        "time_s": (frames.stamp_ns - origin_ns(reader)) * 1e-9,
        "wall_time": _wall_times(reader, frames.stamp_ns),
        "source": [str(source) for source in frames.source],
        "leader_stamp_ns": frames.leader_stamp_ns,
        "follower_stamp_ns": frames.follower_stamp_ns,
    }
    for quantity, values in _vectors(frames).items():
        for joint, name in enumerate(reader.joint_names):
            columns[f"{quantity}.{name}"] = values[:, joint]
    return pa.table(columns)


def _vectors(frames: Frames) -> dict[str, Any]:
    return {
        "leader_position": frames.leader_position,
        "leader_velocity": frames.leader_velocity,
        "leader_effort": frames.leader_effort,
        "follower_position": frames.follower_position,
        "follower_velocity": frames.follower_velocity,
        "follower_effort": frames.follower_effort,
        "requested": frames.requested,
        "action": frames.action,
    }


def _write_frames(reader: EpisodeReader, path: Path) -> None:
    header = ["camera", "picture", "sequence", "stamp_ns", "time_s", "wall_time"]
    origin = origin_ns(reader)
    rows: list[tuple[Any, ...]] = []
    for camera in reader.cameras:
        stream = reader.images(camera)
        walls = _wall_times(reader, stream.stamp_ns)
        for number, (stamp, sequence) in enumerate(zip(stream.stamp_ns, stream.sequence, strict=True)):
            rows.append((camera, number, int(sequence), int(stamp), (int(stamp) - origin) * 1e-9, walls[number]))
    _write_csv(path, header, rows)


def _wall_times(reader: EpisodeReader, stamp_ns: NDArray[np.int64]) -> list[str]:
    """Wall-clock times, ISO 8601 in UTC; empty where the episode has no clock anchors, e.g. in simulated time."""
    anchors = reader.clock_anchors()
    walls = [wall_time_ns(anchors, int(stamp)) for stamp in stamp_ns]
    return ["" if wall is None else _iso(wall) for wall in walls]


def _iso(wall_ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall_ns // 1000)
    return moment.isoformat(timespec="microseconds")


def _description(reader: EpisodeReader, path: Path) -> dict[str, Any]:
    said = reader.description
    return {
        **episode_entry(path),
        "joint_names": said.joint_names,
        "position_unit": said.position_unit,
        "effort_units": said.effort_units,
        "control_hz": said.control_hz,
        "cameras": [{"name": c.name, "width": c.width, "height": c.height, "fps": c.fps} for c in said.cameras],
        "time_s_0_is_stamp_ns": origin_ns(reader),
        "events": [{"stamp_ns": e.stamp_ns, "kind": e.kind, "detail": e.detail} for e in reader.events()],
        "gaps": [{"stream": g.stream, "first_missing": g.first_missing, "count": g.count} for g in reader.gaps()],
        "chunks": [{"start_ns": c.start_ns, "dt_s": c.dt_s, "actions": c.actions.tolist()} for c in reader.chunks()],
    }


def _write_csv(path: Path, header: list[str], rows: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _verify(reader: EpisodeReader, folder: Path, table: pa.Table) -> None:
    """Raises `EpisodeCorrupt` when a video has not every picture at its moment, or a table is not as it was written."""
    for camera in reader.cameras:
        stream = reader.images(camera)
        wanted = rising_ticks(stream.stamp_ns, origin_ns(reader))
        found = ticks_of(folder / f"{camera}.mp4") if len(stream) else wanted
        if not np.array_equal(found, wanted):
            raise EpisodeCorrupt(
                f"The video of camera {camera!r} of {reader.path.name} has {len(found)} pictures, {len(wanted)} were "
                "written, or they do not stand at their moments. Check the disk, then export again."
            )
    if not pq.read_table(folder / JOINTS_TABLE).equals(table):
        raise EpisodeCorrupt(
            f"{JOINTS_TABLE} of {reader.path.name} is not as it was written. Check the disk, then export again."
        )
