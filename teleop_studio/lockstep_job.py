"""A lock-step job as the studio sees it: its process, its rings for the window, its progress."""

from dataclasses import replace
from pathlib import Path

from teleop_studio.evaluation.trials import TrialResult
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.lockstep_process import EvaluateJob, RecordJob
from teleop_studio.processes.lockstep_process import main as lockstep_main
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.supervisor import lockstep_rig
from teleop_studio.rig import RigConfig
from teleop_studio.status import JobStatus


class LockstepJob:
    """Runs apart from the live rig; `rings` show what it is doing."""

    _count = 0

    def __init__(self, title: str, total: int, rig: RigConfig, job: RecordJob | EvaluateJob, logs: Path) -> None:
        rig = lockstep_rig(rig)
        LockstepJob._count += 1
        self.rings = RigRings.create(f"job{LockstepJob._count}", rig)
        self.status = JobStatus(title, 0, total, "Starting.")
        self.results: list[TrialResult] = []
        self._child = Child("lockstep", lockstep_main, (rig, self.rings.specs, job), logs / "lockstep.log")

    def poll(self) -> JobStatus:
        """Hear the process; `finished` is true once it has ended."""
        for message in self._child.receive():
            self._hear(message)
        if not self.status.finished and not self._child.alive:
            self.status = replace(self.status, finished=True)
        return self.status

    def cancel(self) -> None:
        """End after the take that runs now."""
        self._child.send(m.CancelJob())

    def close(self) -> None:
        """End at once; a take that runs now is not kept."""
        self._child.stop(timeout_s=0.1)
        self.rings.close()

    def _hear(self, message: object) -> None:
        match message:
            case m.JobProgress(done, successes, left, right, detail):
                self.status = replace(
                    self.status, done=done, successes=successes, left=left, right=right, detail=detail
                )
            case m.TrialDone():
                self.results.append(_result(message))
            case m.JobFinished():
                self.status = replace(self.status, finished=True, detail="Finished.")
            case ChildFailed(operator, _):
                self.status = replace(self.status, finished=True, error=operator)


def _result(message: m.TrialDone) -> TrialResult:
    return TrialResult(
        seed=message.seed,
        success=message.success,
        failed=message.failed,
        side=message.side,
        duration_s=message.duration_s,
        run=message.run.name,
        episode=message.path,
        left_samples=message.left_samples,
        right_samples=message.right_samples,
    )
