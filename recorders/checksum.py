"""One checksum for each column of an episode file, and one for all that is said about them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema

_PIECE_BYTES = 8 << 20


def array_sha256(array: NDArray[Any]) -> str:
    """Of the array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data).hexdigest()


def dataset_sha256(dataset: h5py.Dataset) -> str:
    """As `array_sha256` of a numeric column of any length, read in pieces of a few MB."""
    row_bytes = max(1, dataset.nbytes // len(dataset)) if len(dataset) else 1
    rows = max(1, _PIECE_BYTES // row_bytes)
    digest = hashlib.sha256()
    for begin in range(0, len(dataset), rows):
        piece = np.ascontiguousarray(dataset[begin : begin + rows])
        digest.update(piece.view(np.uint8).reshape(-1).data)
    return digest.hexdigest()


def text_sha256(text: str) -> str:
    """Of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def texts_sha256(texts: Sequence[str]) -> str:
    """Of the texts in UTF-8, each ended by a zero byte."""
    return pieces_sha256(text.encode() + b"\0" for text in texts)


def pieces_sha256(pieces: Iterable[bytes | memoryview]) -> str:
    """Of the pieces one after the other."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def content_sha256(file: h5py.File) -> str:
    """Of every attribute in the file. HDF5 itself guards its headers, but not the texts in its heap."""
    said = {"": _plain_attributes(file)}
    file.visititems(lambda name, item: said.update({name: _plain_attributes(item)}))
    said[""].pop(schema.CONTENT_SHA256, None)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _plain_attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    values = {name: item.attrs[name] for name in item.attrs}
    return {
        name: value.tolist() if isinstance(value, np.ndarray | np.generic) else value for name, value in values.items()
    }
