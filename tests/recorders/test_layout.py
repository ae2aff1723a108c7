"""How an episode file lies on the disk: other programs and byte ranges over a network depend on it."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import CameraDescription, EpisodeWriter
from recorders.schema import COLUMNS
from tests.recorders.takes import CAMERAS, START_NS, add_second, description

FIRST = 65536  # bytes that a reader takes at once


class Watched(io.FileIO):
    """A file that knows how far it was read."""

    furthest = 0

    def readinto(self, buffer: bytearray) -> int | None:  # type: ignore[override]
        count = super().readinto(buffer)
        self.furthest = max(self.furthest, self.tell())
        return count

    def read(self, size: int | None = -1) -> bytes | None:  # type: ignore[override]
        content = super().read(-1 if size is None else size)
        self.furthest = max(self.furthest, self.tell())
        return content


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cameras, events, and a calibration as long as that of two arms."""
    cameras = tuple(CameraDescription(name, 64, 48, 30.0) for name in ("front", "wrist", "left", "right"))
    calibration = {"leader": {"joints": ["x" * 200] * 7}, "follower": {"joints": ["y" * 200] * 7}}
    told = description(cameras=(*CAMERAS, *cameras[2:]), calibration=calibration)
    writer = EpisodeWriter(tmp_path_factory.mktemp("episodes"), told)
    for second in range(3):
        add_second(writer, second)
        writer.add_event(START_NS, "mark", {"text": "z" * 100})
    return build_episode(writer.finish("success"))


def test_all_that_a_file_says_lies_in_its_first_64_kib(episode: Path) -> None:
    with Watched(episode) as watched, h5py.File(watched, "r") as file:
        said = dict(file.attrs)
        places = []

        def look(name: str, item: h5py.Group | h5py.Dataset) -> None:
            said[name] = dict(item.attrs)
            if isinstance(item, h5py.Dataset) and item.dtype != object and item.size:
                places.append((item.id.get_offset(), item.nbytes, item.dtype))

        file.visititems(look)
        assert len(said) > 60
        assert watched.furthest <= FIRST
        assert min(offset for offset, _, _ in places) < FIRST < episode.stat().st_size


def test_every_array_lies_in_one_piece_and_uncompressed(episode: Path) -> None:
    content = episode.read_bytes()
    with h5py.File(episode) as file, EpisodeReader(episode) as reader:
        for column in COLUMNS:
            dataset = file[column.path]
            assert (dataset.chunks, dataset.compression, dataset.external) == (None, None, None)
        stream = reader.images("wrist")
        data, end = file["cameras/wrist/data"], file["cameras/wrist/end"][:]
        begin = data.id.get_offset()
        for index in (0, 44, 89):
            first = end[index - 1] if index else 0
            assert content[begin + first : begin + end[index]] == stream.encoded(index)
        action = file["action/sent"]
        raw = np.frombuffer(content, "<f8", action.size, action.id.get_offset())
        np.testing.assert_array_equal(raw.reshape(action.shape), reader.frames.action)


def test_hdf5_1_10_can_open_it_and_it_is_not_marked_as_open(episode: Path) -> None:
    head = episode.read_bytes()[:12]
    # Superblock version 3 came with 1.10; the byte behind it and the two sizes holds the marks of a writer.
    assert (head[:8], head[8], head[11]) == (b"\x89HDF\r\n\x1a\n", 3, 0)
    with h5py.File(episode) as file:
        assert file.libver[0] in ("earliest", "v108", "v110")
