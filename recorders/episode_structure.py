"""Says where an episode file does not hold what the schema says: arrays, their types and sizes, and their counts."""

import math
import uuid
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from recorders import schema

_MAX_ARRAY_BYTES = 1 << 30  # a day of seven joints at 200 Hz; pictures are never read all at once
_MAX_CAMERAS = 64
_MAX_FPS = 10_000
_MAX_PIXELS = 1 << 26  # of one picture: 8192 x 8192


def structure_problems(file: h5py.File, version: tuple[int, ...]) -> Iterator[str]:
    """One sentence for each thing that is missing, of another type or of another size. Reads no array.

    `version` of the file's format. h5py's own exceptions pass.
    """
    problems = list(_wrong_words(file))
    yield from problems
    if problems:
        return  # what counts the arrays can not be trusted
    sizes = {
        "T": int(file.attrs[schema.FRAME_COUNT]),
        "D": len(file.attrs[schema.JOINT_NAMES]),
        "G": int(file.attrs[schema.GAP_ROWS]),
    }
    for column in schema.columns_of(schema.COLUMNS, version):
        yield from _wrong_column(file, column.path, column, sizes)
    columns = schema.columns_of(schema.CAMERA_COLUMNS, version)
    for name, count in zip(file.attrs[schema.CAMERA_NAMES], file.attrs[schema.IMAGE_COUNTS], strict=True):
        yield from _wrong_camera(file, name)
        own = {**sizes, "F": int(count)}
        for column in columns:
            yield from _wrong_column(file, schema.camera_path(name, column), column, own)


def _wrong_words(file: h5py.File) -> Iterator[str]:
    said = file.attrs
    try:
        uuid.UUID(str(said[schema.UUID]))
    except ValueError:
        yield f"Its identity {str(said[schema.UUID])[:60]!r} is no UUID."
    for name in (schema.DURATION_S, schema.CONTROL_HZ):
        if not math.isfinite(value := float(said[name])) or value < 0:
            yield f"Its {name} is {value}."
    cameras, counts = len(said[schema.CAMERA_NAMES]), len(said[schema.IMAGE_COUNTS])
    if cameras != counts or cameras > _MAX_CAMERAS:
        yield f"It names {cameras} cameras and counts the pictures of {counts}."


def _wrong_camera(file: h5py.File, name: str) -> Iterator[str]:
    path = schema.camera_path(name)
    if path not in file:
        yield f"The camera {name!r} is missing."
        return
    said = file[path].attrs
    width, height, fps = int(said[schema.WIDTH]), int(said[schema.HEIGHT]), float(said[schema.FPS])
    if width < 1 or height < 1 or width * height > _MAX_PIXELS:
        yield f"The camera {name!r} is said to have pictures of {width}x{height}."
    if not 0 <= fps <= _MAX_FPS:
        yield f"The camera {name!r} is said to have {fps} pictures per second."


def _wrong_column(file: h5py.File, path: str, column: schema.Column, sizes: dict[str, int]) -> Iterator[str]:
    """`sizes` gains the letters that this column is the first to tell."""
    if not isinstance(dataset := file.get(path), h5py.Dataset):
        yield f"The array {path} is missing."
        return
    if not _is_of_type(dataset.dtype, column):
        wanted = "text" if column.dtype == schema.TEXT else np.dtype(column.dtype)
        yield f"The array {path} has type {dataset.dtype}, not {wanted}."
    if len(dataset.shape) != len(column.shape):
        yield f"The array {path} has {len(dataset.shape)} dimensions, not {len(column.shape)}."
        return
    for letter, size in zip(column.shape, dataset.shape, strict=True):
        due = int(letter) if letter.isdigit() else sizes.setdefault(letter, size)
        if due != size:
            yield f"The array {path} has {size} entries where {due} are due."
    if column is not schema.IMAGE_DATA and dataset.nbytes > _MAX_ARRAY_BYTES:
        yield f"The array {path} has {dataset.nbytes} bytes, more than an episode of a day."


def _is_of_type(dtype: np.dtype[Any], column: schema.Column) -> bool:
    if column.dtype == schema.TEXT:
        text = h5py.check_string_dtype(dtype)
        return text is not None and text.length is None
    return dtype == np.dtype(column.dtype)
