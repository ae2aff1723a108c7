"""What a report says, before it is laid out."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teleop_studio.evaluation.trials import TrialSheet

INTERPOLATION_ONLY = (
    "Trials start from places that no demonstration started from, drawn from the same ranges. This is interpolation: "
    "nothing here says how the policy does with other light, another camera position, other objects or more clutter."
)


def _no_curve() -> NDArray[np.float64]:
    return np.zeros((0, 2))


@dataclass(frozen=True)
class Demonstrations:
    """What was recorded. `how` completes "recorded ...", e.g. "by a scripted operator that moves the leader arm".

    `duration_s` of robot time in all. `frames_written`, `frames_due` camera pictures; equal when none is missing.
    """

    count: int
    left: int
    right: int
    how: str
    duration_s: float
    frames_written: int = 0
    frames_due: int = 0

    @property
    def neither(self) -> int:
        return self.count - self.left - self.right


@dataclass(frozen=True)
class Training:
    """One training run. Curves are (step, value) rows; the held-out error is that of sampled chunks, in rad."""

    run: str
    policy: str
    steps: int
    elapsed_s: float
    loss_curve: NDArray[np.float64] = field(default_factory=_no_curve)
    held_out_curve: NDArray[np.float64] = field(default_factory=_no_curve)


@dataclass(frozen=True)
class ReportPicture:
    """A PNG to show, copied into the page."""

    title: str
    path: Path
    caption: str = ""


@dataclass(frozen=True)
class Report:
    """Everything the page says. `made_at` as it shall be printed; `rig` one sentence.

    `success_means` completes "A trial succeeds when ...", with its full stop.

    `findings` sentences about what came out, `notes` about what it does not show.

    `timings` (phase, seconds) in order. `machine` name -> value, see `machine.machine_facts`. `commands` as typed.
    """

    title: str
    made_at: str
    rig: str
    success_means: str
    demonstrations: Demonstrations
    trainings: tuple[Training, ...]
    trials: TrialSheet
    pictures: tuple[ReportPicture, ...] = ()
    timings: tuple[tuple[str, float], ...] = ()
    machine: dict[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = (INTERPOLATION_ONLY,)
    findings: tuple[str, ...] = ()
    pictures_title: str = "The window"
