"""Policies, trainings, hosts, the lesson and the table of the stand-in Studio."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teleop_studio.learning_status import HostInfo, LessonScore, LessonStatus, PolicyRow
from teleop_studio.status import RunInfo, TrainingStatus
from teleop_studio.train_choices import PolicyInfo, TrainChoices

if TYPE_CHECKING:
    from tests.ui.stand_in_studio import StandInStudio

_OWN = {"network": ("mlp", "unet", "dit"), "encoder": ("cnn", "resnet18", "frozen"), "augment": (0.0, 0.5, 1.0)}
_SUMMARIES = {
    "flow-matching": "Draws whole chunks from noise and keeps both ways round an obstacle; the one to begin with.",
    "diffusion": "Removes noise in many small steps; keeps both ways too, and takes longer for it.",
    "mean-regression": "Answers with the average of what was shown; to see what averaging two ways does.",
    "gaussian": "An average and how far it scatters; its samples form one cloud.",
    "act": "LeRobot's action chunking with transformers; smooth, and takes one way where several were shown.",
    "smolvla": "A small vision-language-action model that understands the task's words; wants a graphics card.",
}
_MISSING = (
    "SmolVLA (LeRobot) needs num2words, which is not installed. Install it with: pip install 'teleop-studio[lerobot]'."
)


def kind(
    name: str,
    title: str,
    choices: Mapping[str, tuple[Any, ...]],
    steps: int = 6500,
    solver_steps: tuple[int, ...] = (),
    missing: str = "",
    weights: bool = False,
) -> PolicyInfo:
    return PolicyInfo(name, title, _SUMMARIES[name], missing, choices, weights, steps, solver_steps)


_KINDS = (
    kind("flow-matching", "Flow matching", _OWN, solver_steps=(1, 2, 4, 10, 25)),
    kind("diffusion", "Diffusion", {**_OWN, "target": ("epsilon", "x0")}, solver_steps=(10, 50, 100)),
    kind("mean-regression", "Mean regression", _OWN),
    kind("gaussian", "Gaussian", _OWN),
    kind("act", "ACT (LeRobot)", {"preset": ("small", "paper")}, 20000),
    kind("smolvla", "SmolVLA (LeRobot)", {"preset": ("expert", "all")}, 20000, (1, 5, 10), _MISSING, True),
)


def training_status(run: Path, step: int, steps: int, running: bool) -> TrainingStatus:
    """A run of flow matching at `step`, its loss measured every 20 steps, its error every 250."""
    at = np.arange(20, step + 1, 20, dtype=float)
    loss = (
        0.9 * np.exp(-at / 900) + 0.04 + 0.03 * np.random.default_rng(3).standard_normal(len(at)) * np.exp(-at / 2500)
    )
    held = np.arange(250, step + 1, 250, dtype=float)
    error = 0.22 * np.exp(-held / 1300) + 0.052
    return TrainingStatus(
        run=run,
        policy="flow-matching",
        running=running,
        finished=step >= steps,
        stopping=False,
        error="",
        step=step,
        steps=steps,
        loss=float(loss[-1]) if len(loss) else float("nan"),
        held_out_error=float(error[-1]) if len(error) else float("nan"),
        elapsed_s=step / 14.2,
        eta_s=(steps - step) / 14.2,
        steps_per_s=14.2,
        episodes=40,
        loss_curve=np.stack([at, loss], -1),
        held_out_curve=np.stack([held, error], -1),
        device="CPU, 2 threads",
        checkpoint_step=step // 500 * 500,
        best_step=max(step // 500 * 500 - 500, 0),
        best_by="held-out error" if step >= 1000 else "",
    )


def table_rows() -> tuple[PolicyRow, ...]:
    """Two runs that were tried and differ, one that nobody has tried, in no particular order."""
    return (
        PolicyRow(
            "mean-regression-001", "mean-regression", "Mean regression", 6500, 100, 38, 0.285, 0.483,
            0.5, 1.0, 0.97, 0.02, 0.031, 250.0, 4.1, 9.0, 431_000, "box knocked over", 55,
        ),
        PolicyRow(
            "flow-matching-001", "flow-matching", "Flow matching", 6500, 100, 94, 0.874, 0.978,
            0.5, 0.46, 0.44, 0.06, 0.024, 262.0, 11.2, 19.5, 452_000, "time is over", 4,
        ),
        PolicyRow("flow-matching-002", "flow-matching", "Flow matching", 2600, training_s=104.0, parameters=452_000),
    )  # fmt: skip


_PHASES = ("record pairs", "train mean regression", "train flow matching", "try both")


class StandInTrainings:
    """`run_rows` newest first, `hosts`, `rows` of the table; verbs are noted in the studio's `calls`."""

    def __init__(self, studio: "StandInStudio") -> None:
        self._studio = studio
        self.kinds = {known.name: known for known in _KINDS}
        self.hosts: tuple[HostInfo, ...] = ()
        self.rows = table_rows()
        self.run_rows = [
            self.run("flow-matching-001", "flow-matching", 6500, 0.054),
            self.run("flow-matching-002", "flow-matching", 2600, 0.082),
            self.run("mean-regression-001", "mean-regression", 6500, 0.091),
        ]

    def run(self, name: str, policy: str, step: int, error: float) -> RunInfo:
        saved = tuple(range(500, step + 1, 500)) + ((step,) if step % 500 else ())
        best = 6000 if step >= 6500 else 2000
        folder = self._studio.workspace.runs / name
        return RunInfo(folder, name, policy, step, 6500, error, 40, step == 6500, saved, best, "held-out error")

    def policy_kinds(self) -> dict[str, PolicyInfo]:
        return dict(self.kinds)

    def runs(self) -> list[RunInfo]:
        return list(self.run_rows)

    def checkpoint(self, run: Path, step: int) -> Path:
        return run / "checkpoints" / f"{step:08d}"

    def train(self, choices: TrainChoices | None = None) -> Path:
        choices = choices or TrainChoices()
        self._studio.calls.append(("train", choices))
        run = self._studio.workspace.new_run(choices.name, choices.policy)
        steps = choices.steps or self.kinds[choices.policy].steps
        self._studio.training = training_status(run, 0, steps, running=True)
        return run

    def pause_training(self) -> None:
        self._studio.calls.append(("pause_training",))
        self._change(paused=True)

    def stop_training(self) -> None:
        self._studio.calls.append(("stop_training",))
        self._change(running=False)

    def resume_training(self, run: Path, steps: int | None = None) -> None:
        self._studio.calls.append(("resume_training", run) if steps is None else ("resume_training", run, steps))
        if self._studio.training is not None and self._studio.training.paused:
            self._change(paused=False)
        else:
            self._studio.training = training_status(run, 2600, 6500, running=True)

    def _change(self, **changes: bool) -> None:
        assert self._studio.training is not None
        self._studio.training = replace(self._studio.training, **changes)  # type: ignore[arg-type]

    def training_hosts(self) -> tuple[HostInfo, ...]:
        return self.hosts

    def add_training_host(self, name: str, address: str, folder: str = "") -> None:
        self._studio.calls.append(("add_training_host", name, address, folder))
        self.hosts = (*self.hosts, HostInfo(name, address, folder, checking=True))

    def check_training_host(self, name: str) -> None:
        self._studio.calls.append(("check_training_host", name))
        self.hosts = tuple(replace(host, checking=True) if host.name == name else host for host in self.hosts)

    def remove_training_host(self, name: str) -> None:
        self._studio.calls.append(("remove_training_host", name))
        self.hosts = tuple(host for host in self.hosts if host.name != name)

    def found(self, name: str, device: str = "", problem: str = "") -> None:
        """What the check of a host came to."""
        self.hosts = tuple(
            replace(host, checking=False, device=device, problem=problem) if host.name == name else host
            for host in self.hosts
        )

    def lesson(self) -> None:
        self._studio.calls.append(("lesson",))
        self._studio.lesson_status = LessonStatus(_PHASES, 0, 0, 12, "Layout 1, from the left.", 2.0, 540.0)

    def cancel_lesson(self) -> None:
        self._studio.calls.append(("cancel_lesson",))
        self._studio.lesson_status = None

    def policy_table(self, baseline: str = "") -> tuple[PolicyRow, ...]:
        """As if every pair of tried runs shared all starts."""
        tried = [row.run for row in self.rows if row.trials]
        if baseline not in tried:
            return self.rows
        return tuple(
            replace(row, p_value=1.2e-14, shared=100) if row.run in tried and row.run != baseline else row
            for row in self.rows
        )


def finished_lesson(folder: Path) -> LessonStatus:
    """Its end, with a picture of its own colour in `folder`."""
    from PySide6.QtGui import QColor, QImage

    figure = folder / "lesson.png"
    image = QImage(1200, 640, QImage.Format.Format_RGB32)
    image.fill(QColor("#205080"))
    image.save(str(figure))
    scores = (
        LessonScore("Mean regression", 40, 9, 0.108, 0.385, 38, 1, 30),
        LessonScore("Flow matching", 40, 37, 0.796, 0.984, 18, 21, 2),
    )
    verdict = "Of the 40 starts that both tried, flow matching alone succeeded at 29 and mean regression alone at 1."
    return LessonStatus(
        _PHASES, 3, 80, 80, "", 560.0, 0.0, True, "", scores, verdict, 5.8e-8, figure, folder / "lesson.html"
    )
