"""What the window draws of training hosts, pairs, the lesson and the table of policies: plain values."""

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostInfo:
    """A machine that trains over ssh. `name` is what `TrainChoices.host` takes.

    `device` what it trains on, in words, as the last check found it. `problem` why it can not train and what to do,
    "" when the last check went well or none has been made.
    """

    name: str
    address: str  # as ssh takes it: "user@machine", or a name of the ssh configuration
    folder: str = ""  # where it works there
    device: str = ""
    problem: str = ""
    checking: bool = False


@dataclass(frozen=True)
class PairPrompt:
    """Both sides of every layout: what the operator shall do now. Layouts count from 1."""

    layout: int
    layouts: int
    side: str  # "left" or "right": where the next demonstration goes past
    todo: str  # one sentence, e.g. "Put the objects on the marks, then press Space."
    second: bool = False  # the layout's second side: the objects go back to the same marks


@dataclass(frozen=True)
class LessonScore:
    """What came of one policy in the lesson. `low`, `high` of the success rate, 0..1, 95 %."""

    title: str
    trials: int
    successes: int
    low: float
    high: float
    left: int = 0
    right: int = 0
    knocked: int = 0  # trials that ended with a knocked-over box or bottle


@dataclass(frozen=True)
class LessonStatus:
    """The lesson "why not average?" as a job: record pairs, train twice, try both from the same starts.

    `phases` in their order; `done` of `total` within the present one. `figure` a picture (PNG), `report` a page (HTML)
    with the same, None before its end. `verdict` what the counts say, in one or two sentences.
    """

    phases: tuple[str, ...]
    phase: int  # index into `phases`
    done: int = 0
    total: int = 0
    detail: str = ""
    elapsed_s: float = 0.0
    eta_s: float = math.nan  # until its end, all phases
    finished: bool = False
    error: str = ""
    scores: tuple[LessonScore, ...] = ()
    verdict: str = ""
    p_value: float = math.nan  # McNemar, exact, over the starts that both tried
    figure: Path | None = None
    report: Path | None = None


@dataclass(frozen=True)
class PolicyRow:
    """A run in the table of policies: what its trials say. Shares and rates 0..1, nan where nothing was measured.

    `low`, `high` of the success rate, 95 %. `left_*` shares of demonstrations, samples and trials that go left.
    `flips` changes of side per episode. `boundary_jump` rad between two chunks where they join. `p_value` of the exact
    McNemar test against the baseline over the `shared` starts that both tried.
    """

    run: str
    policy: str
    title: str
    step: int = 0
    trials: int = 0
    successes: int = 0
    low: float = 0.0
    high: float = 1.0
    left_demonstrations: float = math.nan
    left_samples: float = math.nan
    left_trials: float = math.nan
    flips: float = math.nan
    boundary_jump: float = math.nan
    training_s: float = math.nan
    chunk_ms: float = math.nan  # median
    chunk_worst_ms: float = math.nan
    parameters: int = 0
    failure: str = ""  # the commonest reason
    failure_count: int = 0
    p_value: float = math.nan
    shared: int = 0

    @property
    def rate(self) -> float:
        return self.successes / self.trials if self.trials else math.nan
