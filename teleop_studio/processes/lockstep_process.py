"""Long tasks in lock-step, in a process of their own: scripted demonstrations, trials of trained runs."""

import os

from teleop_studio.policies.checkpoint_folder import run_of
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.lockstep import LockstepBench, Outcome
from teleop_studio.processes.lockstep_fans import draw_fans
from teleop_studio.processes.lockstep_plan import SIDES, EvaluateJob, Job, RecordJob
from teleop_studio.processes.observation import require_fit
from teleop_studio.processes.rings import RigRings, RingSpecs
from teleop_studio.rig import RigConfig


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs, job: Job) -> None:
    """Do the job, tell each take, end with `JobFinished`. Ends early on `CancelJob`."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rings = RigRings.attach(specs)
    bench = LockstepBench(rig, rings)
    pipe.send(m.Ready())
    try:
        if isinstance(job, RecordJob):
            (_record_pairs if job.paired else _record)(pipe, bench, job)
        elif isinstance(job, EvaluateJob):
            _evaluate(pipe, bench, job)
        else:
            draw_fans(bench, job)
        pipe.send(m.JobFinished())
    finally:
        bench.close()
        rings.close()


def _cancelled(pipe: Pipe) -> bool:
    return any(isinstance(message, m.CancelJob) for message in pipe.receive())


def _record(pipe: Pipe, bench: LockstepBench, job: RecordJob) -> None:
    counts = {"left": 0, "right": 0}
    kept = tried = 0
    while kept < job.episodes and not _cancelled(pipe):
        if tried >= 2 * job.episodes + 10:
            raise RuntimeError(f"the scripted operator failed in {tried - kept} of {tried} attempts")
        side = job.sides[kept % len(job.sides)]
        outcome = bench.demonstrate(side, job.seed + tried * job.stride, job.folder, job.task, job.operator)
        tried += 1
        if outcome.success:
            kept += 1
            counts[side] += 1
        pipe.send(m.JobProgress(kept, kept, counts["left"], counts["right"], _sentence(side, outcome)))


def _record_pairs(pipe: Pipe, bench: LockstepBench, job: RecordJob) -> None:
    layouts, kept, tried = job.episodes // 2, 0, 0
    while kept < layouts and not _cancelled(pipe):
        if tried >= 2 * layouts + 10:
            raise RuntimeError(f"the scripted operator failed on one side of {tried - kept} of {tried} layouts")
        outcomes = bench.demonstrate_pair(job.seed + tried * job.stride, job.folder, job.task, job.operator)
        tried += 1
        last = outcomes[-1]
        kept += last.success
        dropped = f"a layout is dropped, {_sentence(SIDES[len(outcomes) - 1], last)}"
        told = "grasped and lifted from both sides" if last.success else dropped
        pipe.send(m.JobProgress(2 * kept, 2 * kept, kept, kept, told))


def _evaluate(pipe: Pipe, bench: LockstepBench, job: EvaluateJob) -> None:
    import torch

    from teleop_studio.policies.player import PolicyPlayer

    torch.set_num_threads(1)
    done = successes = left = right = 0
    for run in job.runs:
        player = PolicyPlayer.load(run)
        require_fit(player, bench.rig)
        for seed in job.seeds:
            if _cancelled(pipe):
                return
            outcome = bench.trial(
                player,
                seed,
                job.folder,
                run_of(run).name,
                job.executed_steps,
                job.solver_steps,
                job.task,
                job.ensembling,
            )
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
                    outcome.measured,
                )
            )
            pipe.send(m.JobProgress(done, successes, left, right, _sentence(outcome.side, outcome)))


def _sentence(side: str, outcome: Outcome) -> str:
    where = f"from the {side}" if side else "from neither side"
    return f"{where}: " + ("grasped and lifted" if outcome.success else f"failed ({outcome.failed})")
