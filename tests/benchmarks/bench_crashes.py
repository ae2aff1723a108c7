"""Kills, power cuts and full disks by the hundred: what is left of the episodes after each.

`python -m tests.benchmarks.bench_crashes [--kills N] [--cuts N] [--fills N] [--seed S]` prints the rows of
docs/benchmarks.md, and a sentence for everything that should not be. Exit code 1 when there is any.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.recorders.full_disk import fill_many
from tests.recorders.kill_campaign import kill_many
from tests.recorders.power_campaign import Cuts, afternoon, cut_many

AFTERNOONS = ((1.4, 0.7), (2.2, 3.0), (1.0, 0.4, 1.7))  # seconds of the takes of each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="processes ended with SIGKILL")
    parser.add_argument("--cuts", type=int, default=300, help="simulated power cuts")
    parser.add_argument("--fills", type=int, default=45, help="disks that get full")
    parser.add_argument("--limit", action="store_true", help="full disks by a limit on the size of files, not a tmpfs")
    parser.add_argument("--without", choices=("sync", "sync folder"), help="power cuts as if the app left this out")
    parser.add_argument("--seed", default="2026")
    options = parser.parse_args()
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        if options.kills:
            said += _kills(Path(folder) / "kills", options.kills, options.seed)
        if options.cuts:
            said += _cuts(Path(folder) / "cuts", options.cuts, options.seed, options.without)
        if options.fills:
            said += _fills(Path(folder) / "fills", options.fills, options.seed, options.limit)
    for sentence in said:
        print(f"    {sentence}")
    sys.exit(bool(said))


def _kills(folder: Path, count: int, seed: str) -> list[str]:
    begin_s = time.monotonic()
    found = kill_many(folder, count, seed)
    _print_table(
        {
            "kill -9": count,
            "episodes looked at": found.episodes,
            "corrupted": found.corrupted,
            "finished lost": found.lost,
            "doubled": found.duplicates,
            "numbers reused": found.reused,
            "labels lost": found.labels_lost,
            "not recovered": found.strays,
            "written records of the running take lost": f"{found.records_lost} ({found.loss_s:.2f} s)",
        },
        begin_s,
    )
    return found.said


def _cuts(folder: Path, count: int, seed: str, without: str | None) -> list[str]:
    begin_s = time.monotonic()
    found = Cuts()
    days = AFTERNOONS if count >= 100 else AFTERNOONS[:1]
    for number, seconds in enumerate(days):
        operations = afternoon(folder / str(number), seconds)
        operations = [replace(one, kind="left out") if one.kind == without else one for one in operations]
        share = count * (number + 1) // len(days) - count * number // len(days)
        found.add(cut_many(folder / str(number), operations, share, f"{seed}-{number}"))
    _print_table(
        {
            "power cuts": found.cuts,
            "takes cut while running": found.while_running,
            "while being finished": found.while_finishing,
            "unreadable": found.unreadable,
            "finished lost": found.lost,
            "labels and moves undone": found.unsaid,
            "most of a running take lost": f"{found.loss_s:.2f} s",
        },
        begin_s,
    )
    return found.said


def _fills(folder: Path, count: int, seed: str, limit: bool) -> list[str]:
    begin_s = time.monotonic()
    mount = not limit and sys.platform == "linux" and os.geteuid() == 0
    found = fill_many(folder, count, seed, mount)
    _print_table(
        {
            "disks filled": f"{found.runs} ({'tmpfs' if mount else 'limit on the size of files'})",
            "full before the work was done": found.refused,
            "processes died": found.died,
            "corrupted": found.corrupted,
            "finished lost": found.lost,
            "whole records of the running take lost": found.records_lost,
        },
        begin_s,
    )
    return found.said


def _print_table(row: dict[str, object], begin_s: float) -> None:
    cells = {**row, "seconds": f"{time.monotonic() - begin_s:.0f}"}
    print(f"| {' | '.join(cells)} |")
    print("|---" * len(cells) + "|")
    print(f"| {' | '.join(map(str, cells.values()))} |\n", flush=True)


if __name__ == "__main__":
    main()
