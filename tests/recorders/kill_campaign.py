"""Kills a process with SIGKILL at random moments and at random steps while it records, builds and tidies up."""

import gzip
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from random import Random

from tests.recorders.crash_work import Log, Promises, broken_promises, built, read_log, work
from tests.recorders.sandbox import in_sandbox

GOLDEN = Path(__file__).parent / "golden" / "1.0.h5.gz"
KILLS_PER_FOLDER = 6
# Where the file system is changed; the builder's writes lie between them.
_STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.link", "os.mkdir", "shutil.rmtree", "os.truncate")


def kill_many(folder: Path, kills: int, seed: str, longest_s: float = 0.8) -> Promises:
    """What was found after each of so many kills, all together. Only for a process without threads."""
    total = Promises()
    place = folder
    for number in range(kills):
        if number % KILLS_PER_FOLDER == 0:
            place = folder / str(number // KILLS_PER_FOLDER)
            (place / "episodes").mkdir(parents=True)
            # One of the old format, that a newer app brings to the new one.
            (place / "episodes" / "000001-0a1b2c3d.h5").write_bytes(gzip.decompress(GOLDEN.read_bytes()))
        rng = Random(f"{seed} {number}")
        _killed(place / "episodes", place / "log", rng, longest_s)
        ended = in_sandbox(lambda: broken_promises(place / "episodes", place / "log", total.whole), 60.0)  # noqa: B023
        found = ended.value or Promises(corrupted=1, said=[f"after the kill: {ended.crash or ended.error}"])
        found.said = [f"{seed} {number}: {sentence}" for sentence in found.said]
        total.add(found)
        if number % KILLS_PER_FOLDER == KILLS_PER_FOLDER - 1 and found.kept:
            shutil.rmtree(place)
    return total


def _killed(folder: Path, log_path: Path, rng: Random, longest_s: float) -> None:
    """A child that works until it is killed: all its processes at once, or only the one that records, or by itself."""
    at_step = rng.random() < 0.5
    before = len(read_log(log_path))
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(alive)
        os.setsid()
        _child(folder, log_path, rng, at_step)
    os.close(held)
    if not at_step:
        until_s = time.monotonic() + 10
        while len(read_log(log_path)) == before and time.monotonic() < until_s:
            time.sleep(0.002)
        time.sleep(rng.random() * longest_s)
        if rng.random() < 0.7:
            os.killpg(child, signal.SIGKILL)
        else:
            os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.read(alive, 1)  # ends when the last process has
    os.close(alive)


def _child(folder: Path, log_path: Path, rng: Random, at_step: bool) -> None:
    try:
        log = Log(log_path)
        if at_step:
            _die_at_step(rng.randrange(1, 250))
            work(folder, log, rng, lambda journal: built(folder, log, journal))
        else:
            journals, to_build = os.pipe()
            if os.fork() == 0:
                os.close(to_build)
                _builder(folder, log, journals)
            os.close(journals)
            work(folder, log, rng, lambda journal: _hand_over(to_build, journal))
    except BaseException as error:
        Log(log_path).say("fault", "", f"{type(error).__name__}: {error}")
    os._exit(1)


def _hand_over(pipe: int, journal: Path) -> None:
    os.write(pipe, f"{journal}\n".encode())


def _builder(folder: Path, log: Log, journals: int) -> None:
    with os.fdopen(journals) as lines:
        for line in lines:
            built(folder, log, Path(line.strip()))
    os._exit(0)


def _die_at_step(step: int) -> None:
    left = step

    def die(event: str, _: object) -> None:
        nonlocal left
        if event in _STEPS:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die)
