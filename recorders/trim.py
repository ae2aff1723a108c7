"""Keeps a part of an episode as a new episode; nothing is encoded again, and the original goes to the bin."""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.annotations import annotation_of, copy_annotation
from recorders.catalog import EpisodeInfo, folder_of, move_to_bin
from recorders.disk import sync_folder
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader, Gap, ImageStream
from recorders.episode_writer import JOURNALS, ArmSample, EpisodeWriter, Frame
from recorders.errors import EpisodeCorrupt, disk_errors
from recorders.numbering import BIN

LEAST_S = 0.1
_ASIDE = ".trim-"  # how the folder begins that a trim is written in: a journal there is nobody's take
_LEFT_BEHIND_S = 86_400.0

Range = tuple[int, int]  # first and last index, both kept


def trim(path: Path, start_s: float, end_s: float) -> Path:
    """A new episode of what happened from `start_s` to `end_s` after the first tick. Returns its path.

    It holds the ticks, events, pictures and chunks of that time, and of pictures and chunks the last one before, which
    still held when it began; gaps between what is kept, and the clock. Pictures are copied byte by byte. What was
    said about the episode is said about the new one. Only when that is whole and on the disk, the original goes to the
    bin, from where it can be restored.

    Raises `ValueError` for a range that leaves nothing, or everything, `RecorderError` otherwise; then the original
    stays where it is.
    """
    folder = folder_of(path)
    with EpisodeReader(path) as reader, _aside(folder) as aside:
        check_range(reader.info, start_s, end_s)
        uuid, journal = _journal(reader, aside, start_s, end_s)
        copy_annotation(annotation_of(folder, reader.info.uuid), folder, uuid)
        with disk_errors("trim the episode", path):
            (folder / JOURNALS).mkdir(exist_ok=True)
            # From here on it is a finished take like any other: after a crash the next start builds it.
            taken = folder / JOURNALS / uuid
            os.rename(journal, taken)
            sync_folder(folder / JOURNALS)
    new = build_episode(taken)
    if path.parent.name != BIN:
        move_to_bin(path)
    return new


def check_range(info: EpisodeInfo, start_s: float, end_s: float) -> None:
    """Raises `ValueError` with a sentence for a range that leaves nothing, or everything."""
    length = f"The episode lasts {info.duration_s:.2f} s"
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise ValueError(f"{start_s} to {end_s} s is no range. {length}.")
    if start_s < 0 or end_s > info.duration_s + 1e-6:
        raise ValueError(f"{start_s:.2f} to {end_s:.2f} s is not inside it. {length}; choose a range from 0 on.")
    if end_s - start_s < LEAST_S:
        raise ValueError(f"{start_s:.2f} to {end_s:.2f} s leaves less than {LEAST_S} s of it. Choose a longer range.")
    if start_s <= 0 and end_s >= info.duration_s:
        raise ValueError(f"{start_s:.2f} to {end_s:.2f} s is all of it. {length}; choose a part.")


def suggested_range(info: EpisodeInfo, idle_start_s: float, idle_end_s: float) -> tuple[float, float]:
    """What is left when the time in which nothing moves is cut off at both ends, s."""
    return idle_start_s, info.duration_s - idle_end_s


