"""Episodes are read while others are recorded and built: a reader meets whole files only."""

import subprocess
import sys
from pathlib import Path

from recorders.catalog import list_episodes, move_to_bin
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.verify import verify
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[2]
RECORD = """
import sys
from pathlib import Path
from recorders.episode_builder import build_episode
from tests.recorders.takes import recorded
for take in range(5):
    build_episode(recorded(Path(sys.argv[1]), 1))
"""


def test_a_reader_never_meets_half_an_episode(tmp_path: Path) -> None:
    seen: set[int] = set()
    with subprocess.Popen([sys.executable, "-c", RECORD, str(tmp_path)], cwd=ROOT) as child:
        while child.poll() is None:
            for info in list_episodes(tmp_path):
                assert info.problem == ""
                seen.add(info.number)
            newest = list_episodes(tmp_path)[-1:]
            for info in newest:
                assert verify(info.path) == []
    assert child.returncode == 0
    assert len(seen) > 1
    assert [info.number for info in list_episodes(tmp_path)] == list(range(1, 6))


NUMBER = """
import fcntl, os, sys
from pathlib import Path
from recorders.episode_builder import build_episode
from tests.recorders.takes import recorded
folder = Path(sys.argv[1])
def try_to_number_another(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith(".h5"):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("must wait")
sys.addaudithook(try_to_number_another)
build_episode(recorded(folder))
"""


def test_while_an_episode_gets_its_number_no_other_can(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NUMBER, str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["must wait"]


def test_two_processes_that_build_at_once_give_each_episode_a_number_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORD, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as one, subprocess.Popen(command, cwd=ROOT) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    assert [info.number for info in list_episodes(tmp_path)] == list(range(1, 11))


def test_an_open_episode_stays_readable_when_it_is_replaced(tmp_path: Path) -> None:
    path = build_episode(recorded(tmp_path))
    with EpisodeReader(path) as reader:
        move_to_bin(path)
        assert len(reader.frames) == 100
        assert reader.images("front")[29].shape == (48, 64, 3)
