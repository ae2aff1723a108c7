"""What the lesson's counts say, and no more: two policies, the same starts, in sentences that the counts carry.

A sentence that the counts do not carry is not written: averaging is not said to fail where the test can not tell the
two apart, nor to fail always where it also succeeded.
"""

from dataclasses import dataclass

from teleop_studio.evaluation.intervals import PairedComparison
from teleop_studio.evaluation.trials import RunSummary, TrialSheet

SIGNIFICANT = 0.05
ONE_SCENE = (
    "The scene was chosen to make the difference visible: it is an example, not an estimate for scenes in general, and "
    "the operator is scripted."
)
ONE_TRAINING = (
    "Each interval and p speaks of these starts for one trained network; another training gives other counts. "
    "Trainings share the starts, so their trials must not be added up as if they were independent."
)


@dataclass(frozen=True)
class Contest:
    """Two trained runs on the same starts: `mean` averages, `flow` keeps both ways. Names as in the trial sheet."""

    mean: str
    flow: str
    seed: int


@dataclass(frozen=True)
class Considered:
    """What one policy considered at one moment before the fork: `samples` chunks and which way they go.

    `through` of them lead through the obstacle.
    """

    samples: int
    left: int
    right: int
    through: int


def contest_sentences(sheet: TrialSheet, contest: Contest) -> list[str]:
    """Counts with their intervals, how trials failed, the sides, and the test, of one pair of runs."""
    mean, flow = sheet.summary(contest.mean), sheet.summary(contest.flow)
    return [
        f"Mean regression: {counts(mean)}.{_failures(mean)}{_sides(mean)}",
        f"Flow matching: {counts(flow)}.{_failures(flow)}{_sides(flow)}",
        compared(sheet.compare(contest.mean, contest.flow)),
    ]


def counts(summary: RunSummary) -> str:
    """ "17 of 50 starts succeeded (95 % interval 21 to 49 %)"."""
    low, high = 100 * summary.interval.low, 100 * summary.interval.high
    return f"{summary.successes} of {summary.trials} starts succeeded (95 % interval {low:.0f} to {high:.0f} %)"


def compared(found: PairedComparison) -> str:
    """Where only one of the two succeeded, and how often chance alone splits so unevenly."""
    return (
        f"Of the starts where only one succeeded, {found.only_second} went to flow matching and {found.only_first} to "
        f"mean regression: p = {p_words(found.p_value)} (exact McNemar test)."
    )


def p_words(p_value: float) -> str:
    """Two digits; very small ones as a power of ten."""
    return f"{p_value:.2g}"


def verdict(sheet: TrialSheet, contests: list[Contest]) -> str:
    """One or two sentences for the whole lesson."""
    findings = [sheet.compare(contest.mean, contest.flow) for contest in contests]
    clear = [found for found in findings if found.p_value < SIGNIFICANT]
    better = [found for found in clear if found.only_second > found.only_first]
    of = "" if len(findings) == 1 else f" in {len(better) or len(clear)} of {len(findings)} trainings"
    if len(better) == len(clear) and better:
        succeeded = sum(sheet.summary(contest.mean).successes for contest in contests)
        also = " It did not always fail." if succeeded else ""
        return (
            f"Averaging failed more often here{of}, where the side can not be read from what the policy sees and the "
            f"arm has little room to drift.{also}"
        )
    if not clear:
        return (
            "These counts do not tell the two apart: chance alone gives a split as uneven as this in "
            f"{_shares(findings)} of such comparisons. More starts, or a longer training, may."
        )
    if not better:
        return f"Mean regression did better here{of}. Look at the training curves, and train longer."
    return "The trainings disagree about which of the two is better: look at each of them."


def considered_sentence(mean: Considered, flow: Considered) -> str:
    """What both would do at the same moment. The average is taken over joint targets, not over paths."""
    averaged = (
        "the averaged chunk leads through the box"
        if mean.through == mean.samples
        else "the averaged chunk leads past the box"
        if mean.through == 0
        else f"{mean.through} of {mean.samples} averaged chunks lead through the box"
    )
    rest = flow.samples - flow.left - flow.right
    undecided = f", {rest} to neither side" if rest else ""
    return (
        f"At one moment before the fork {averaged}, which is the mean of the demonstrated joint targets. Of "
        f"{flow.samples} chunks that flow matching drew there, {flow.left} go left and {flow.right} right{undecided}; "
        f"{flow.through} of them lead through the box."
    )


def _failures(summary: RunSummary) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in summary.failures.items())
    return f" Failures: {told}." if told else ""


def _sides(summary: RunSummary) -> str:
    neither = f", {summary.neither} to neither side" if summary.neither else ""
    return f" It went left {summary.left} and right {summary.right} times{neither}."


def _shares(findings: list[PairedComparison]) -> str:
    return " and ".join(f"{100 * found.p_value:.0f} %" for found in findings)
