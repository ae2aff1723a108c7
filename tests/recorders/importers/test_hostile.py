"""Malformed and hostile data: a clear sentence within a second, bounded memory, nothing imported of it."""

import json
import random
import resource
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from recorders.errors import RecorderError
from recorders.exporters.export_file import EXPORT_FILE
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import import_episodes
from recorders.importers.lerobot import check_folder
from tests.recorders.importers.foreign_files import JOINTS, ROWS, aloha_file, motion, robomimic_file

RAD = ImportWish(unit="rad", fps=50)


def external_link(file: h5py.File, key: str) -> None:
    file[key] = h5py.ExternalLink("/etc/hostname", "/data")


def soft_link(file: h5py.File, key: str) -> None:
    file[key] = h5py.SoftLink("/action")


def external_storage(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (ROWS, JOINTS), "f4", external=[("/etc/passwd", 0, ROWS * JOINTS * 4)])


def virtual(file: h5py.File, key: str) -> None:
    layout = h5py.VirtualLayout((ROWS, JOINTS), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (ROWS, JOINTS))
    file.create_virtual_dataset(key, layout)


def huge(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (10**12, JOINTS), "f4", chunks=(100, JOINTS))


def nothing_written(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (ROWS, JOINTS), "f4", chunks=(1, JOINTS))


def zip_bomb(file: h5py.File, key: str) -> None:
    file.create_dataset(key, (100, 350_000), "f4", chunks=(100, 350_000), compression="gzip", fillvalue=0)[0, 0] = 1


def texts(file: h5py.File, key: str) -> None:
    file[key] = ["a", "b"]


def a_group(file: h5py.File, key: str) -> None:
    file.create_group(key)


NAN = np.full((ROWS, JOINTS), np.nan)
WRONG = {
    "no actions": ({"action": None}, "There is no array 'action'"),
    "no qpos": ({"observations/qpos": None}, "There is no array 'qpos'"),
    "a link to another file": ({"action": external_link}, "action is a link"),
    "a link within the file": ({"observations/qpos": soft_link}, "qpos is a link"),
    "an array in another file": ({"action": external_storage}, "lies in another file"),
    "a virtual array": ({"action": virtual}, "lies in another file"),
    "a huge shape": ({"action": huge}, "nothing is in it|more than any episode"),
    "a shape with nothing in it": ({"action": nothing_written}, "but nothing is in it"),
    "huge pieces": ({"action": zip_bomb}, "too large to read"),
    "texts": ({"action": texts}, "numbers in 2 dimensions are expected"),
    "a group": ({"action": a_group}, "There is no array 'action'"),
    "one dimension": ({"observations/qpos": motion()[:, 0]}, "numbers in 2 dimensions"),
    "complex numbers": ({"action": motion() * 1j}, "numbers in 2 dimensions"),
    "no rows": ({"action": motion()[:0], "observations/qpos": motion()[:0]}, "numbers in 2 dimensions"),
    "no numbers": ({"observations/qpos": NAN}, "holds values that are no numbers"),
    "too many joints": ({"action": np.zeros((ROWS, 1000))}, "more than any episode holds"),
    "other widths": ({"action": motion()[:, :7]}, "are goals of the same joints"),
    "too few pictures": (
        {"observations/images/cam_high": np.zeros((3, 4, 4, 3), np.uint8)},
        "is expected",
    ),
    "grey pictures": ({"observations/images/cam_high": np.zeros((ROWS, 4, 4), np.uint8)}, "is expected"),
    "floating pictures": ({"observations/images/cam_high": np.zeros((ROWS, 4, 4, 3))}, "is expected"),
    "pictures that are a link": ({"observations/images/cam_high": external_link}, "is a link"),
    "a camera without a name": ({"observations/images/::": np.zeros((ROWS, 4, 4, 3), np.uint8)}, "no letter or digit"),
}


def refused(kind: str, source: Path, folder: Path, wish: ImportWish = RAD) -> str:
    """What is said about data that can not be imported, after a check that nothing was."""
    began_s = time.process_time()
    try:
        done = import_episodes(kind, source, folder, wish)
        assert done.episodes == ()
        ((_, why),) = done.refused
    except RecorderError as error:
        why = str(error)
    assert time.process_time() - began_s < 1.0
    assert not list(folder.glob("**/*.h5"))
    assert not list(folder.glob(".journal/*"))
    return why


@pytest.mark.parametrize("case", WRONG)
def test_an_aloha_file_that_is_not_as_it_should_be(case: str, tmp_path: Path) -> None:
    changes, words = WRONG[case]
    path = aloha_file(tmp_path / "e.hdf5", **changes)
    why = refused("act", path, tmp_path / "ours")
    assert any(part in why for part in words.split("|")), why


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"hello", b"\0" * 10_000])
def test_a_file_that_is_no_hdf5_file(content: bytes, tmp_path: Path) -> None:
    for kind in ("act", "robomimic"):
        (tmp_path / "e.hdf5").write_bytes(content)
        assert "e.hdf5 can not be read. OSError" in refused(kind, tmp_path / "e.hdf5", tmp_path / "ours")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (b"no JPEG at all", "can not be read"),
        # A true head of a JPEG that says 65500 x 65500: 13 GB to decode.
        (bytes.fromhex("ffd8ffc0001108ffdcffdc03011100021100031100") + b"\0" * 50, "can not be read|too large"),
    ],
)
def test_compressed_pictures_that_are_none(rows: bytes, words: str, tmp_path: Path) -> None:
    data = np.tile(np.frombuffer(rows, np.uint8), (ROWS, 1))
    path = aloha_file(tmp_path / "e.hdf5", **{"observations/images/cam_high": data})
    with h5py.File(path, "r+") as file:
        file.attrs["compress"] = True
    why = refused("act", path, tmp_path / "ours")
    assert any(part in why for part in words.split("|")), why


