"""Short, seeded runs of the campaigns of `tests.benchmarks.bench_crashes`: kills, power cuts and full disks.

Each in a process of its own, because it forks children: they must not inherit threads of other tests.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NONE = {"--kills": "0", "--cuts": "0", "--fills": "0", "--seed": "test"}

pytestmark = pytest.mark.alone


def campaign(*flags: str, **counts: int) -> tuple[int, str]:
    """The exit code, 1 when anything is broken, and what was printed."""
    options = {**NONE, **{f"--{name}": str(count) for name, count in counts.items()}}
    command = [sys.executable, "-m", "tests.benchmarks.bench_crashes", *flags]
    command += [word for option in options.items() for word in option]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def cells(said: str) -> dict[str, str]:
    """The only row of the table."""
    names, _, values = (line.strip("| ").split(" | ") for line in said.splitlines()[:3])
    return dict(zip(names, values, strict=True))


def test_after_a_kill_at_any_moment_nothing_that_was_reported_is_gone() -> None:
    code, said = campaign(kills=5)
    assert code == 0, said
    assert int(cells(said)["episodes looked at"]) > 5


def test_after_a_power_cut_at_any_moment_a_second_is_lost_at_most() -> None:
    code, said = campaign(cuts=12)
    assert code == 0, said
    assert int(cells(said)["while being finished"]) > 3
    (lost_s,) = re.findall(r"([\d.]+) s", cells(said)["most of a running take lost"])
    assert float(lost_s) <= 2.0  # one when nothing else keeps the disk busy


@pytest.mark.parametrize("what", ["sync", "sync folder"])
def test_the_power_cuts_would_find_a_sync_that_is_missing(what: str) -> None:
    code, said = campaign("--without", what, cuts=8)
    assert code == 1, said
    assert int(cells(said)["finished lost"]) > 0


def test_a_disk_that_gets_full_at_any_moment_keeps_what_was_whole() -> None:
    code, said = campaign("--limit", fills=6)
    assert code == 0, said
    assert int(cells(said)["full before the work was done"]) > 1
