"""The lesson "why not average?": record both sides, train two policies, try both from the same starts, draw why.

What is there already is not done again, so a lesson that was cancelled, or cut off, goes on where it was.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.errors import DriverError
from recorders.catalog import list_episodes, move_to_bin
from recorders.episode_info import EpisodeInfo
from recorders.errors import RecorderError
from teleop_studio.evaluation.lesson import verdict
from teleop_studio.evaluation.trials import TrialSheet, TrialSheetError, load_trials
from teleop_studio.learning_status import LessonStatus
from teleop_studio.lesson_plan import FLOW, MEAN, PHASES, LessonFolder, LessonPlan, contest_of
from teleop_studio.lesson_report import LessonContent, scores_of, write_lesson
from teleop_studio.lockstep_job import LockstepJob
from teleop_studio.operation import DEFAULT_TASK
from teleop_studio.policies.checkpoint_folder import newest_checkpoint
from teleop_studio.processes.lockstep_plan import SIDES, EvaluateJob, FanJob, Job, RecordJob
from teleop_studio.rig import RigConfig
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
from teleop_studio.train_choices import TrainChoices
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.run_folder import CONFIG
from teleop_studio.training.run_status import read_status
from teleop_studio.trainings import Trainings

# What a unit of each phase takes on two cores until it has been measured, s: an episode, a step, a trial, the figure.
_EXPECTED_S = (2.5, 0.11, 1.0, 20.0)
_FAILURES = (StudioError, TrainingError, RecorderError, DriverError, TrialSheetError, OSError)


class Lesson:
    """One lesson at work. `step` often; `status` tells how far it is, and in the end what came out.

    `data` demonstrations that are recorded already, `runs` those (policy, seed) that are trained already.
    """

    def __init__(
        self,
        plan: LessonPlan,
        folder: LessonFolder,
        trainings: Trainings,
        logs: Path,
        data: Path | None = None,
        runs: dict[tuple[str, int], Path] | None = None,
    ) -> None:
        """Raises `StudioError` when another lesson lies in `folder`."""
        folder.begin(plan)
        self.plan, self.folder = plan, folder
        self._trainings, self._logs, self._data = trainings, logs, data
        self._rig = RigConfig(name=f"simulated-{plan.scene}", scene=plan.scene)
        self._runs = {
            (policy, seed): (runs or {}).get((policy, seed)) or folder.run(policy, seed)
            for seed in range(plan.seeds)
            for policy in (MEAN, FLOW)
        }
        self._job: LockstepJob | None = None
        self._training: Path | None = None
        self._started_s = self._phase_s = time.monotonic()
        self._done_before = 0
        self._took = dict.fromkeys(PHASES, 0.0)
        self.status = LessonStatus(PHASES, 0, detail="Starting.")
        self._work = self._all()

    def step(self) -> None:
        """Go on. What goes wrong ends the lesson with a sentence in its status, never with an exception."""
        if self.status.finished:
            return
        try:
            next(self._work)
        except StopIteration:
            self._end("")
        except _FAILURES as error:
            self._end(str(error))
        self.status = replace(self.status, elapsed_s=time.monotonic() - self._started_s, eta_s=self._eta_s())

    def cancel(self) -> None:
        """End it; what is recorded, trained and tried stays, and the same lesson goes on from there."""
        if self.status.finished:
            return
        status = self._trainings.status()
        if self._training is not None and status is not None and status.run == self._training and status.running:
            self._trainings.stop()
        self._end("")
        self.status = replace(self.status, verdict="Cancelled. Starting it again goes on from here.")

    def close(self) -> None:
        """The studio closes: a training goes on, the rest ends."""
        self._end("")

    def _end(self, error: str) -> None:
        if self._job is not None:
            self._job.close()
            self._job = None
        self.status = replace(self.status, finished=True, error=error, eta_s=0.0)

    def _all(self) -> Iterator[None]:
        episodes: list[EpisodeInfo] = []
        yield from self._record(episodes)
        yield from self._train(tuple(info.path for info in episodes))
        sheet = TrialSheet()
        yield from self._try(sheet)
        yield from self._draw()
        self._took[PHASES[-1]] = time.monotonic() - self._phase_s
        trainings = {key: read_status(run) for key, run in self._runs.items()}
        content = LessonContent(self.plan, self.folder, episodes, trainings, sheet, self._took, self._considered())
        write_lesson(content)
        self.status = replace(
            self.status, done=self.status.total, detail="", figure=self.folder.figure, report=self.folder.report
        )

    # --- record ----------------------------------------------------------------------------------------------------

    def _record(self, episodes: list[EpisodeInfo]) -> Iterator[None]:
        """Fill `episodes` with both sides of each layout."""
        wanted = len(SIDES) * self.plan.pairs
        self._begin(0, wanted)
        kept, next_seed = _whole_pairs(self._data or self.folder.episodes, bin_rest=self._data is None)
        if self._data is None and len(kept) < wanted:
            seed = max(next_seed, self.plan.layout_seed)
            task = DEFAULT_TASK[self.plan.scene]
            missing = wanted - len(kept)
            job = RecordJob(missing, seed, self.folder.episodes, task, paired=True)
            yield from self._lockstep(job, missing, len(kept))
            kept, _ = _whole_pairs(self.folder.episodes, bin_rest=True)
        if len(kept) < wanted:
            raise StudioError(
                f"There are only {len(kept) // 2} layouts shown from both sides in "
                f"{self._data or self.folder.episodes}, the lesson asks for {self.plan.pairs}. Record more, or ask for "
                "fewer."
            )
        episodes += kept[:wanted]

    # --- train -----------------------------------------------------------------------------------------------------

    def _train(self, data: tuple[Path, ...]) -> Iterator[None]:
        """One after the other: each trainer takes the cores there are, so two at once would end no sooner."""
        self._begin(1, self.plan.steps * len(self._runs))
        for k, ((policy, seed), run) in enumerate(self._runs.items()):
            before = k * self.plan.steps
            if not (run / CONFIG).exists() or not read_status(run).finished:
                yield from self._one_training(policy, seed, run, data, before)
            status = read_status(run)
            if status.checkpoint_step != self.plan.steps or status.policy != policy:
                raise StudioError(
                    f"The run {run.name} has {status.checkpoint_step} steps of {status.policy}, the lesson compares "
                    f"{self.plan.steps} steps of {policy}. Give another run, or leave it out."
                )
            self._tell(before + self.plan.steps, f"{policy} is trained.")

    def _one_training(self, policy: str, seed: int, run: Path, data: tuple[Path, ...], before: int) -> Iterator[None]:
        while (other := self._trainings.status()) is not None and other.run != run and self._trainings.busy:
            self._tell(before, f"Waiting for the training {other.run.name} to end.")
            yield
        self._training = run
        status = self._trainings.status()
        if status is None or status.run != run or not status.running:
            if (run / CONFIG).exists():
                self._trainings.resume(run)
            else:
                self._trainings.start(TrainChoices(policy, self.plan.steps, out=run, data=data, seed=seed))
        while True:
            status = self._trainings.status()
            if status is None or status.run != run:
                raise StudioError(f"The training {run.name} is not followed any more. Start the lesson again.")
            if status.finished:
                break
            self._check_training(status)
            self._tell(before + status.step, f"{policy}: {status.note or f'step {status.step} of {status.steps}.'}")
            yield
        self._training = None

    def _check_training(self, status: TrainingStatus) -> None:
        if status.error:
            raise StudioError(f"The training {status.run.name} failed. {status.error}")
        if not status.running and not self._trainings.starting:
            raise StudioError(f"The training {status.run.name} was stopped. Start the lesson again to go on with it.")

    # --- try -------------------------------------------------------------------------------------------------------

    def _try(self, sheet: TrialSheet) -> Iterator[None]:
        """Fill `sheet` with every run from every start."""
        total = self.plan.trials * len(self._runs)
        self._begin(2, total)
        if self.folder.sheet.exists():
            sheet.results += load_trials(self.folder.sheet).results
        waiting: dict[tuple[int, ...], list[Path]] = {}
        for run in self._runs.values():
            tried = {result.seed for result in sheet.of_run(run.name)}
            missing = tuple(seed for seed in self.plan.starts if seed not in tried)
            if missing:
                waiting.setdefault(missing, []).append(_last(run))
        for seeds, runs in waiting.items():
            task = DEFAULT_TASK[self.plan.scene]
            job = EvaluateJob(tuple(runs), seeds, None, self.plan.executed_steps, self.plan.solver_steps, task)
            done = len(sheet.results)
            yield from self._lockstep(job, len(seeds) * len(runs), done, sheet)
        names = {key: run.name for key, run in self._runs.items()}
        contests = [contest_of(names, seed) for seed in range(self.plan.seeds)]
        test = sheet.compare(contests[0].mean, contests[0].flow)
        self.status = replace(
            self.status,
            scores=scores_of(sheet, contests),
            verdict=verdict(sheet, contests),
            p_value=test.p_value if len(contests) == 1 else float("nan"),
        )

    # --- draw ------------------------------------------------------------------------------------------------------

    def _draw(self) -> Iterator[None]:
        """What both consider at the first start that nobody was trained on."""
        self._begin(3, 1)
        if not self.folder.considered.exists():
            runs = tuple(_last(self._runs[policy, 0]) for policy in (MEAN, FLOW))
            yield from self._lockstep(FanJob(runs, self.plan.trial_seed, self.folder.considered), 1, 0)
        if not self.folder.considered.exists():
            raise StudioError("What the policies consider could not be drawn. The log of the lock-step job says why.")

    def _considered(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder.considered) as content:
            return dict(content)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _lockstep(self, job: Job, total: int, done: int, sheet: TrialSheet | None = None) -> Iterator[None]:
        """Carry out `job`, whose takes are counted after the `done` ones."""
        self._job = LockstepJob(PHASES[self.status.phase], total, self._rig, job, self._logs)
        taken = 0
        while True:
            told = self._job.poll()
            if sheet is not None:
                for result in self._job.results[taken:]:
                    sheet.append(result, self.folder.sheet)
                taken = len(self._job.results)
            self._tell(done + told.done, told.detail)
            if told.finished:
                break
            yield
        self._job.close()
        self._job = None
        if told.error:
            raise StudioError(told.error)

    def _begin(self, phase: int, total: int) -> None:
        now_s = time.monotonic()
        if phase:
            self._took[PHASES[phase - 1]] = now_s - self._phase_s
        self._phase_s, self._done_before = now_s, -1
        self.status = replace(self.status, phase=phase, done=0, total=total, detail="")

    def _tell(self, done: int, detail: str) -> None:
        if self._done_before < 0:
            self._done_before = done
        self.status = replace(self.status, done=done, detail=detail)

    def _eta_s(self) -> float:
        if self.status.finished:
            return 0.0
        phase, left = self.status.phase, self.status.total - self.status.done
        done, took_s = self.status.done - max(self._done_before, 0), time.monotonic() - self._phase_s
        rate_s = took_s / done if done > 0 and took_s > 5 else _EXPECTED_S[phase]
        units = (2 * self.plan.pairs, len(self._runs) * self.plan.steps, len(self._runs) * self.plan.trials, 1)
        later = zip(units[phase + 1 :], _EXPECTED_S[phase + 1 :], strict=True)
        return left * rate_s + sum(count * each_s for count, each_s in later)


def _last(run: Path) -> Path:
    """The last checkpoint, for every policy: nothing is chosen by how it did."""
    checkpoint = newest_checkpoint(run)
    if checkpoint is None:
        raise StudioError(f"The run {run.name} has no checkpoint. Train it first.")
    return checkpoint


def _whole_pairs(folder: Path, bin_rest: bool) -> tuple[list[EpisodeInfo], int]:
    """The successful episodes of layouts that were shown from both sides, and the first layout after all of them.

    `bin_rest`: episodes whose other side is missing go to the bin.
    """
    pairs: dict[str, list[EpisodeInfo]] = {}
    for info in list_episodes(folder) if folder.is_dir() else ():
        if not info.problem and info.outcome == "success" and "operator_side" in info.extra:
            pair = info.extra.get("pair") or f"layout-{info.extra.get('seed')}"
            pairs.setdefault(str(pair), []).append(info)
    if bin_rest:
        for lone in (infos[0] for infos in pairs.values() if len(infos) == 1):
            move_to_bin(lone.path)
    whole = [info for infos in pairs.values() if _both_sides(infos) for info in infos]
    seeds = [int(info.extra["seed"]) for infos in pairs.values() for info in infos if "seed" in info.extra]
    return whole, max(seeds, default=-1) + 1


def _both_sides(infos: Iterable[EpisodeInfo]) -> bool:
    return sorted(str(info.extra.get("operator_side", "")) for info in infos) == sorted(SIDES)
