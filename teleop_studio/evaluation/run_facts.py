"""What a table of policies says of a run beside its trials: how long it learnt, from what, how large it is."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RunFacts:
    """One training run.

    `policy` its name in the registry, `title` in words, `seed` of the training. Runs of one `recipe` differ in nothing
    but the seed. `seconds` (n, 3) rows of step, elapsed time and processor time so far, nan where it was not measured.
    `step_ms`, `step_cpu_ms` a training step. `parameters` numbers in its checkpoint. `left_demonstrations`,
    `right_demonstrations` shares 0..1 of its `demonstrations` whose side is known. `best_step` the checkpoint it is
    played with.
    """

    run: str
    policy: str = ""
    title: str = ""
    seed: int = 0
    recipe: str = ""
    seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    step_ms: float = math.nan
    step_cpu_ms: float = math.nan
    parameters: int = 0
    demonstrations: int = 0
    left_demonstrations: float = math.nan
    right_demonstrations: float = math.nan
    best_step: int = 0

    def trained_s(self, step: int) -> tuple[float, float]:
        """(elapsed, processor) seconds behind the checkpoint of `step`; nan where unknown."""
        if step < 1 or len(self.seconds) == 0 or step > 1.05 * self.seconds[-1, 0]:
            return math.nan, math.nan
        steps, elapsed, cpu = np.vstack([np.zeros(3), self.seconds]).T
        return float(np.interp(step, steps, elapsed)), float(np.interp(step, steps, cpu))
