"""`verify` finds every kind of damage and says which."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from recorders import schema
from recorders.checksum import array_sha256, content_sha256
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import EpisodeCorrupt, EpisodeMissing
from recorders.verify import verify
from tests.recorders.takes import CAMERAS, START_NS, description, frame, picture, recorded


@pytest.fixture
def episode(tmp_path: Path) -> Path:
    return build_episode(recorded(tmp_path))


def set_array(file: h5py.File, path: str, values: Any) -> None:
    """Replaces an array, with a checksum that matches."""
    unit = file[path].attrs[schema.UNIT]
    del file[path]
    dataset = file.create_dataset(path, data=values)
    dataset.attrs[schema.UNIT] = unit
    dataset.attrs[schema.SHA256] = array_sha256(np.asarray(values))


def overwrite(path: Path, dataset: str, at: int, content: bytes) -> None:
    """Changes bytes of a contiguous array behind HDF5's back."""
    with h5py.File(path, "r") as file:
        offset = file[dataset].id.get_offset()
    with open(path, "r+b") as raw:
        raw.seek(offset + at)
        raw.write(content)


def texts(path: Path) -> str:
    return "\n".join(problem.text for problem in verify(path))


def test_a_whole_episode_has_no_problem(episode: Path) -> None:
    assert verify(episode) == []
    assert verify(episode.parent) == []


@pytest.mark.parametrize("dataset", ["action/sent", "frames/stamp_ns", "cameras/front/data", "cameras/wrist/end"])
def test_a_changed_bit_is_found(episode: Path, dataset: str) -> None:
    overwrite(episode, dataset, 40, b"\x5a\xa5")
    assert f"The bytes of {dataset} have changed" in texts(episode)


def test_a_changed_word_of_the_description_is_found(episode: Path) -> None:
    content = episode.read_bytes()
    assert content.count(b"put the bottle") == 1
    episode.write_bytes(content.replace(b"put the bottle", b"cut the bottle"))
    assert texts(episode).startswith("What the file says about itself has changed since it was written.")


@pytest.mark.parametrize("kept", [0, 100, 5000, 50_000])
def test_a_shortened_file_is_found(episode: Path, kept: int) -> None:
    os.truncate(episode, kept)
    assert "is damaged" in texts(episode)


def rewound(file: h5py.File) -> None:
    stamps = file["frames/stamp_ns"][:]
    stamps[50] = stamps[48]
    set_array(file, "frames/stamp_ns", stamps)


def not_a_number(file: h5py.File) -> None:
    values = file["follower/position"][:]
    values[3, 2] = np.nan
    set_array(file, "follower/position", values)


def one_short(file: h5py.File) -> None:
    set_array(file, "action/requested", file["action/requested"][:-1])


def single_precision(file: h5py.File) -> None:
    set_array(file, "leader/effort", file["leader/effort"][:].astype("f4"))


def missing(file: h5py.File) -> None:
    del file["chunks/actions"]


def no_jpeg(file: h5py.File) -> None:
    data = file["cameras/front/data"][:]
    data[: 64 * 4] = 0
    set_array(file, "cameras/front/data", data)
    crcs = file["cameras/front/crc32"][:]
    crcs[0] = zlib.crc32(data[: file["cameras/front/end"][0]].tobytes())
    set_array(file, "cameras/front/crc32", crcs)


def other_jpeg(file: h5py.File) -> None:
    crcs = file["cameras/front/crc32"][:]
    crcs[4] += 1
    set_array(file, "cameras/front/crc32", crcs)


def skipped_picture(file: h5py.File) -> None:
    sequence = file["cameras/wrist/sequence"][:]
    sequence[10:] += 2
    set_array(file, "cameras/wrist/sequence", sequence)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (rewound, "The clock stamp_ns does not rise at entry 50"),
        (not_a_number, "follower_position holds 1 values that are no numbers"),
        (one_short, "The array action/requested has 99 entries where 100 are due"),
        (single_precision, "The array leader/effort has type float32, not float64"),
        (missing, "The array chunks/actions is missing"),
        (no_jpeg, "Picture 0 of camera 'front' in"),
        (other_jpeg, "Picture 4 of camera 'front' has changed"),
        (skipped_picture, "Camera 'wrist': pictures 10 to 11 are missing and not listed as a gap"),
    ],
)
def test_damage_is_named(episode: Path, damage: Callable[[h5py.File], None], words: str) -> None:
    with h5py.File(episode, "r+") as file:
        damage(file)
        file.attrs[schema.CONTENT_SHA256] = content_sha256(file)
    assert words in texts(episode)


def test_a_picture_that_can_not_be_decoded_stops_its_reader_with_a_sentence(episode: Path) -> None:
    overwrite(episode, "cameras/front/data", 0, bytes(64))
    with EpisodeReader(episode) as reader, pytest.raises(EpisodeCorrupt, match="Picture 0 of camera 'front'"):
        reader.images("front")[0]


def test_what_was_wrong_already_when_recording_is_kept_and_named(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    for index in (0, 1, 1, 2):
        writer.add_frame(frame(index))
    for index in (3, 3):
        writer.add_image("front", START_NS + index, index, picture(index, CAMERAS[0]))
    path = build_episode(writer.finish("success"))
    said = texts(path)
    assert "The clock stamp_ns does not rise at entry 2" in said
    assert "The picture count of camera 'front' does not rise at entry 1" in said


def test_verify_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(EpisodeMissing, match="no file or folder"):
        verify(tmp_path / "nowhere")
