"""Writes an episode as HDF5: ticks and pictures in pieces of a few MB, hashed on their way; no take is too long."""

import hashlib
import json
import zlib
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

# HDF5 1.10 and newer can open it; "latest" would lock out older readers. All metadata lies in the first 64 KiB.
_LIBVER = ("v110", "v110")
_META_BLOCK_BYTES = 65536
_PIECE_BYTES = 8 << 20

Check = Callable[[], None]


def write_episode(path: Path, content: JournalContent, outcome: str) -> None:
    """A new episode file, on the disk when this returns. `outcome` as given when the take ended. Raises `OSError`."""
    write_hdf5(path, lambda file, check: _write_content(file, content, outcome, check))


def write_hdf5(path: Path, write: Callable[[h5py.File, Check], None]) -> None:
    """A new HDF5 file with what `write(file, check)` puts into it, on the disk when this returns. Raises `OSError`.

    `check()` raises what the disk refused so far: called between large pieces, it ends the work early.
    """
    with LatchedFile(path) as latched:
        try:
            with h5py.File(latched, "w", libver=_LIBVER, meta_block_size=_META_BLOCK_BYTES) as file:
                write(file, latched.check)
                file.attrs[schema.CONTENT_SHA256] = content_sha256(file)
        except Exception:
            # HDF5 may stumble over what was dropped before; the reason is what the disk refused first.
            latched.check()
            raise
        latched.save()


class ColumnWriter:
    """One column of known shape, written and hashed piece by piece."""

    def __init__(self, file: h5py.File, path: str, column: schema.Column, shape: tuple[int, ...], unit: str) -> None:
        self._dataset = file.create_dataset(path, shape, column.dtype)
        self._dtype, self._unit = np.dtype(column.dtype), unit
        self._digest = hashlib.sha256()
        self._rows = 0

    def add(self, values: NDArray[Any]) -> None:
        """The next rows."""
        piece = np.ascontiguousarray(values, self._dtype)
        self._digest.update(piece.view(np.uint8).reshape(-1).data)
        self._dataset[self._rows : self._rows + len(piece)] = piece
        self._rows += len(piece)

    def close(self) -> None:
        self._dataset.attrs[schema.UNIT], self._dataset.attrs[schema.SHA256] = self._unit, self._digest.hexdigest()


def write_column(
    file: h5py.File, path: str, column: schema.Column, values: NDArray[Any] | Sequence[str], unit: str = ""
) -> None:
    """One column at once. `unit` where it is not the column's own."""
    if column.dtype == schema.TEXT:
        texts = [str(text) for text in values]
        dataset = file.create_dataset(path, data=text_array(texts))
        checksum = texts_sha256(texts)
    else:
        array = np.ascontiguousarray(values, column.dtype)
        dataset = file.create_dataset(path, data=array)
        checksum = array_sha256(array)
    dataset.attrs[schema.UNIT], dataset.attrs[schema.SHA256] = unit or column.unit, checksum


def text_array(texts: Sequence[str]) -> NDArray[Any]:
    return np.array(list(texts), dtype=h5py.string_dtype())


def _write_content(file: h5py.File, content: JournalContent, outcome: str, check: Check) -> None:
    file.attrs.update(_root_attributes(content, outcome))
    position_unit = content.description.position_unit
    for column, values in content.columns().items():
        write_column(file, column.path, column, values, _unit(column, position_unit))
    codes = range(max(content.frame_sources) + 1)
    names = [content.source_names.get(code, f"source {code}") for code in codes]
    file[schema.FRAME_SOURCE.path].attrs[schema.NAMES] = names
    _write_frames(file, content, check)
    for camera in content.description.cameras:
        group = file.create_group(schema.camera_path(camera.name))
        group.attrs.update(camera_attributes(camera))
        _write_pictures(file, camera.name, content.cameras[camera.name], check)


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


def _unit(column: schema.Column, position_unit: str) -> str:
    return column.unit.replace("rad", position_unit)


def _write_frames(file: h5py.File, content: JournalContent, check: Check) -> None:
    ticks, joints = len(content.frame_stamps), len(content.description.joint_names)
    writers = {
        field: ColumnWriter(
            file,
            column.path,
            column,
            (ticks, joints)[: len(column.shape)],
            _unit(column, content.description.position_unit),
        )
        for column, field in FIELDS.items()
    }
    for block in content.frame_blocks():
        for field, writer in writers.items():
            writer.add(block[field])
        check()
    for writer in writers.values():
        writer.close()


def _write_pictures(file: h5py.File, camera: str, pictures: Pictures, check: Check) -> None:
    columns = pictures.columns()
    size = int(columns[schema.IMAGE_END][-1]) if len(pictures) else 0
    path = schema.camera_path(camera, schema.IMAGE_DATA)
    writer = ColumnWriter(file, path, schema.IMAGE_DATA, (size,), schema.IMAGE_DATA.unit)
    crcs: list[int] = []
    for piece in _pieces(pictures, crcs):
        writer.add(np.frombuffer(piece, np.uint8))
        check()
    writer.close()
    for column, values in {**columns, schema.IMAGE_CRC: np.array(crcs, np.uint32)}.items():
        write_column(file, schema.camera_path(camera, column), column, values)


def _pieces(pictures: Pictures, crcs: list[int]) -> Iterator[bytes]:
    """Whole files joined to about `_PIECE_BYTES`: one write for each of them would take ten times as long.

    `crcs` gains the CRC of each while it is in the processor's cache.
    """
    waiting: list[memoryview] = []
    size = 0
    for file in pictures.files():
        crcs.append(zlib.crc32(file))
        waiting.append(file)
        size += len(file)
        if size >= _PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
