"""How large a lesson is, what it compares and where its parts lie."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from teleop_studio.evaluation.lesson import Contest
from teleop_studio.session import StudioError

MEAN, FLOW = "mean-regression", "flow-matching"
PHASES = ("record both sides", "train both policies", "try the same starts", "draw what they consider")


@dataclass(frozen=True)
class LessonPlan:
    """The protocol of docs/decisions/0030; the defaults are the small one, for a quarter of an hour on two cores.

    `pairs` layouts from `layout_seed` on, each shown from both sides; `steps` of each training; `seeds` trainings of
    each policy; `trials` starts from `trial_seed` on, the same for all.
    """

    scene: str = "fork"
    pairs: int = 30
    steps: int = 3000
    trials: int = 40
    seeds: int = 1
    layout_seed: int = 10_000
    trial_seed: int = 500_000
    executed_steps: int = 8
    solver_steps: int = 10

    def __post_init__(self) -> None:
        for name in ("pairs", "steps", "trials", "seeds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: a lesson needs at least 1")

    @property
    def starts(self) -> range:
        return range(self.trial_seed, self.trial_seed + self.trials)


@dataclass(frozen=True)
class LessonFolder:
    """Where the parts of one lesson lie; its training runs lie in the workspace, with its name before theirs."""

    root: Path
    runs: Path

    @property
    def episodes(self) -> Path:
        return self.root / "episodes"

    @property
    def plan(self) -> Path:
        return self.root / "plan.json"

    @property
    def sheet(self) -> Path:
        return self.root / "trials.jsonl"

    @property
    def considered(self) -> Path:
        return self.root / "considered.npz"

    @property
    def figure(self) -> Path:
        return self.root / "lesson.png"

    @property
    def numbers(self) -> Path:
        return self.root / "lesson.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def run(self, policy: str, seed: int) -> Path:
        return self.runs / f"{self.root.name}-{policy}-seed{seed}"

    def begin(self, plan: LessonPlan) -> None:
        """Note the plan. Raises `StudioError` when another one was begun here: its parts would be taken for these."""
        content = json.dumps(asdict(plan), indent=1) + "\n"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if self.plan.exists() and self.plan.read_text() != content:
                raise StudioError(
                    f"In {self.root} lies a lesson with other numbers: {_difference(self.plan.read_text(), plan)}. "
                    "Choose another folder, or ask for the same numbers to go on with it."
                )
            self.plan.write_text(content)
        except OSError as error:
            raise StudioError(
                f"The folder {self.root} can not be written: {error.strerror}. Choose another."
            ) from error

    def unfinished(self) -> LessonPlan | None:
        """The plan of a lesson that was begun here and has no report yet."""
        try:
            return None if self.report.exists() else LessonPlan(**json.loads(self.plan.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def contest_of(names: dict[tuple[str, int], str], seed: int) -> Contest:
    """The two runs of one training seed, by their names in the trial sheet."""
    return Contest(names[MEAN, seed], names[FLOW, seed], seed)


def _difference(noted: str, plan: LessonPlan) -> str:
    try:
        before = json.loads(noted)
    except ValueError:
        return "its plan can not be read"
    differing = {name: before.get(name) for name, value in asdict(plan).items() if before.get(name) != value}
    return ", ".join(f"{name} = {value}" for name, value in differing.items()) or "its plan has more in it"
