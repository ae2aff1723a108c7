"""Looks for everything that can be wrong with an episode file, and says it in sentences."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.checksum import content_sha256, dataset_sha256, texts_sha256
from recorders.episode_file import opened
from recorders.episode_reader import EpisodeReader, ImageStream
from recorders.errors import EpisodeMissing, RecorderError
from recorders.journal_content import covered, is_covered


@dataclass(frozen=True)
class Problem:
    """Something wrong with the file at `path`; `text` one or two sentences."""

    path: Path
    text: str


def verify(path: Path) -> list[Problem]:
    """Every problem of an episode file, or of all episodes below a folder (the bin not). Empty when all is well.

    Checks the checksums, types and shapes of all columns, that clocks rise, values are finite, each picture can be
    decoded in its size, and each missing picture is listed as a gap. Raises `EpisodeMissing` when there is no `path`.
    """
    if not os.path.lexists(path):
        raise EpisodeMissing(f"There is no file or folder {path}. Give the path of an episode or of its folder.")
    problems = []
    for file in episode_files(path) if path.is_dir() else [path]:
        # Damaged bytes give a tail of consequences that tell the operator nothing more.
        problems += checksum_problems(file) or list(_found_by_reading(file))
    return problems


def episode_files(folder: Path) -> list[Path]:
    """All episode files below `folder`, without those in hidden folders (the bin, journals)."""
    return sorted(
        path
        for path in folder.rglob(f"*{schema.FILE_SUFFIX}")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def checksum_problems(path: Path) -> list[Problem]:
    """What the structure and the stored checksums say: whether the bytes are those that were written."""
    try:
        with opened(path) as file:
            return [Problem(path, text) for text in _wrong_columns(file)]
    except RecorderError as error:
        return [Problem(path, str(error))]


def _wrong_columns(file: h5py.File) -> Iterator[str]:
    if file.attrs[schema.CONTENT_SHA256] != content_sha256(file):
        yield "What the file says about itself has changed since it was written. Restore a copy, or move it to the bin."
    version = tuple(int(part) for part in file.attrs[schema.ROOT_VERSION])
    for column in schema.columns_of(schema.COLUMNS, version):
        yield from _changed(file, column.path, column)
    for name in file.attrs[schema.CAMERA_NAMES]:
        for column in schema.columns_of(schema.CAMERA_COLUMNS, version):
            yield from _changed(file, schema.camera_path(name, column), column)


def _changed(file: h5py.File, path: str, column: schema.Column) -> Iterator[str]:
    dataset = file[path]
    if column.dtype == schema.TEXT:
        checksum = texts_sha256([text.decode() for text in dataset[:]])
    else:
        checksum = dataset_sha256(dataset)
    if checksum != dataset.attrs[schema.SHA256]:
        yield f"The bytes of {path} have changed since they were written. Restore a copy, or move it to the bin."


def _found_by_reading(path: Path) -> Iterator[Problem]:
    try:
        with EpisodeReader(path) as reader:
            for text in chain(_wrong_frames(reader), _wrong_events(reader), _wrong_pictures(reader)):
                yield Problem(path, text)
    except RecorderError as error:
        yield Problem(path, str(error))


def _wrong_frames(reader: EpisodeReader) -> Iterator[str]:
    frames = reader.frames
    if not len(frames):
        yield "The episode holds no control tick."
    for name in ("stamp_ns", "leader_stamp_ns", "follower_stamp_ns"):
        # A reading is used again when its servo did not answer in time, so only the tick's own clock must advance.
        least = 1 if name == "stamp_ns" else 0
        yield from _falling(f"The clock {name}", getattr(frames, name), least)
    for name in (
        "leader_position",
        "leader_velocity",
        "leader_effort",
        "follower_position",
        "follower_velocity",
        "follower_effort",
        "requested",
        "action",
    ):
        yield from _not_finite(name, getattr(frames, name))


def _wrong_events(reader: EpisodeReader) -> Iterator[str]:
    reader.events()
    anchors = reader.clock_anchors()
    yield from _falling("The clock of the anchors", anchors[:, 0], 1)
    for number, chunk in enumerate(reader.chunks()):
        yield from _not_finite(f"chunk {number}", chunk.actions)
        yield from _not_finite(f"the step of chunk {number}", np.array([chunk.dt_s]))


def _wrong_pictures(reader: EpisodeReader) -> Iterator[str]:
    known = covered([(gap.stream, gap.first_missing, gap.count) for gap in reader.gaps()])
    for camera in reader.cameras:
        stream = reader.images(camera)
        # A simulated camera may show the same moment twice when the simulator stalls; its count still advances.
        yield from _falling(f"The clock of camera {camera!r}", stream.stamp_ns, 0)
        yield from _falling(f"The picture count of camera {camera!r}", stream.sequence, 1)
        for index in np.flatnonzero(np.diff(stream.sequence) > 1):
            last, this = int(stream.sequence[index]), int(stream.sequence[index + 1])
            if not is_covered((camera, last + 1, this - last - 1), known):
                yield f"Camera {camera!r}: pictures {last + 1} to {this - 1} are missing and not listed as a gap."
        yield from _undecodable(camera, stream)


def _undecodable(camera: str, stream: ImageStream) -> Iterator[str]:
    for index in range(len(stream)):
        if zlib.crc32(stream.encoded(index)) != stream.crc32[index]:
            yield f"Picture {index} of camera {camera!r} has changed since it was written."
            continue
        try:
            stream[index]
        except RecorderError as error:
            yield str(error)


def _falling(name: str, values: NDArray[np.int64], least: int) -> Iterator[str]:
    steps = np.diff(values)
    wrong = np.flatnonzero(steps < least)
    if len(wrong):
        first = int(wrong[0])
        yield f"{name} does not rise at entry {first + 1} (step {steps[first]}), {len(wrong)} times in all."


def _not_finite(name: str, values: NDArray[Any]) -> Iterator[str]:
    bad = np.count_nonzero(~np.isfinite(values))
    if bad:
        yield f"{name} holds {bad} values that are no numbers."
