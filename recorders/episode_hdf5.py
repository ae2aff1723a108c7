"""Writes an episode as HDF5 in pieces of a few MB: first all that is said, then the arrays. No take is too long.

What the file says about itself, the checksums included, is complete and at its beginning before the first byte of an
array is written: a reader needs one short read for all of it. The checksums are of what the journal holds, so
`checksum_problems` of the finished file shows that it has arrived.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.checksum import array_sha256, content_sha256, text_sha256, texts_sha256
from recorders.episode import CameraDescription, camera_fingerprint, plain_json
from recorders.frame_row import FIELDS
from recorders.journal_content import JournalContent, Pictures
from recorders.latched_file import LatchedFile
from recorders.software import software

# HDF5 1.10 and newer can open it; "latest" would lock out older readers.
_LIBVER = ("v110", "v110")
_PIECE_BYTES = 8 << 20

Check = Callable[[], None]
Values = NDArray[Any] | list[str]


def write_episode(path: Path, content: JournalContent, outcome: str) -> None:
    """A new episode file, on the disk when this returns. `outcome` as given when the take ended. Raises `OSError`."""
    small = {column.path: (column, values) for column, values in content.columns().items()}
    for camera, pictures in content.cameras.items():
        small |= {schema.camera_path(camera, column): (column, array) for column, array in pictures.columns().items()}

    def declare(file: h5py.File) -> None:
        file.attrs.update(_root_attributes(content, outcome))
        for camera in content.description.cameras:
            group = file.create_group(schema.camera_path(camera.name))
            group.attrs.update(camera_attributes(camera))
            _declare_pictures(file, camera.name, content.cameras[camera.name])
        for name, (column, values) in small.items():
            declare_values(file, name, column, values, _unit(column, content))
        file[schema.FRAME_SOURCE.path].attrs[schema.NAMES] = _source_names(content)
        _declare_frames(file, content)

    def fill(file: h5py.File, check: Check) -> None:
        for name, (_, values) in sorted(small.items(), key=lambda item: not isinstance(item[1][1], list)):
            fill_values(file, name, values)
        check()
        _fill_frames(file, content, check)
        for camera, pictures in content.cameras.items():
            _fill_pictures(file[schema.camera_path(camera, schema.IMAGE_DATA)], pictures, check)

    write_hdf5(path, declare, fill)


def write_hdf5(path: Path, declare: Callable[[h5py.File], None], fill: Callable[[h5py.File, Check], None]) -> None:
    """A new HDF5 file, on the disk when this returns. Raises `OSError`.

    `declare(file)` makes all groups, attributes and empty arrays, `fill(file, check)` writes the arrays, texts first:
    HDF5 keeps them among its own data. `check()` raises what the disk refused so far; between large pieces it ends
    the work early.
    """
    with LatchedFile(path) as latched:
        try:
            with h5py.File(latched, "w", libver=_LIBVER) as file:
                declare(file)
                file.attrs[schema.CONTENT_SHA256] = content_sha256(file)
                file.flush()
                fill(file, latched.check)
        except Exception:
            # HDF5 may stumble over what was dropped before; the reason is what the disk refused first.
            latched.check()
            raise
        latched.save()


def declare_array(
    file: h5py.File, path: str, column: schema.Column, shape: tuple[int, ...], unit: str, checksum: str
) -> None:
    """An array whose numbers or texts are written later."""
    dtype = h5py.string_dtype() if column.dtype == schema.TEXT else column.dtype
    dataset = file.create_dataset(path, shape, dtype)
    dataset.attrs[schema.UNIT], dataset.attrs[schema.SHA256] = unit, checksum


def declare_values(file: h5py.File, path: str, column: schema.Column, values: Values, unit: str) -> None:
    """The array for `values` (`fill_values`)."""
    if isinstance(values, list):
        declare_array(file, path, column, (len(values),), unit, texts_sha256(values))
    else:
        array = np.asarray(values, column.dtype)
        declare_array(file, path, column, array.shape, unit, array_sha256(array))


def fill_values(file: h5py.File, path: str, values: Values) -> None:
    if len(values):
        file[path][...] = text_array(values) if isinstance(values, list) else values


def text_array(texts: Sequence[str]) -> NDArray[Any]:
    return np.array(list(texts), dtype=h5py.string_dtype())


def camera_attributes(camera: CameraDescription) -> dict[str, Any]:
    """What `cameras/<name>` says about itself."""
    return {
        schema.WIDTH: camera.width,
        schema.HEIGHT: camera.height,
        schema.FPS: camera.fps,
        schema.CODEC: camera.codec,
        schema.COLOR: schema.COLOR_RGB,
        schema.QUALITY: camera.quality,
        schema.SUBSAMPLING: camera.subsampling,
        schema.PASSTHROUGH: camera.passthrough,
        schema.SERIAL: camera.serial,
        schema.CAMERA_CALIBRATION: plain_json(camera.calibration),
        schema.CAMERA_SHA256: camera_fingerprint(camera),
    }


def _root_attributes(content: JournalContent, outcome: str) -> dict[str, Any]:
    description = content.description
    cameras = [camera.name for camera in description.cameras]
    calibration = plain_json(description.calibration)
    return {
        schema.ROOT_FORMAT: schema.FORMAT,
        schema.ROOT_VERSION: np.array(schema.FORMAT_VERSION, "<i4"),
        schema.UUID: content.uuid,
        schema.RECORDED_AT: content.recorded_at,
        schema.DURATION_S: content.duration_s,
        schema.TASK: description.task,
        schema.SOURCE: content.source,
        schema.OUTCOME: outcome,
        schema.OPERATOR: description.operator,
        schema.RIG: description.rig,
        schema.SCENE: description.scene,
        schema.SIMULATED: description.simulated,
        schema.CONTROL_HZ: float(description.control_hz),
        schema.JOINT_NAMES: text_array(description.joint_names),
        schema.EFFORT_UNITS: text_array(description.effort_units),
        schema.CAMERA_NAMES: text_array(cameras),
        schema.FRAME_COUNT: len(content.frame_stamps),
        schema.IMAGE_COUNTS: np.array([len(content.cameras[name]) for name in cameras], "<i8"),
        schema.GAP_ROWS: len(content.all_gaps()),
        schema.RECOVERED: content.damaged or content.outcome is None,
        schema.EXTRA: json.dumps(content.extra),
        schema.SOFTWARE: json.dumps(software()),
        schema.CALIBRATION: calibration,
        schema.CALIBRATION_SHA256: text_sha256(calibration),
        schema.LOOP_STATISTICS: plain_json({} if content.loop is None else asdict(content.loop)),
        schema.POSITION_UNIT: description.position_unit,
        schema.DERIVED_FROM: description.derived_from,
        schema.DERIVATION: description.derivation,
    }


def _unit(column: schema.Column, content: JournalContent) -> str:
    return column.unit.replace("rad", content.description.position_unit)


def _source_names(content: JournalContent) -> list[str]:
    codes = range(max(content.frame_sources) + 1)
    return [content.source_names.get(code, f"source {code}") for code in codes]


def _declare_frames(file: h5py.File, content: JournalContent) -> None:
    digests = {column: hashlib.sha256() for column in FIELDS}
    for block in content.frame_blocks():
        for column, field in FIELDS.items():
            digests[column].update(np.ascontiguousarray(block[field]).view(np.uint8).data)
    full = len(content.frame_stamps), len(content.description.joint_names)
    for column, digest in digests.items():
        shape = full[: len(column.shape)]
        declare_array(file, column.path, column, shape, _unit(column, content), digest.hexdigest())


def _fill_frames(file: h5py.File, content: JournalContent, check: Check) -> None:
    row = 0
    for block in content.frame_blocks():
        for column, field in FIELDS.items():
            file[column.path][row : row + len(block)] = np.ascontiguousarray(block[field])
        row += len(block)
        check()


def _declare_pictures(file: h5py.File, camera: str, pictures: Pictures) -> None:
    column = schema.IMAGE_DATA
    shape = (pictures.total_bytes,)
    declare_array(file, schema.camera_path(camera, column), column, shape, column.unit, pictures.sha256)


def _fill_pictures(data: h5py.Dataset, pictures: Pictures, check: Check) -> None:
    at = 0
    for piece in _pieces(pictures):
        data[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
        check()


def _pieces(pictures: Pictures) -> Iterator[bytes]:
    """Whole files joined to about `_PIECE_BYTES`: one write for each of them would take ten times as long."""
    waiting: list[memoryview] = []
    size = 0
    for file in pictures.files():
        waiting.append(file)
        size += len(file)
        if size >= _PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
