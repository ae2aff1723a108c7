"""What the tests of the map over episodes do to a file: functions that other processes can import."""

import os
import signal
import threading
from pathlib import Path

from recorders.errors import EpisodeCorrupt


def read(path: Path) -> str:
    """The file's text. Refuses one that says "damaged", stumbles over one that is not there."""
    text = path.read_text()
    if text == "damaged":
        raise EpisodeCorrupt(f"The episode {path.name} is damaged. Restore it from a copy.")
    return text


def read_or_die(path: Path) -> str:
    """As `read`; but the first process that meets "once", and each that meets "always", is killed while at it."""
    text = path.read_text()
    met = path.with_suffix(".met")
    if text == "always" or (text == "once" and not met.exists()):
        met.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return text


def all_work(path: Path, out: Path) -> object:
    """`read_or_die` for a small file; statistics, pictures and conversion of an episode."""
    if path.stat().st_size < 100:
        return read_or_die(path)
    # Here, so that the workers of all the other tests start sooner.
    from teleop_studio.processes.episode_tasks import cache_episode, convert_episode, survey_episode

    converted = convert_episode(path, "act", out / "converted")
    return survey_episode(path), cache_episode(path, out / "cache", 16), converted.rows


def surroundings(_: Path) -> tuple[int, str]:
    """Priority and number of threads that the work is done with."""
    return os.nice(0), os.environ["OMP_NUM_THREADS"]


def wait_for_ever(_: Path) -> None:
    """Says which process it is, and never ends."""
    print(os.getpid(), flush=True)
    threading.Event().wait()


def leave(_: Path) -> None:
    raise SystemExit("enough")
