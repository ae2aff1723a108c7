"""Whatever lies in the folder of episodes, nothing hangs, crashes, takes all memory or passes for an episode."""

import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pytest

from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_file import open_file
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import DiskError, EpisodeBusy, EpisodeCorrupt, EpisodeMissing, RecorderError
from recorders.verify import verify
from tests.recorders.hostile_files import KINDS, HostileKind
from tests.recorders.hostile_looks import WHOLE, content_digest, look
from tests.recorders.takes import START_NS, add_second, description, recorded

# A worker of pytest-xdist has a thread that waits for its master and holds no lock.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

FILES_OF_A_KIND = 3


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With something in every array."""
    writer = EpisodeWriter(tmp_path_factory.mktemp("episode"), description())
    add_second(writer, 0)
    writer.add_event(START_NS, "mark", {"why": "test"})
    writer.add_gap("front", 500, 3)
    writer.add_chunk(START_NS, 0.1, np.ones((4, 7)))
    return build_episode(writer.finish("success"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def test_a_bad_file_is_named_and_harms_nobody(episode: Path, tmp_path: Path, kind: HostileKind) -> None:
    original, content = content_digest(episode), episode.read_bytes()
    for seed in range(FILES_OF_A_KIND):
        path = tmp_path / str(seed) / episode.name
        path.parent.mkdir()
        path.write_bytes(kind.make(Random(f"{kind.name} {seed}"), content))
        verdict = look(path, original)
        assert verdict.ok, verdict
        assert verdict.found != WHOLE or kind.accepted, verdict
        # The text of a forged attribute may claim up to 4 GB (docs/decisions/0016).
        assert verdict.growth_bytes < 256 << 20 or "forged" in kind.name
        assert verdict.seconds < 5  # one on a quiet machine
        assert verdict.found == WHOLE or verdict.sentence.endswith(".")


def test_damage_among_the_texts_never_reaches_the_library(episode: Path, tmp_path: Path) -> None:
    """Zeros there make HDF5 2.0 loop for ever, and no other thread of the process can run meanwhile."""
    content = bytearray(episode.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 200 : heap + 400] = bytes(200)
    path = tmp_path / episode.name
    path.write_bytes(content)
    with pytest.raises(EpisodeCorrupt, match="Its texts are damaged at byte"):
        open_file(path)


@pytest.mark.parametrize("where", ["action/sent", "cameras/front", "events/detail"])
def test_a_link_to_another_file_is_not_followed(episode: Path, tmp_path: Path, where: str) -> None:
    """The other file is whole and fits: only that it is another one is wrong."""
    other = tmp_path / "other.h5"
    other.write_bytes(episode.read_bytes())
    path = tmp_path / episode.name
    path.write_bytes(episode.read_bytes())
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        del file[where]
        file[where] = h5py.ExternalLink("other.h5", where)
    with pytest.raises(EpisodeCorrupt, match=f"/{where} is a link to another place"):
        EpisodeReader(path)


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def socket_file(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's address is at most 108 characters
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [dangling_link, link_to_itself, folder, pipe, endless_device, socket_file])
def test_what_is_no_file_does_not_keep_the_others_from_being_listed(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    good = build_episode(recorded(tmp_path))
    make(tmp_path / "strange.h5")
    infos = {info.path: info for info in list_episodes(tmp_path)}
    assert infos.pop(good).problem == ""
    assert all(info.problem for info in infos.values())
    with pytest.raises(EpisodeMissing, match="no episode file"):
        EpisodeReader(tmp_path / "strange.h5")
    assert [problem.path for problem in verify(tmp_path)] == [tmp_path / "strange.h5"]


def test_a_file_that_another_program_has_open_for_writing_is_busy_and_not_damaged(
    episode: Path, tmp_path: Path
) -> None:
    path = tmp_path / episode.name
    path.write_bytes(episode.read_bytes())
    with h5py.File(path, "r+"), pytest.raises(RecorderError, match="being written") as refused:
        open_file(path)
    assert isinstance(refused.value, EpisodeBusy | EpisodeCorrupt)


@pytest.mark.parametrize("left", [0, 1])
def test_too_many_open_files_is_no_damage(episode: Path, tmp_path: Path, left: int) -> None:
    """With `left` descriptors to spare: none for the header, or one for the library and none for the texts."""
    path = tmp_path / episode.name
    path.write_bytes(episode.read_bytes())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1 + left, hard))
        with pytest.raises(DiskError, match="Too many open files"):
            open_file(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(lowest)