def _journal(reader: EpisodeReader, aside: Path, start_s: float, end_s: float) -> tuple[str, Path]:
    """(uuid, folder) of a finished journal with the part of the episode."""
    info, frames = reader.info, reader.frames
    begin_ns, end_ns = (int(frames.stamp_ns[0]) + round(at_s * 1e9) for at_s in (start_s, end_s))
    ticks = _inside(frames.stamp_ns, begin_ns, end_ns)
    span = int(frames.stamp_ns[ticks[0]]), int(frames.stamp_ns[ticks[1]])
    description = replace(
        reader.description,
        derived_from=info.uuid,
        derivation=f"trim {start_s:.3f} s to {end_s:.3f} s of {reader.path.name}",
    )
    writer = EpisodeWriter(aside, description, _moved(info.recorded_at, start_s))
    try:
        _copy_ticks(reader, writer, ticks)
        kept = {camera: _with_last_before(reader.images(camera).stamp_ns, *span) for camera in reader.cameras}
        for camera, pictures in kept.items():
            _copy_pictures(reader.images(camera), writer, pictures)
        for event in reader.events():
            if span[0] <= event.stamp_ns <= span[1]:
                writer.add_event(event.stamp_ns, event.kind, event.detail)
        for gap in reader.gaps():
            if _is_inside(gap, reader, kept, span):
                writer.add_gap(gap.stream, gap.first_missing, gap.count, gap.t0_ns, gap.t1_ns)
        chunks = reader.chunks()
        first, last = _with_last_before(np.array([chunk.start_ns for chunk in chunks], np.int64), *span)
        for chunk in chunks[first : last + 1]:
            writer.add_chunk(chunk.start_ns, chunk.dt_s, chunk.actions)
        for mono_ns, wall_ns in reader.clock_anchors():
            writer.add_clock_anchor(int(mono_ns), int(wall_ns))
        # The loop's statistics were about the whole take, so they are left to the original.
        return writer.uuid, writer.finish(info.outcome)
    except ValueError as error:
        writer.discard()
        raise EpisodeCorrupt(f"The episode {reader.path.name} can not be copied. {error}.") from error
    except Exception:
        writer.discard()
        raise


def _copy_ticks(reader: EpisodeReader, writer: EpisodeWriter, ticks: Range) -> None:
    f = reader.frames
    for k in range(ticks[0], ticks[1] + 1):
        leader = ArmSample(int(f.leader_stamp_ns[k]), f.leader_position[k], f.leader_velocity[k], f.leader_effort[k])
        follower = ArmSample(
            int(f.follower_stamp_ns[k]), f.follower_position[k], f.follower_velocity[k], f.follower_effort[k]
        )
        writer.add_frame(Frame(int(f.stamp_ns[k]), leader, follower, f.requested[k], f.action[k], str(f.source[k])))


def _copy_pictures(stream: ImageStream, writer: EpisodeWriter, pictures: Range) -> None:
    for k in range(pictures[0], pictures[1] + 1):
        writer.add_encoded(stream.camera.name, int(stream.stamp_ns[k]), int(stream.sequence[k]), stream.encoded(k))


def _inside(stamp_ns: NDArray[np.int64], begin_ns: int, end_ns: int) -> Range:
    first = int(np.searchsorted(stamp_ns, begin_ns))
    last = int(np.searchsorted(stamp_ns, end_ns, side="right")) - 1
    if last <= first:
        raise ValueError(f"There are less than two control ticks in these {(end_ns - begin_ns) * 1e-9:.2f} s of it.")
    return first, last


def _with_last_before(stamp_ns: NDArray[np.int64], begin_ns: int, end_ns: int) -> Range:
    """What lies inside, and the last one before; (0, -1) for nothing."""
    first = max(0, int(np.searchsorted(stamp_ns, begin_ns, side="right")) - 1)
    return first, int(np.searchsorted(stamp_ns, end_ns, side="right")) - 1


def _is_inside(gap: Gap, reader: EpisodeReader, kept: dict[str, Range], span: Range) -> bool:
    """Whether both neighbours of a gap are kept; one that has none on a side lies at that end of the whole take."""
    if gap.stream in kept:
        sequence = reader.images(gap.stream).sequence
        first, last = kept[gap.stream]
        before = int(np.searchsorted(sequence, gap.first_missing)) - 1
        return (before == -1 or first <= before <= last) and (before + 1 == len(sequence) or before + 1 <= last)
    # A tick has no number in the file. What is not known to lie outside must be told.
    return all(stamp_ns == -1 or span[0] <= stamp_ns <= span[1] for stamp_ns in (gap.t0_ns, gap.t1_ns))


def _moved(recorded_at: str, by_s: float) -> datetime | None:
    try:
        return datetime.fromisoformat(recorded_at) + timedelta(seconds=by_s)
    except (ValueError, OverflowError):  # an imported episode may not know when it was recorded
        return None


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder below `folder` that is gone afterwards. Removes what a crash left of others a day ago."""
    with disk_errors("trim an episode", folder):
        for old in folder.glob(f"{_ASIDE}*"):
            if time.time() - old.stat().st_mtime > _LEFT_BEHIND_S:
                shutil.rmtree(old, ignore_errors=True)
        aside = tempfile.mkdtemp(prefix=_ASIDE, dir=folder)
    try:
        yield Path(aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
