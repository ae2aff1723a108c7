"""How sure a count makes us: the interval beside every rate, and the test between two runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta, binom


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval of a rate. `low`, `high` in 0..1."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class PairedComparison:
    """Two runs on the same starts. `p_value`: how often chance alone gives a split this uneven or more."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float

    @property
    def shared(self) -> int:
        """How many starts both tried."""
        return self.both + self.only_first + self.only_second + self.neither


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """The exact interval of a success rate (Clopper and Pearson 1934): covers at least `confidence`, whatever the rate.

    10 of 10 gives 69 .. 100 %, 20 of 20 gives 83 .. 100 %. No trials give 0 .. 100 %.
    Raises `ValueError` unless 0 <= successes <= trials and 0 < confidence < 1.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials: successes must be 0 to the number of trials")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}: must lie between 0 and 1")
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return Interval(low, high, confidence)


def mcnemar_exact(first: Sequence[bool], second: Sequence[bool]) -> PairedComparison:
    """Exact McNemar test: among the starts where exactly one of two runs succeeded, is the split even?

    `first[k]` and `second[k]` are the outcomes on the same start. Two-sided, binomial with p = 1/2; 1 when the runs
    never differ. Not corrected for comparing more than two runs: see `holm`.
    Raises `ValueError` for different lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} outcomes: a paired test needs the same starts for both")
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    differing = only_first + only_second
    p_value = min(1.0, 2 * float(binom.cdf(min(only_first, only_second), differing, 0.5))) if differing else 1.0
    return PairedComparison(pairs.count((True, True)), only_first, only_second, pairs.count((False, False)), p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p of a family of tests as it stands after Holm's correction (1979), in the given order.

    Calling everything below .05 different is then wrong, anywhere in the family, in at most 5 % of such families.
    """
    order = sorted(range(len(p_values)), key=lambda k: p_values[k])
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, k in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[k]))
        corrected[k] = largest
    return corrected
