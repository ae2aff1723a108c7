"""Reads the rows of a LeRobotDataset in stretches, through lerobot's own reader."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from numpy.typing import NDArray

_ROWS = 16  # per query: a video is opened and sought once for each of them


def open_dataset(folder: Path, fps: int, keys: list[str], pictures: list[str]) -> LeRobotDataset:
    """The dataset in `folder` by lerobot's reader, offline; each item is a stretch of the columns `keys` + `pictures`.

    PyAV decodes, because torchcodec needs FFmpeg libraries of the system.
    """
    offsets = [row / fps for row in range(_ROWS)]
    return LeRobotDataset(
        "teleop-studio/local",
        root=folder,
        delta_timestamps={key: offsets for key in keys + pictures},
        video_backend="pyav",
        return_uint8=True,
    )


def stretches(dataset: LeRobotDataset, begin: int, end: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row within the episode, item) for stretches that cover the rows `begin` to `end`; the last ones may overhang."""
    for row in range(begin, end, _ROWS):
        yield row - begin, dataset[row]


def rows_of(item: dict[str, Any], key: str, wanted: int) -> NDArray[Any]:
    """At most `wanted` rows of a column of a stretch: pictures (n, h, w, 3) uint8, others (n, ...)."""
    inside = ~item[f"{key}_is_pad"].numpy()
    values: NDArray[Any] = item[key].numpy()[inside][:wanted]
    if values.ndim == 4:
        values = np.moveaxis(values, 1, -1)
    return values
