"""Looks for everything that can be wrong with an episode file, and says it in sentences."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
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
    if path.is_dir():
        return [problem for file in episode_files(path) for problem in verify(file)]
    if not path.exists():
        raise EpisodeMissing(f"There is no file or folder {path}. Give the path of an episode or of its folder.")
    problems = checksum_problems(path)
    # Damaged bytes give a tail of consequences that tell the operator nothing more.
    return problems or list(_found_by_reading(path))


def episode_files(folder: Path) -> list[Path]:
    """All episode files below `folder`, without those in hidden folders (the bin, journals)."""
    return sorted(
        path
        for path in folder.rglob(f"*{schema.FILE_SUFFIX}")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def checksum_problems(path: Path) -> list[Problem]:
    """What the stored checksums, types and shapes say: whether the bytes are those that were written."""
    try:
        with opened(path) as file:
            return [Problem(path, text) for text in _wrong_columns(file)]
    except RecorderError as error:
        return [Problem(path, str(error))]


def _wrong_columns(file: h5py.File) -> Iterator[str]:
    sizes = {"T": int(file.attrs[schema.FRAME_COUNT]), "D": len(file.attrs[schema.JOINT_NAMES])}
    sizes["G"], sizes["2"] = int(file.attrs[schema.GAP_ROWS]), 2
    version = tuple(int(part) for part in file.attrs[schema.ROOT_VERSION])
    for column in schema.columns_of(schema.COLUMNS, version):
        yield from _wrong_column(file, column.path, column, sizes)
    if file.attrs[schema.CONTENT_SHA256] != content_sha256(file):
        yield "What the file says about itself has changed since it was written. Restore a copy, or move it to the bin."
    names, counts = file.attrs[schema.CAMERA_NAMES], file.attrs[schema.IMAGE_COUNTS]
    for name, count in zip(names, counts, strict=True):
        for column in schema.CAMERA_COLUMNS:
            yield from _wrong_column(file, schema.camera_path(name, column), column, {"F": int(count)})


def _wrong_column(file: h5py.File, path: str, column: schema.Column, sizes: dict[str, int]) -> Iterator[str]:
    """`sizes` gains the letters that this column is the first to tell."""
    if path not in file:
        yield f"The array {path} is missing. Restore the file from a copy, or move it to the bin."
        return
    dataset = file[path]
    if column.dtype == schema.TEXT:
        checksum = texts_sha256([text.decode() for text in dataset[:]])
    elif dataset.dtype != np.dtype(column.dtype):
        yield f"The array {path} has type {dataset.dtype}, not {np.dtype(column.dtype)}."
        return
    else:
        checksum = dataset_sha256(dataset)
    if len(dataset.shape) != len(column.shape):
        yield f"The array {path} has {len(dataset.shape)} dimensions, not {len(column.shape)}."
    for letter, size in zip(column.shape, dataset.shape, strict=False):
        if sizes.setdefault(letter, size) != size:
            yield f"The array {path} has {size} entries where {sizes[letter]} are due."
    if checksum != dataset.attrs[schema.SHA256]:
        yield f"The bytes of {path} have changed since they were written. Restore a copy, or move it to the bin."


def _found_by_reading(path: Path) -> Iterator[Problem]:
    try:
        with EpisodeReader(path) as reader:
            for text in (*_wrong_frames(reader), *_wrong_chunks(reader), *_wrong_pictures(reader)):
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


def _wrong_chunks(reader: EpisodeReader) -> Iterator[str]:
    for number, chunk in enumerate(reader.chunks()):
        yield from _not_finite(f"chunk {number}", chunk.actions)


def _wrong_pictures(reader: EpisodeReader) -> Iterator[str]:
    known = covered([(gap.stream, gap.first_missing, gap.count) for gap in reader.gaps()])
    for camera in reader.cameras:
        stream = reader.images(camera)
        # A simulated camera may show the same moment twice when the simulator stalls; its count still advances.
        yield from _falling(f"The clock of camera {camera!r}", stream.stamp_ns, 0)
        yield from _falling(f"The picture count of camera {camera!r}", stream.sequence, 1)
        for last, this in zip(stream.sequence, stream.sequence[1:], strict=False):
            if this > last + 1 and not is_covered((camera, int(last) + 1, int(this - last - 1)), known):
                yield f"Camera {camera!r}: pictures {last + 1} to {this - 1} are missing and not listed as a gap."
        yield from _wrong_jpegs(camera, stream, reader)


def _wrong_jpegs(camera: str, stream: ImageStream, reader: EpisodeReader) -> Iterator[str]:
    wanted = next(entry for entry in reader.description.cameras if entry.name == camera)
    for index in range(len(stream)):
        if zlib.crc32(stream.jpeg(index)) != stream.crc32[index]:
            yield f"Picture {index} of camera {camera!r} has changed since it was written."
            continue
        try:
            shape = stream[index].shape
        except RecorderError as error:
            yield str(error)
            continue
        if shape != (wanted.height, wanted.width, 3):
            yield f"Picture {index} of camera {camera!r} is {shape[1]}x{shape[0]}, not {wanted.width}x{wanted.height}."


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
