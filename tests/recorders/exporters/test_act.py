"""Exports for ACT and ACT++ have the keys, shapes and types of their readers, and come out of them as they went in."""

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.exporters.export import export
from recorders.exporters.export_file import read_export_file
from recorders.resample import chosen_pictures, on_grid
from tests.recorders.takes import CAMERAS, recorded

FPS = 30
CHUNK = 20


@pytest.fixture
def episodes(tmp_path: Path) -> list[Path]:
    return [build_episode(recorded(tmp_path / "episodes", seconds)) for seconds in (1, 2)]


def read_sample(path: Path, start: int, cameras: list[str]) -> tuple[NDArray[np.float32], ...]:
    """What ACT's loader takes for one sample: state and pictures at `start`, the actions from there on.

    After design facts/storage.md 5.1 and 5.2: `sim` and `qvel` must be there; `sim` False shifts the actions one row.
    """
    with h5py.File(path, "r") as file:
        shift = 0 if file.attrs["sim"] else 1
        qpos = file["/observations/qpos"][start]
        _ = file["/observations/qvel"][start]
        pictures = [file[f"/observations/images/{name}"][start] for name in cameras]
        if file.attrs.get("compress", False):
            pictures = [cv2.imdecode(picture, 1) for picture in pictures]
        return qpos, np.stack(pictures), file["/action"][max(0, start - shift) :]


def test_keys_shapes_and_types_are_those_of_aloha(tmp_path: Path, episodes: list[Path]) -> None:
    export("act", episodes, tmp_path / "out", FPS)
    for index in range(2):
        with h5py.File(tmp_path / "out" / f"episode_{index}.hdf5", "r") as file:
            assert file.attrs["sim"] is np.True_
            for key in ("action", "observations/qpos", "observations/qvel", "observations/effort"):
                assert (file[key].shape, file[key].dtype) == ((60, 7), np.float32)
            for camera in CAMERAS:
                pictures = file[f"observations/images/{camera.name}"]
                shape = (camera.height, camera.width, 3)
                assert (pictures.shape, pictures.dtype) == ((60, *shape), np.uint8)
                assert (pictures.chunks, pictures.compression) == ((1, *shape), None)


def test_episodes_are_made_equally_long_and_the_padding_is_told(tmp_path: Path, episodes: list[Path]) -> None:
    export("act", episodes, tmp_path / "out", FPS)
    content = read_export_file(tmp_path / "out")
    assert content is not None
    assert [(entry["rows"], entry["padded_rows"]) for entry in content["episodes"]] == [(30, 30), (60, 0)]
    with h5py.File(tmp_path / "out" / "episode_0.hdf5", "r") as file:
        assert file.attrs["teleop_studio_rows"] == 30
        for key in ("action", "observations/qpos", "observations/images/front"):
            values = file[key][:]
            assert (values[30:] == values[29]).all()
            assert (values[28] != values[29]).any()
        stacked = [h5py.File(tmp_path / "out" / f"episode_{k}.hdf5", "r")["action"][:] for k in range(2)]
        assert np.stack(stacked).shape == (2, 60, 7)  # what ACT's statistics do


@pytest.mark.parametrize("name", ["act", "act-jpeg"])
def test_a_sample_pairs_what_was_seen_with_what_was_then_done(name: str, tmp_path: Path, episodes: list[Path]) -> None:
    export(name, episodes, tmp_path / "out", FPS)
    with EpisodeReader(episodes[1]) as reader:
        rows = on_grid(reader, FPS)
        shown = {camera: list(chosen_pictures(reader, camera, rows)) for camera in ("front",)}
    for start in (0, 17, 59):
        qpos, pictures, actions = read_sample(tmp_path / "out" / "episode_1.hdf5", start, ["front"])
        np.testing.assert_array_equal(qpos, rows.state[start].astype(np.float32))
        np.testing.assert_array_equal(actions, rows.action[start:].astype(np.float32))
        # ACT++ decodes with cv2 and gets BGR, as the export says.
        found = pictures[0] if name == "act" else pictures[0][..., ::-1]
        assert np.abs(found.astype(int) - shown["front"][start]).max() <= (0 if name == "act" else 2)


def test_recorded_jpegs_reach_act_plus_plus_byte_for_byte(tmp_path: Path, episodes: list[Path]) -> None:
    export("act-jpeg", episodes, tmp_path / "out", FPS)
    with h5py.File(tmp_path / "out" / "episode_1.hdf5", "r") as file, EpisodeReader(episodes[1]) as reader:
        assert file.attrs["compress"] is np.True_
        lengths = file["compress_len"]
        assert (lengths.shape, lengths.dtype) == ((2, 60), np.float32)
        rows = on_grid(reader, FPS)
        for number, camera in enumerate(reader.cameras):
            padded = file[f"observations/images/{camera}"]
            assert padded.chunks == (1, padded.shape[1])
            for row, index in enumerate(rows.picture_index[camera]):
                jpeg = reader.images(camera).encoded(int(index))
                assert padded[row].tobytes() == jpeg.ljust(padded.shape[1], b"\0")
                assert lengths[number, row] == len(jpeg)
