"""The picture cache: what it holds, what it notices, and what it gives up when it grows too large."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recorders.errors import DiskError
from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.training.cache_building import CachedEpisode, cache_episode
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.picture_cache import (
    cache_limit_bytes,
    cached_pictures,
    ensure_pictures,
    make_room,
    picture_path,
    picture_set,
)
from tests.training.shown_tasks import SpotPictures, recorded, shown, spot

PX = 16


def path_of(folder: Path, demonstration: Demonstration, camera: str = "front") -> Path:
    return picture_path(folder, picture_set(demonstration, camera, PX))


def looked_at(demonstration: Demonstration) -> int:
    pictures = demonstration.pictures["front"]
    assert isinstance(pictures, SpotPictures)
    return pictures.looked_at


def test_it_holds_every_picture_as_the_policy_would_see_it_live(tmp_path: Path) -> None:
    demonstration = shown(1, 1.0)
    pictures = cached_pictures(tmp_path, demonstration, "front", PX)
    assert pictures.shape == (30, PX, PX, 3)
    np.testing.assert_array_equal(pictures, np.broadcast_to(reduce_picture(spot(48), PX), pictures.shape))


def test_the_same_content_is_found_again_under_whatever_name(tmp_path: Path) -> None:
    cached_pictures(tmp_path, shown(0), "front", PX)
    moved = replace(shown(0), name="elsewhere.h5", uuid="imported again")
    assert not ensure_pictures(tmp_path, moved, "front", PX)
    assert looked_at(moved) == 0
    assert ensure_pictures(tmp_path, replace(moved, content_sha256="0" * 64), "front", PX)
    assert ensure_pictures(tmp_path, moved, "wrist", PX)
    assert ensure_pictures(tmp_path, moved, "front", 2 * PX)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def one_bit_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)


def header_overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 200)


def another_version(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"teleop-studio/pictures 2")


def header_of_another_camera(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"front"', b'"wrist"'))


def checksum_that_is_none(path: Path) -> None:
    head, rest = path.read_bytes().split(b'"crc32": ', 1)
    path.write_bytes(head + b'"crc32": [' + rest[1:])


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        emptied,
        one_bit_flipped,
        header_overwritten,
        another_version,
        header_of_another_camera,
        checksum_that_is_none,
    ],
)
def test_a_damaged_file_is_noticed_and_made_anew(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    whole = cached_pictures(tmp_path, shown(0), "front", PX).copy()
    damage(path_of(tmp_path, shown(0)))
    again = shown(0)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(cached_pictures(tmp_path, again, "front", PX), whole)
    assert looked_at(again) == 60
    assert "are damaged" in caplog.text
    assert not ensure_pictures(tmp_path, again, "front", PX)


def test_pictures_of_other_moments_are_not_taken_for_these(tmp_path: Path) -> None:
    ensure_pictures(tmp_path, shown(0), "front", PX)
    shifted = shown(0)
    pictures = shifted.pictures["front"]
    assert isinstance(pictures, SpotPictures)
    pictures.stamp_ns = pictures.stamp_ns + 1
    assert ensure_pictures(tmp_path, shifted, "front", PX)


class Interrupted(SpotPictures):
    def __getitem__(self, k: int) -> NDArray[np.uint8]:
        if k == 5:
            raise KeyboardInterrupt
        return super().__getitem__(k)


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    demonstration = shown(0)
    broken = replace(demonstration, pictures={"front": Interrupted(demonstration.pictures["front"].stamp_ns, 8)})
    with pytest.raises(KeyboardInterrupt):
        ensure_pictures(tmp_path, broken, "front", PX)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands here")
    with pytest.raises(DiskError, match=r"could not fill the picture cache at .*cache"):
        ensure_pictures(tmp_path / "cache", shown(0), "front", PX)


def filled(folder: Path, count: int) -> list[Path]:
    """The files of `count` episodes, the first one not used for longest."""
    paths = []
    for k in range(count):
        ensure_pictures(folder, shown(k), "front", PX)
        paths.append(path_of(folder, shown(k)))
        os.utime(paths[-1], (1000.0 + k, 1000.0 + k))
    return paths


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    paths = filled(tmp_path, 4)
    size = paths[0].stat().st_size
    ensure_pictures(tmp_path, shown(0), "front", PX)  # used again
    assert make_room(tmp_path, 2 * size + 1) == 2 * size
    assert {path for path in paths if path.exists()} == {paths[0], paths[3]}
    assert make_room(tmp_path, 2 * size) == 0


def test_what_a_training_uses_is_kept_even_above_the_limit(tmp_path: Path) -> None:
    paths = filled(tmp_path, 3)
    make_room(tmp_path, 0, keep=paths[:1])
    assert [path.exists() for path in paths] == [True, False, False]


def test_mapped_pictures_outlive_their_file(tmp_path: Path) -> None:
    pictures = cached_pictures(tmp_path, shown(0), "front", PX)
    make_room(tmp_path, 0)
    assert not path_of(tmp_path, shown(0)).exists()
    np.testing.assert_array_equal(pictures[59], reduce_picture(spot(8), PX))


def test_what_a_killed_builder_left_goes_after_an_hour(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".old.unfinished", tmp_path / ".fresh.unfinished"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1000.0, 1000.0))
    make_room(tmp_path, 10**9)
    assert (old.exists(), fresh.exists()) == (False, True)
    assert make_room(tmp_path / "nowhere", 0) == 0


def test_the_limit_is_twenty_gigabytes_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEOP_STUDIO_CACHE_GB", raising=False)
    assert cache_limit_bytes() == 20 * 10**9
    monkeypatch.setenv("TELEOP_STUDIO_CACHE_GB", "0.5")
    assert cache_limit_bytes() == 500 * 10**6
    for text in ("much", "-1", "nan"):
        monkeypatch.setenv("TELEOP_STUDIO_CACHE_GB", text)
        with pytest.raises(TrainingError, match=rf"TELEOP_STUDIO_CACHE_GB = '{text}' is no size in GB"):
            cache_limit_bytes()


MANY_MAPS = """
import resource, sys
from pathlib import Path
import numpy as np
from tests.training.shown_tasks import shown
from teleop_studio.training.picture_cache import cached_pictures
folder = Path(sys.argv[1])
cached_pictures(folder, shown(0), "front", 16)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
maps = [cached_pictures(folder, shown(0), "front", 16) for _ in range(200)]
print(len(maps))
"""


def test_more_files_are_mapped_than_a_process_may_keep_open(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MANY_MAPS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.returncode) == ("200\n", 0), done.stderr


def test_an_episode_file_is_cached_ahead_of_any_training(tmp_path: Path) -> None:
    path = recorded(tmp_path / "episodes", 0, seconds=0.5)
    first = cache_episode(path, tmp_path / "cache", PX)
    files = list((tmp_path / "cache").iterdir())
    assert first == CachedEpisode(pictures=30, size_bytes=sum(file.stat().st_size for file in files), built=2)
    assert cache_episode(path, tmp_path / "cache", PX) == replace(first, built=0)
    shutil.copy(path, tmp_path / "copy.h5")
    assert cache_episode(tmp_path / "copy.h5", tmp_path / "cache", PX).built == 0
