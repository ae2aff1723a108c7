"""How well a trained run holds outside what was recorded: its trials under every shift of the scene, same starts.

`python -m tests.benchmarks.bench_shift --run RUN [--run RUN] [--scene NAME] [--trials N] [--seed S] [--workers W]`
prints a table in markdown: for each run and shift the successes with their 95 % interval, and what the shift changed
on the same starts (exact McNemar). In lock-step; each run, shift and share of the starts is one piece of work.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from teleop_studio.evaluation.intervals import clopper_pearson, mcnemar_exact
from teleop_studio.evaluation.machine import machine_facts
from teleop_studio.rig import SCENE_SHIFTS, SIMULATED_SCENES, RigConfig
from teleop_studio.starts import TEST_SEED

NONE = SCENE_SHIFTS[0]


@dataclass(frozen=True)
class Work:
    """Some starts of one run under one shift."""

    run: Path
    scene: str
    shift: str
    seeds: tuple[int, ...]


@dataclass
class Count:
    """Trials of one run under one shift, by start: whether it succeeded, and why not."""

    success: dict[int, bool] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, action="append", required=True, help="folder of a run; may be repeated")
    parser.add_argument("--scene", choices=SIMULATED_SCENES, default="bottle")
    parser.add_argument("--shift", choices=SCENE_SHIFTS, action="append", help="default: all")
    parser.add_argument("--trials", type=int, default=100, help="starts for each run and shift")
    parser.add_argument("--seed", type=int, default=TEST_SEED, help="first start")
    parser.add_argument("--workers", type=int, default=1, help="processes beside each other")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("LP_NUM_THREADS", "1")
    shifts = tuple(dict.fromkeys((NONE, *(options.shift or SCENE_SHIFTS))))
    seeds = range(options.seed, options.seed + options.trials)
    work = [
        Work(run.resolve(), options.scene, shift, tuple(seeds[first :: options.workers]))
        for run in options.run
        for shift in shifts
        for first in range(min(options.workers, options.trials))
    ]
    counts: dict[tuple[Path, str], Count] = {(one.run, one.shift): Count() for one in work}
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=spawned) as pool:
        for one, outcomes in zip(work, pool.map(tried, work), strict=True):
            _add(counts[one.run, one.shift], one, outcomes)
    facts = machine_facts()
    print(f"Scene {options.scene}, starts {seeds[0]} to {seeds[-1]}, lock-step; {facts['Processor']}.\n")
    print("| run | shift | successes | 95 % interval | lost / won by the shift | p | commonest failure |")
    print("|---|---|---|---|---|---|---|")
    for (run, shift), count in counts.items():
        print(_row(run, shift, count, counts[run, NONE]))


def tried(work: Work) -> list[tuple[bool, str]]:
    """Success and the reason of a failure, start by start."""
    import torch

    from teleop_studio.policies.player import PolicyPlayer
    from teleop_studio.processes.lockstep import LockstepBench
    from teleop_studio.processes.observation import require_fit
    from teleop_studio.processes.rings import RigRings

    torch.set_num_threads(1)
    rig = replace(RigConfig(), scene=work.scene, shift=work.shift)
    rings = RigRings.create(f"shift-{os.getpid()}", rig)
    bench = LockstepBench(rig, rings)
    try:
        player = PolicyPlayer.load(work.run)
        require_fit(player, rig)
        outcomes = [bench.trial(player, seed, None, work.run.name) for seed in work.seeds]
    finally:
        bench.close()
        rings.close()
    return [(outcome.success, outcome.failed) for outcome in outcomes]


def _add(count: Count, work: Work, outcomes: list[tuple[bool, str]]) -> None:
    for seed, (success, failed) in zip(work.seeds, outcomes, strict=True):
        count.success[seed] = success
        if not success:
            count.failures[failed] = count.failures.get(failed, 0) + 1


def _row(run: Path, shift: str, count: Count, unshifted: Count) -> str:
    starts = sorted(count.success)
    successes = sum(count.success.values())
    interval = clopper_pearson(successes, len(starts))
    lost = p = "-"
    if shift != NONE:
        pairs = mcnemar_exact([unshifted.success[s] for s in starts], [count.success[s] for s in starts])
        lost, p = f"{pairs.only_first} / {pairs.only_second}", f"{pairs.p_value:.2g}"
    worst = max(count.failures, key=lambda reason: count.failures[reason], default="")
    told = f"{worst} ({count.failures[worst]})" if worst else "-"
    sure = f"{100 * interval.low:.0f}-{100 * interval.high:.0f} %"
    return f"| {run.name} | {shift} | {successes} of {len(starts)} | {sure} | {lost} | {p} | {told} |"


if __name__ == "__main__":
    main()
