"""The trial sheet counts right, survives a break and says which line is wrong."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.evaluation.trials import TrialResult, TrialSheet, TrialSheetError, load_trials

RESULTS = [
    TrialResult("flow", 1000, True, side="left", duration_s=5.0, left_samples=0.5, right_samples=0.5),
    TrialResult("mean", 1000, False, "the carton fell", "left", 3.0),
    TrialResult("flow", 1001, True, side="right", duration_s=7.0, left_samples=0.25, right_samples=0.5),
    TrialResult("mean", 1001, False, "the carton fell", "right", 2.0),
    TrialResult("flow", 1002, False, "the bottle fell", "right", 4.0, Path("trials/000003-ab.h5")),
    TrialResult("mean", 1002, False, "", "", 10.0),
    TrialResult("flow", 1003, True, side="left", duration_s=6.0),
]

MEASURED = [
    TrialMeasures(2000, 3, 0, "left", 0.5, 20.0, (10.0, 12.0, 11.0), (20.0, 21.0, 22.0)),
    TrialMeasures(2000, 2, 3, "right", 1.5, 40.0, (13.0, 50.0), (30.0, 80.0)),
    TrialMeasures(2000, 1, 0, ""),
]

finite = st.floats(allow_infinity=False)
milliseconds = st.lists(st.floats(0, 1e4), max_size=3).map(tuple)
measures = st.builds(
    TrialMeasures,
    step=st.integers(0, 10**6),
    chunks=st.integers(1, 100),
    flips=st.integers(0, 100),
    chunk_side=st.sampled_from(["", "left", "right"]),
    boundary_jump=finite,
    boundary_jump_mrad=finite,
    chunk_ms=milliseconds,
    samples_ms=milliseconds,
)
trial_results = st.builds(
    TrialResult,
    run=st.text(),
    seed=st.integers(0, 2**63),
    success=st.booleans(),
    failed=st.text(),
    side=st.sampled_from(["", "left", "right"]),
    duration_s=finite,
    episode=st.none() | st.just(Path("trials") / "000001-ab.h5"),
    left_samples=finite,
    right_samples=finite,
    measured=st.just(TrialMeasures()) | measures,
)


def test_a_summary_counts_successes_sides_and_reasons() -> None:
    summary = TrialSheet(RESULTS).summary("flow")
    assert (summary.trials, summary.successes, summary.rate) == (4, 3, 0.75)
    assert (summary.left, summary.right, summary.neither) == (2, 2, 0)
    assert (summary.left_ok, summary.right_ok) == (2, 1)
    assert summary.failures == {"the bottle fell": 1}
    assert (summary.left_samples, summary.right_samples) == (0.375, 0.5)
    assert summary.median_duration_s == 6.0
    assert summary.interval.low == pytest.approx(0.194, abs=5e-4)


def test_the_commonest_failure_comes_first_and_none_is_lost() -> None:
    summary = TrialSheet(RESULTS).summary("mean")
    assert list(summary.failures.items()) == [("the carton fell", 2), ("no reason given", 1)]
    assert summary.neither == 1
    assert math.isnan(summary.left_samples)
    assert math.isnan(summary.median_duration_s)


def test_a_run_without_trials_claims_nothing() -> None:
    summary = TrialSheet().summary("flow")
    assert math.isnan(summary.rate)
    assert (summary.interval.low, summary.interval.high) == (0.0, 1.0)


def test_a_summary_tells_how_the_policy_drove() -> None:
    sheet = TrialSheet(TrialResult("flow", k, True, measured=measured) for k, measured in enumerate(MEASURED))
    summary = sheet.summary("flow")
    assert summary.flips == 1.0
    assert (summary.left_chunks, summary.right_chunks) == pytest.approx((1 / 3, 1 / 3))
    assert (summary.boundary_jump, summary.boundary_jump_mrad) == (1.0, 30.0)
    assert summary.chunk_ms == pytest.approx((12.0, 48.52))
    assert summary.samples_ms == pytest.approx((22.0, 78.0))
    assert summary.steps == (2000,)


def test_trials_that_were_not_measured_say_nothing_about_it() -> None:
    """Nor do they pull the others towards zero."""
    summary = TrialSheet(RESULTS).summary("flow")
    assert math.isnan(summary.flips)
    assert math.isnan(summary.chunk_ms[1])
    mixed = [*RESULTS, TrialResult("flow", 2000, True, measured=MEASURED[1])]
    assert TrialSheet(mixed).summary("flow").flips == 3.0


def test_a_sheet_of_before_the_measures_still_reads(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text(
        '{"run": "flow", "seed": 1, "success": true, "failed": "", "side": "left", "duration_s": 5.5, '
        '"episode": null, "left_samples": 0.5, "right_samples": null}\n'
    )
    (result,) = load_trials(path).results
    assert (result.run, result.side, result.duration_s, result.left_samples) == ("flow", "left", 5.5, 0.5)
    assert result.measured.chunks == 0


def test_runs_are_compared_on_the_starts_they_share() -> None:
    sheet = TrialSheet(RESULTS)
    assert sheet.runs == ("flow", "mean")
    found = sheet.compare("flow", "mean")
    assert (found.only_first, found.only_second, found.neither) == (2, 0, 1)


def test_runs_without_a_common_start_are_not_compared() -> None:
    with pytest.raises(ValueError, match="'flow' and 'other' share no start"):
        TrialSheet(RESULTS).compare("flow", "other")


@given(st.lists(trial_results, max_size=4))
def test_a_saved_sheet_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, results: list[TrialResult]) -> None:
    path = tmp_path_factory.mktemp("sheet") / "trials.jsonl"
    TrialSheet(results).save(path)
    assert list(map(repr, load_trials(path).results)) == list(map(repr, results))


def test_trials_are_kept_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    sheet = TrialSheet()
    for count, result in enumerate(RESULTS, start=1):
        sheet.append(result, path)
        assert len(load_trials(path).results) == count == len(sheet.results)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"run": "flow", "seed": 1, "succ', r"Line 2 of .*trials.jsonl is not a trial: .*delete it"),
        ("[1, 2]", "an object is needed, not list"),
        ('{"run": "flow", "seed": 1, "success": 1}', "success = 1"),
        ('{"run": "flow", "seed": 1}', "success"),
        ('{"run": "flow", "seed": 1, "success": true, "side": "up"}', "side = 'up'"),
        ('{"run": "flow", "seed": 1, "success": true, "speed": 3}', "unknown: speed"),
        ('{"run": "flow", "seed": 1, "success": true, "measured": {"flips": 0.5}}', r"flips = 0\.5"),
        ('{"run": "flow", "seed": 1, "success": true, "measured": {"mind": 1}}', "unknown: mind"),
        ('{"run": "flow", "seed": 1, "success": true, "measured": {"chunk_ms": ["x"]}}', "could not convert"),
    ],
)
def test_a_line_that_is_no_trial_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "trials.jsonl"
    TrialSheet(RESULTS[:1]).save(path)
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(TrialSheetError, match=message):
        load_trials(path)


def test_a_missing_sheet_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrialSheetError, match=r"nowhere\.jsonl can not be read"):
        load_trials(tmp_path / "nowhere.jsonl")
