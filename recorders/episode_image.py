"""The bytes of an HDF5 episode file, made in memory."""

import json
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.checksum import array_sha256, content_sha256, pieces_sha256, texts_sha256
from recorders.journal_content import JournalContent, Pictures

# HDF5 1.10 and newer can open it; "latest" would lock out older readers. All metadata lies in the first 64 KiB.
_LIBVER = ("v110", "v110")
_META_BLOCK_BYTES = 65536
_PIECE_BYTES = 8 << 20


def episode_image(content: JournalContent, outcome: str) -> bytes:
    """The whole file. `outcome` as given when the take ended."""
    file = h5py.File(
        "episode-in-memory",
        "w",
        driver="core",
        backing_store=False,
        block_size=_PIECE_BYTES,
        libver=_LIBVER,
        meta_block_size=_META_BLOCK_BYTES,
    )
    try:
        _write_attributes(file, content, outcome)
        for column, values in content.columns().items():
            _write_column(file, column.path, column, values)
        codes = range(max(content.frame_sources) + 1)
        file[schema.FRAME_SOURCE.path].attrs[schema.NAMES] = [
            content.source_names.get(code, f"source {code}") for code in codes
        ]
        for camera in content.description.cameras:
            group = file.create_group(schema.camera_path(camera.name))
            group.attrs[schema.WIDTH], group.attrs[schema.HEIGHT] = camera.width, camera.height
            group.attrs[schema.FPS] = camera.fps
            group.attrs[schema.CODEC], group.attrs[schema.COLOR] = schema.CODEC_JPEG, schema.COLOR_RGB
            _write_pictures(file, camera.name, content.cameras[camera.name])
        file.attrs[schema.CONTENT_SHA256] = content_sha256(file)
        file.flush()
        image: bytes = file.id.get_file_image()
        return image
    finally:
        file.close()


def _write_attributes(file: h5py.File, content: JournalContent, outcome: str) -> None:
    description = content.description
    cameras = [camera.name for camera in description.cameras]
    said: dict[str, Any] = {
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
        schema.JOINT_NAMES: _text_array(description.joint_names),
        schema.EFFORT_UNITS: _text_array(description.effort_units),
        schema.CAMERA_NAMES: _text_array(cameras),
        schema.FRAME_COUNT: len(content.frame_stamps),
        schema.IMAGE_COUNTS: np.array([len(content.cameras[name].jpegs) for name in cameras], "<i8"),
        schema.GAP_ROWS: len(content.all_gaps()),
        schema.RECOVERED: content.damaged or content.outcome is None,
        schema.EXTRA: json.dumps(content.extra),
        schema.SOFTWARE: json.dumps(_software()),
    }
    for name, value in said.items():
        file.attrs[name] = value


def _write_column(file: h5py.File, path: str, column: schema.Column, values: NDArray[Any] | Sequence[str]) -> None:
    if column.dtype == schema.TEXT:
        texts = [str(text) for text in values]
        dataset = file.create_dataset(path, data=_text_array(texts))
        checksum = texts_sha256(texts)
    else:
        array = np.ascontiguousarray(values, column.dtype)
        dataset = file.create_dataset(path, data=array)
        checksum = array_sha256(array)
    dataset.attrs[schema.UNIT], dataset.attrs[schema.SHA256] = column.unit, checksum


def _write_pictures(file: h5py.File, camera: str, pictures: Pictures) -> None:
    for column, values in pictures.columns().items():
        _write_column(file, schema.camera_path(camera, column), column, values)
    path = schema.camera_path(camera, schema.IMAGE_DATA)
    data = file.create_dataset(path, (sum(map(len, pictures.jpegs)),), schema.IMAGE_DATA.dtype)
    offset = 0
    for piece in _pieces(pictures.jpegs):
        data[offset : offset + len(piece)] = np.frombuffer(piece, np.uint8)
        offset += len(piece)
    data.attrs[schema.UNIT], data.attrs[schema.SHA256] = schema.IMAGE_DATA.unit, pieces_sha256(pictures.jpegs)


def _pieces(jpegs: list[memoryview]) -> Iterator[bytes]:
    """Whole JPEGs joined to about `_PIECE_BYTES`: one write for each of them would take ten times as long."""
    waiting: list[memoryview] = []
    size = 0
    for jpeg in jpegs:
        waiting.append(jpeg)
        size += len(jpeg)
        if size >= _PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _text_array(texts: Sequence[str]) -> NDArray[Any]:
    return np.array(list(texts), dtype=h5py.string_dtype())


def _software() -> dict[str, str]:
    """Versions that made the file."""
    try:
        own = version("teleop-studio")
    except PackageNotFoundError:  # run from a source folder that is not installed
        own = "not installed"
    return {
        "teleop-studio": own,
        "python": platform.python_version(),
        "h5py": h5py.version.version,
        "hdf5": h5py.version.hdf5_version,
    }