def test_robomimic_files_that_are_not_as_they_should_be(tmp_path: Path) -> None:
    path = robomimic_file(tmp_path / "a.hdf5")
    with h5py.File(path, "r+") as file:
        file["data"].create_group("playtime")
    assert "has 'playtime', which is no demonstration" in refused("robomimic", path, tmp_path / "ours")
    with h5py.File(path, "w") as file:
        file["data"] = 3
    assert "There is no group 'data'" in refused("robomimic", path, tmp_path / "ours")
    with h5py.File(path, "w") as file:
        file["data"] = h5py.ExternalLink("/etc/hostname", "/")
    assert "is a link" in refused("robomimic", path, tmp_path / "ours")
    (tmp_path / "empty").mkdir()
    assert "There are 0 HDF5 files in" in refused("robomimic", tmp_path / "empty", tmp_path / "ours")


def damage(whole: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, more often in the first 8 kB where the structure lies; sometimes the rest is cut off."""
    damaged = bytearray(whole)
    for _ in range(chance.choice([1, 4, 40])):
        damaged[chance.randrange(8000 if chance.random() < 0.7 else len(damaged))] = chance.randrange(256)
    if chance.random() < 0.2:
        del damaged[chance.randrange(len(damaged)) :]
    return bytes(damaged)


def test_damaged_files_never_do_more_than_be_refused(tmp_path: Path) -> None:
    """Where the damage hits nothing that is read, it is an episode."""
    whole = aloha_file(tmp_path / "whole.hdf5").read_bytes()
    chance = random.Random(4)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said: list[str] = []
    for number in range(60):
        path = tmp_path / f"damaged_{number}.hdf5"
        path.write_bytes(damage(whole, chance))
        began_s = time.process_time()
        try:
            done = import_episodes("act", path, tmp_path / "ours", RAD)
            said += [why for _, why in done.refused]
            assert len(done.episodes) + len(done.refused) == 1
        except RecorderError as error:
            said.append(str(error))
        assert time.process_time() - began_s < 1.0, number
    assert all(why.endswith((".", "?")) for why in said)
    assert 20 < len(said) < 60, "the damage is too much or too little to say anything"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kb < 200_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is damaged. JSONDecodeError"),
        (b"[" * 100_000, "is damaged. RecursionError"),
        (json.dumps({"format": "else", "version": 1}).encode(), "its format is 'else'"),
        (json.dumps({"format": "teleop-studio/export", "version": 2}).encode(), "has version 2; this app reads 1"),
        (json.dumps({"format": "teleop-studio/export", "version": 1, "kind": 3}).encode(), "is damaged"),
    ],
)
def test_an_export_file_that_is_not_ours_to_trust(content: bytes, words: str, tmp_path: Path) -> None:
    aloha_file(tmp_path / "data" / "episode_0.hdf5")
    (tmp_path / "data" / EXPORT_FILE).write_bytes(content)
    assert words in refused("act", tmp_path / "data", tmp_path / "ours")


def test_an_export_file_can_not_point_out_of_its_folder(tmp_path: Path) -> None:
    aloha_file(tmp_path / "secret.hdf5")
    (tmp_path / "data").mkdir()
    entry = {"uuid": "x", "episode": "../secret.hdf5"}
    said = {"format": "teleop-studio/export", "version": 1, "kind": "act", "fps": 30, "position_unit": "rad"}
    said |= {"joint_names": [], "effort_units": [], "episodes": [entry]}
    (tmp_path / "data" / EXPORT_FILE).write_text(json.dumps(said))
    assert "There is no file" in refused("act", tmp_path / "data", tmp_path / "ours", ImportWish())


def lerobot_folder(folder: Path, info: Any, whole: bool = True) -> Path:
    (folder / "meta" / "episodes").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "meta" / "info.json").write_text(info if isinstance(info, str) else json.dumps(info))
    for name in ("tasks.parquet", "stats.json"):
        if whole:
            (folder / "meta" / name).write_bytes(b"")
    return folder


GOOD = {"codebase_version": "v3.0", "fps": 30, "features": {}}


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ("{", "is damaged. JSONDecodeError"),
        ([], "is damaged. TypeError"),
        ({**GOOD, "fps": 0}, "is damaged. ValueError: fps = 0"),
        ({**GOOD, "fps": "fast"}, "is damaged. ValueError: fps = 'fast'"),
        ({**GOOD, "codebase_version": "v2.1"}, "of version v2.1; version 3 can be imported"),
    ],
)
def test_a_lerobot_folder_is_looked_at_before_lerobot_asks_its_hub_for_it(
    info: Any, words: str, tmp_path: Path
) -> None:
    folder = lerobot_folder(tmp_path / "data", info)
    assert words in refused("lerobot", folder, tmp_path / "ours")


def test_a_lerobot_recording_that_was_killed_is_told_as_such(tmp_path: Path) -> None:
    folder = lerobot_folder(tmp_path / "data", GOOD, whole=False)
    assert "is not whole: meta/tasks.parquet, meta/stats.json is missing" in refused("lerobot", folder, tmp_path / "o")
    assert "it has no meta/info.json" in refused("lerobot", tmp_path / "data" / "data", tmp_path / "o")
    assert check_folder(lerobot_folder(tmp_path / "whole", GOOD)) == GOOD
