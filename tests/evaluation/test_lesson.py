"""The lesson says what its counts carry, whichever way they come out."""

from teleop_studio.evaluation.intervals import mcnemar_exact
from teleop_studio.evaluation.lesson import (
    Considered,
    Contest,
    compared,
    considered_sentence,
    contest_sentences,
    verdict,
)
from teleop_studio.evaluation.trials import TrialResult, TrialSheet

CONTEST = Contest("mean", "flow", 0)


def sheet(mean: str, flow: str) -> TrialSheet:
    """One letter a start: s success, l and r fail on that side."""
    results = []
    for run, letters in (("mean", mean), ("flow", flow)):
        for seed, letter in enumerate(letters):
            side = "right" if letter == "r" else "left"
            results.append(TrialResult(run, seed, letter == "s", "" if letter == "s" else "box fell", side))
    return TrialSheet(results)


def test_a_clear_difference_is_said_with_its_conditions_and_without_always() -> None:
    told = verdict(sheet("s" + "l" * 19, "s" * 20), [CONTEST])
    assert told.startswith("Averaging failed more often here, where the side can not be read")
    assert told.endswith("It did not always fail.")


def test_it_is_not_said_to_succeed_at_times_when_it_never_did() -> None:
    assert "always" not in verdict(sheet("l" * 20, "s" * 20), [CONTEST])


def test_a_difference_that_chance_explains_is_no_difference() -> None:
    told = verdict(sheet("slsl", "sssl"), [CONTEST])
    assert told.startswith(
        "These counts do not tell the two apart: chance alone gives a split as uneven as this in 100 %"
    )


def test_mean_regression_may_win() -> None:
    assert verdict(sheet("s" * 20, "l" * 20), [CONTEST]).startswith("Mean regression did better here.")


def test_trainings_that_disagree_are_said_to() -> None:
    results = [
        TrialResult(run, seed, success)
        for run, success in (("a", False), ("b", True), ("c", True), ("d", False))
        for seed in range(20)
    ]
    told = verdict(TrialSheet(results), [Contest("a", "b", 0), Contest("c", "d", 1)])
    assert told.startswith("The trainings disagree")


def test_how_many_trainings_say_so_is_said() -> None:
    results = [
        TrialResult(run, seed, success)
        for run, success in (("a", False), ("b", True), ("c", True), ("d", True))
        for seed in range(20)
    ]
    told = verdict(TrialSheet(results), [Contest("a", "b", 0), Contest("c", "d", 1)])
    assert told.startswith("Averaging failed more often here in 1 of 2 trainings")


def test_counts_come_with_interval_failures_sides_and_test() -> None:
    mean, flow, test = contest_sentences(sheet("slrr", "ssss"), CONTEST)
    assert mean == (
        "Mean regression: 1 of 4 starts succeeded (95 % interval 1 to 81 %). Failures: box fell 3. "
        "It went left 2 and right 2 times."
    )
    assert flow.startswith("Flow matching: 4 of 4 starts succeeded (95 % interval 40 to 100 %). It went left 4")
    assert test == (
        "Of the starts where only one succeeded, 3 went to flow matching and 0 to mean regression: p = 0.25 "
        "(exact McNemar test)."
    )


def test_a_very_small_p_is_not_rounded_to_nothing() -> None:
    assert "p = 1.1e-13 " in compared(mcnemar_exact([False] * 44, [True] * 44))


def test_what_was_considered_is_counted_not_claimed() -> None:
    through = considered_sentence(Considered(32, 0, 0, 32), Considered(32, 20, 11, 1))
    assert "the averaged chunk leads through the box" in through
    assert "20 go left and 11 right, 1 to neither side; 1 of them lead through the box" in through
    assert "leads past the box" in considered_sentence(Considered(32, 32, 0, 0), Considered(32, 16, 16, 0))
