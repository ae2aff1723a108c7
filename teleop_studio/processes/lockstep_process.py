"""Long tasks in lock-step, in a process of their own: scripted demonstrations, trials of trained runs."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.lockstep import LockstepBench, Outcome
from teleop_studio.processes.rings import RigRings, RingSpecs
from teleop_studio.rig import RigConfig

SIDES = ("left", "right")


@dataclass(frozen=True)
class RecordJob:
    """`episodes` successful scripted demonstrations into `folder`, `sides` in turn.

    Layouts are `seed`, `seed + stride`, ...; a layout at which the operator failed is not used.
    """

    episodes: int
    seed: int
    folder: Path
    task: str
    sides: tuple[str, ...] = SIDES
    stride: int = 1


@dataclass(frozen=True)
class EvaluateJob:
    """Each of `runs` from each layout of `seeds`. `folder` None: nothing recorded."""

    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    folder: Path | None
    executed_steps: int
    solver_steps: int


def split(job: RecordJob | EvaluateJob, workers: int) -> list[RecordJob | EvaluateJob]:
    """The same takes as `job`, shared among at most `workers` processes."""
    if isinstance(job, EvaluateJob):
        parts = [job.seeds[k::workers] for k in range(workers)]
        return [replace(job, seeds=seeds) for seeds in parts if seeds]
    if workers < len(SIDES) or job.episodes < len(SIDES):
        return [job]
    # One side each, so that both sides come out even whatever one of the processes has to repeat.
    shares = (-(-job.episodes // 2), job.episodes // 2)
    return [
        replace(job, episodes=share, seed=job.seed + k, sides=(side,), stride=len(SIDES))
        for k, (side, share) in enumerate(zip(SIDES, shares, strict=True))
    ]


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs, job: RecordJob | EvaluateJob) -> None:
    """Do the job, tell each take, end with `JobFinished`. Ends early on `CancelJob`."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rings = RigRings.attach(specs)
    bench = LockstepBench(rig, rings)
    pipe.send(m.Ready())
    try:
        if isinstance(job, RecordJob):
            _record(pipe, bench, job)
        else:
            _evaluate(pipe, bench, job)
        pipe.send(m.JobFinished())
    finally:
        bench.close()
        rings.close()


def _cancelled(pipe: Pipe) -> bool:
    return any(isinstance(message, m.CancelJob) for message in pipe.receive())


def _record(pipe: Pipe, bench: LockstepBench, job: RecordJob) -> None:
    counts = dict.fromkeys(SIDES, 0)
    kept = tried = 0
    while kept < job.episodes and not _cancelled(pipe):
        if tried >= 2 * job.episodes + 10:
            raise RuntimeError(f"the scripted operator failed in {tried - kept} of {tried} attempts")
        side = job.sides[kept % len(job.sides)]
        outcome = bench.demonstrate(side, job.seed + tried * job.stride, job.folder, job.task)
        tried += 1
        if outcome.success:
            kept += 1
            counts[side] += 1
        pipe.send(m.JobProgress(kept, kept, counts["left"], counts["right"], _sentence(side, outcome)))


def _evaluate(pipe: Pipe, bench: LockstepBench, job: EvaluateJob) -> None:
    import torch

    from teleop_studio.policies.player import PolicyPlayer

    torch.set_num_threads(1)
    done = successes = left = right = 0
    for run in job.runs:
        player = PolicyPlayer.load(run)
        for seed in job.seeds:
            if _cancelled(pipe):
                return
            outcome = bench.trial(player, seed, job.folder, run.name, job.executed_steps, job.solver_steps)
            done += 1
            successes += outcome.success
            left += outcome.side == "left"
            right += outcome.side == "right"
            pipe.send(
                m.TrialDone(
                    run,
                    seed,
                    outcome.success,
                    outcome.failed,
                    outcome.side,
                    outcome.duration_s,
                    outcome.path,
                    outcome.left_samples,
                    outcome.right_samples,
                )
            )
            pipe.send(m.JobProgress(done, successes, left, right, _sentence(outcome.side, outcome)))


def _sentence(side: str, outcome: Outcome) -> str:
    where = f"from the {side}" if side else "from neither side"
    return f"{where}: " + ("grasped and lifted" if outcome.success else f"failed ({outcome.failed})")
