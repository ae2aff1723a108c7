"""A full disk ends the take with a sentence; what was recorded before is there when room is made.

A limit on the size of files makes the kernel refuse at an exact byte, half-written records included.
"""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recorders.catalog import list_episodes
from recorders.episode_reader import EpisodeReader
from recorders.errors import DiskFull, disk_errors
from recorders.repair import recover
from recorders.verify import verify
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[2]

FILL = """
import resource, sys
from pathlib import Path
from recorders.episode_writer import EpisodeWriter
from recorders.errors import DiskFull
from recorders.repair import recover
from tests.recorders.takes import description, frame
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
writer = EpisodeWriter(Path(sys.argv[1]), description())
try:
    for index in range(10**6):
        writer.add_frame(frame(index))
except DiskFull as error:
    print(index, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(*recover(Path(sys.argv[1])))
for attempt in (lambda: writer.add_frame(frame(0)), lambda: writer.finish("success")):
    try:
        attempt()
    except DiskFull:
        print("over")
"""

BUILD = """
import resource, sys
from pathlib import Path
from recorders.episode_builder import build_episode
from recorders.errors import DiskFull
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    build_episode(Path(sys.argv[1]))
except DiskFull as error:
    print(error)
"""


def run(code: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("limit", [100_000, 100_001, 100_250])
def test_a_take_on_a_full_disk_keeps_every_whole_tick_at_once(tmp_path: Path, limit: int) -> None:
    refused, recovered, again, at_the_end = run(FILL, tmp_path, limit)
    written = int(refused.split()[0])
    assert "The disk is full. The app could not write the journal" in refused
    assert (again, at_the_end) == ("over", "over")
    assert "was cut off. It is kept as 000001-" in recovered
    (info,) = list_episodes(tmp_path)
    assert (info.frames, info.outcome, verify(info.path)) == (written, "interrupted", [])


@pytest.mark.parametrize("limit", [0, 10_000, 40_000, 70_000])
def test_an_episode_that_finds_no_room_keeps_its_journal_and_leaves_no_half_file(tmp_path: Path, limit: int) -> None:
    journal = recorded(tmp_path)
    (said,) = run(BUILD, journal, limit)
    assert "The disk is full. The app could not save the episode" in said
    assert list_episodes(tmp_path) == []
    assert [path.name for path in journal.iterdir()] == ["take.journal"]
    (result,) = recover(tmp_path)
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert (reader.info.outcome, len(reader.frames)) == ("success", 100)


REFUSE_EACH_WRITE = """
import errno, os, sys
from pathlib import Path
from recorders.episode_builder import build_episode
from recorders.errors import DiskFull
journal, really = Path(sys.argv[1]), os.pwrite
def refuse(descriptor, piece, at):
    global left
    left -= 1
    if left < 0:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return really(descriptor, piece, at)
os.pwrite = refuse
for step in (*range(10), *range(10, 1000, 3)):
    left = step
    try:
        build_episode(journal)
        break
    except DiskFull:
        assert os.listdir(journal) == ["take.journal"]
print(step)
"""


def test_a_builder_that_is_refused_any_write_survives_and_keeps_the_journal(tmp_path: Path) -> None:
    """The HDF5 library must never hear of it: at a write error it ends its process with a segmentation fault."""
    (writes,) = run(REFUSE_EACH_WRITE, recorded(tmp_path))
    assert int(writes) > 30
    (info,) = list_episodes(tmp_path)
    assert (info.frames, verify(info.path)) == (100, [])


def test_every_way_of_having_no_room_is_a_full_disk() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with pytest.raises(DiskFull, match="Free some space"), disk_errors("write", Path("x")):
            raise OSError(number, os.strerror(number))
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
