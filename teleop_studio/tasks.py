"""The one long task that may run at a time: on the live rig, in lock-step, or an export or import of episodes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from drivers.errors import DriverError
from teleop_studio import jobs
from teleop_studio.evaluation.trials import TrialResult, TrialSheet
from teleop_studio.live import Notices
from teleop_studio.lockstep_job import LockstepJob
from teleop_studio.processes.lockstep_plan import EvaluateJob, RecordJob
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.transfer_plan import ExportPlan, ImportPlan
from teleop_studio.rig import RigConfig
from teleop_studio.session import StudioError
from teleop_studio.status import JobStatus
from teleop_studio.transfer import TransferJob
from teleop_studio.workspace import Workspace

TRIAL_SHEET = "trials.jsonl"


class Tasks:
    """`step` goes on with the task; a failing task ends with a sentence in its status, never with an exception."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._job: Iterator[None] | None = None
        self._progress: jobs.Progress | None = None
        self._lockstep: LockstepJob | None = None
        self._transfer: TransferJob | None = None
        self._taken = 0
        self.sheet = TrialSheet()

    @property
    def status(self) -> JobStatus | None:
        """The running task, or how the last one ended."""
        return self._progress.status if self._progress else None

    @property
    def running(self) -> bool:
        return self._job is not None or self._lockstep is not None or self._transfer is not None

    @property
    def lockstep_running(self) -> bool:
        return self._lockstep is not None

    @property
    def lockstep_rings(self) -> RigRings | None:
        return self._lockstep.rings if self._lockstep else None

    def record_live(self, studio: jobs.Operated, episodes: int, seed: int, task: str, paired: bool = False) -> None:
        """`paired`: both sides of every layout."""
        progress = self._begin(f"Recording {episodes} demonstrations", episodes)
        if paired:
            self._job = jobs.record_pairs(studio, progress, episodes // 2, seed, task)
        else:
            self._job = jobs.record_scripted(studio, progress, episodes, seed, task)

    def evaluate_live(self, studio: jobs.Operated, runs: list[Path], trials: int, seed: int) -> None:
        progress = self._begin(f"Trying {trials * len(runs)} starts", trials * len(runs))
        self._job = jobs.evaluate(studio, progress, runs, trials, seed, self._keep)

    def record_fast(self, rig: RigConfig, job: RecordJob) -> None:
        progress = self._begin(f"Recording {job.episodes} demonstrations", job.episodes)
        self._lockstep = LockstepJob(progress.status.title, job.episodes, rig, job, self._workspace.logs)

    def evaluate_fast(self, rig: RigConfig, job: EvaluateJob) -> None:
        total = len(job.seeds) * len(job.runs)
        progress = self._begin(f"Trying {total} starts", total)
        self._lockstep = LockstepJob(progress.status.title, total, rig, job, self._workspace.logs)
        self._taken = 0

    def transfer(self, plan: ExportPlan | ImportPlan) -> None:
        """Export or import episodes."""
        progress = self._begin("Export or import", 0)
        self._transfer = TransferJob(plan, self._workspace.logs)
        progress.status = self._transfer.status

    def step(self, notices: Notices) -> bool:
        """True when a task apart from the live rig has told something new, which may be a new episode."""
        before, apart = self.status, self._lockstep is not None or self._transfer is not None
        if self._lockstep is not None:
            self._step_lockstep(self._lockstep)
        elif self._transfer is not None:
            self._step_transfer(self._transfer)
        elif self._job is not None:
            self._step_live(self._job)
        if self.status is not None and self.status != before:
            notices.add(self.status.error)
        return apart and self.status != before

    def cancel(self) -> bool:
        """End the task; True when it ran on the live rig, which may then be in the middle of a take."""
        if self._lockstep is not None:
            self._lockstep.cancel()
        if self._transfer is not None:
            self._transfer.cancel()
        if self._job is None:
            return False
        self._job = None
        self._finish("Cancelled.")
        return True

    def close(self) -> None:
        self._job = None
        if self._lockstep is not None:
            self._lockstep.close()
            self._lockstep = None
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None

    def _begin(self, title: str, total: int) -> jobs.Progress:
        if self.running:
            raise StudioError("A task is running already. Wait for it, or cancel it.")
        self._progress = jobs.Progress(JobStatus(title, 0, total, "Starting."))
        return self._progress

    def _step_lockstep(self, job: LockstepJob) -> None:
        assert self._progress is not None
        self._progress.status = job.poll()
        for result in job.results[self._taken :]:
            self._taken += 1
            self._keep(result)
        if job.status.finished:
            job.close()
            self._lockstep = None

    def _step_transfer(self, job: TransferJob) -> None:
        assert self._progress is not None
        self._progress.status = job.poll()
        if job.status.finished:
            job.close()
            self._transfer = None

    def _step_live(self, job: Iterator[None]) -> None:
        try:
            next(job)
        except StopIteration:
            self._job = None
            self._finish("Finished.")
        except (jobs.JobFailed, StudioError, DriverError) as error:
            self._job = None
            self._finish("Ended early.", str(error))

    def _finish(self, detail: str, error: str = "") -> None:
        assert self._progress is not None
        self._progress.status = replace(self._progress.status, finished=True, detail=detail, error=error)

    def _keep(self, result: TrialResult) -> None:
        self.sheet.append(result, self._workspace.trials / TRIAL_SHEET)
