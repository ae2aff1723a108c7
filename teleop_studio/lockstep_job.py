"""A lock-step job as the studio sees it: its process, its rings for the window, its progress."""

from dataclasses import replace
from pathlib import Path

from teleop_studio.evaluation.trials import TrialResult
from teleop_studio.policies.checkpoint_folder import run_of
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.lockstep_plan import Job, split
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.supervisor import lockstep_rig, usable_cores
from teleop_studio.rig import RigConfig
from teleop_studio.status import JobStatus

_MOST_WORKERS = 2  # each renders on one core; more would only help on machines that have more to spare


class LockstepJob:
    """Runs apart from the live rig, shared among a few processes; `rings` show what the first of them is doing."""

    def __init__(self, title: str, total: int, rig: RigConfig, job: Job, logs: Path) -> None:
        rig = lockstep_rig(rig)
        self.status = JobStatus(title, 0, total, "Starting.")
        self.results: list[TrialResult] = []
        self._workers = [_Worker(rig, part, logs) for part in split(job, min(_MOST_WORKERS, usable_cores()))]

    @property
    def rings(self) -> RigRings:
        return self._workers[0].rings

    def poll(self) -> JobStatus:
        """Hear the processes; `finished` is true once all have ended."""
        for worker in self._workers:
            worker.hear(self.results)
        errors = [worker.error for worker in self._workers if worker.error]
        if errors:
            self.cancel()
        news = [worker.progress for worker in self._workers]
        newest = next((worker.progress.detail for worker in self._workers if worker.spoke_last), self.status.detail)
        self.status = replace(
            self.status,
            done=sum(p.done for p in news),
            successes=sum(p.successes for p in news),
            left=sum(p.left for p in news),
            right=sum(p.right for p in news),
            detail=newest,
            finished=all(worker.ended for worker in self._workers),
            error=errors[0] if errors else "",
        )
        return self.status

    def cancel(self) -> None:
        """End after the takes that run now."""
        for worker in self._workers:
            worker.child.send(m.CancelJob())

    def close(self) -> None:
        """End at once; a take that runs now is not kept."""
        for worker in self._workers:
            worker.child.stop(timeout_s=0.1)
            worker.rings.close()


class _Worker:
    """One process of a job."""

    def __init__(self, rig: RigConfig, job: Job, logs: Path) -> None:
        # The take follows each tick in the same process: only the window reads later.
        self.rings = RigRings.create("lockstep", rig, keep_s=0.5)
        self._rig = rig
        self.child = Child("lockstep", "lockstep_process", (rig, self.rings.specs, job), logs / "lockstep.log")
        self.progress = m.JobProgress(0, 0, 0, 0, "")
        self.spoke_last = False
        self.error = ""
        self.ended = False

    def hear(self, results: list[TrialResult]) -> None:
        self.spoke_last = False
        alive = self.child.alive
        for message in self.child.receive():
            match message:
                case m.JobProgress():
                    self.progress, self.spoke_last = message, True
                case m.TrialDone():
                    results.append(_result(message, self._rig))
                case ChildFailed(operator, _):
                    self.error = operator
        # Asked before the messages were taken: what it said last has been heard.
        self.ended = not alive


def _result(message: m.TrialDone, rig: RigConfig) -> TrialResult:
    return TrialResult(
        seed=message.seed,
        success=message.success,
        failed=message.failed,
        side=message.side,
        duration_s=message.duration_s,
        run=run_of(message.run).name,
        episode=message.path,
        left_samples=message.left_samples,
        right_samples=message.right_samples,
        measured=message.measured,
        scene=rig.scene,
        shift=rig.shift,
    )
