"""One checksum for each column of an episode file."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def array_sha256(array: NDArray[Any]) -> str:
    """Of the array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data).hexdigest()


def texts_sha256(texts: Sequence[str]) -> str:
    """Of the texts in UTF-8, each ended by a zero byte."""
    return pieces_sha256(text.encode() + b"\0" for text in texts)


def pieces_sha256(pieces: Iterable[bytes | memoryview]) -> str:
    """Of the pieces one after the other."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
