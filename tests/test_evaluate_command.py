"""The command "evaluate" refuses what would mislead, and shows the table of trials that were made before."""

import json
import math
from pathlib import Path

import pytest

from teleop_studio.__main__ import main
from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.evaluation.trials import TrialResult, TrialSheet
from teleop_studio.policy_tables import PolicyTables, rows
from teleop_studio.training.run_folder import RunConfig, add_metrics, write_config
from teleop_studio.training.settings import TrainSettings
from teleop_studio.workspace import Workspace

EPISODES = (Path("/gone/a.h5"), Path("/gone/b.h5"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["evaluate", "--json", *map(str, arguments)]) == 1
    return str(json.loads(capsys.readouterr().out)["error"])


def measured(step: int, flips: int, ms: float) -> TrialMeasures:
    return TrialMeasures(step, 10, flips, "left", 0.5, 25.0, (ms,), (2 * ms,), 8, 10)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two runs of one recipe and a third one, tried from three starts of the bottle scene."""
    workspace = Workspace.create(tmp_path / "workspace")
    for name, settings in (
        ("flow-001", TrainSettings()),
        ("flow-002", TrainSettings(seed=1)),
        ("mean-001", TrainSettings("mean-regression")),
    ):
        write_config(workspace.runs / name, RunConfig(settings, (), EPISODES, 0.0))
        add_metrics(workspace.runs / name, 1000, loss=0.1, elapsed_s=120.0, cpu_s=100.0)
    sheet = TrialSheet()
    for seed in (1000, 1001, 1002):
        for run, success in (("flow-001", True), ("flow-002", seed != 1000), ("mean-001", False)):
            failed = "" if success else "carton fell"
            told = measured(1000, run == "flow-002", 10.0 + seed - 1000)
            result = TrialResult(run, seed, success, failed, "left", measured=told, scene="bottle")
            sheet.append(result, workspace.trials / "trials.jsonl")
    sheet.append(TrialResult("flow-001", 1000, False, "box fell", scene="fork"), workspace.trials / "trials.jsonl")
    return workspace


def test_without_runs_and_table_there_is_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Name the runs to try" in refused(capsys, "--workspace", tmp_path)


def test_final_starts_are_not_for_choosing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "--workspace", tmp_path, "--run", tmp_path / "run", "--final", "--checkpoints")
    assert "Final starts are looked at once" in said
    said = refused(capsys, "--workspace", tmp_path, "--run", tmp_path / "run", "--final", "--seed", "3")
    assert "both name the first start" in said


def test_a_run_without_a_checkpoint_can_not_be_compared_with_itself(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = workspace.runs / "flow-001"
    said = refused(capsys, "--workspace", workspace.root, "--run", run, "--checkpoints")
    assert "flow-001 has no checkpoint yet" in said


def test_a_table_of_no_trials_says_how_to_make_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There are no trials to show yet" in refused(capsys, "--workspace", tmp_path, "--table")


def test_the_table_is_made_of_the_sheet_and_the_runs(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--json", "--table", "--baseline", "flow-001", "--workspace", str(workspace.root)]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["table"]
    assert (found["baseline"], found["comparisons"]) == ("flow-001", 2)
    by_run = {row["run"]: row for row in found["rows"]}
    assert list(by_run) == ["flow-001", "flow-002", "flow-matching, 2 seeds", "mean-001"]
    assert (by_run["flow-001"]["successes"], by_run["flow-001"]["trials"]) == (3, 3)
    assert by_run["flow-matching, 2 seeds"]["successes"] == 5
    assert by_run["flow-002"]["flips"] == 1.0
    assert by_run["mean-001"]["failures"] == {"carton fell": 3}
    assert by_run["mean-001"]["trained_s"] == [120.0, 100.0]
    assert by_run["mean-001"]["left_demonstrations"] is None
    assert Path(found["page"]).is_file()


def test_without_json_the_table_is_printed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--table", "--workspace", str(workspace.root)]) == 0
    assert "| mean-001 (Mean regression, step 1000) | 0 / 3 |" in capsys.readouterr().out


def test_the_window_gets_a_row_a_run_and_sees_new_trials(workspace: Workspace) -> None:
    tables = PolicyTables(workspace)
    sides = {EPISODES[0]: "left", EPISODES[1]: "right"}
    first, second, third = rows(tables.table("bottle", "flow-001", sides))
    assert (first.run, first.trials, first.successes, first.step) == ("flow-001", 3, 3, 1000)
    assert math.isnan(first.p_value)
    assert (second.shared, third.failure, third.failure_count) == (3, "carton fell", 3)
    assert (third.left_demonstrations, third.left_trials, third.training_s) == (0.5, 1.0, 120.0)
    assert (third.boundary_jump, third.chunk_ms, third.chunk_worst_ms) == pytest.approx((0.025, 11.0, 12.0))
    assert all(math.isnan(row.p_value) for row in rows(tables.table("bottle", "", sides), compared=False))
    more = TrialResult("flow-001", 1003, False, "carton fell", measured=measured(1000, 0, 10.0), scene="bottle")
    TrialSheet().append(more, workspace.trials / "trials.jsonl")
    assert rows(tables.table("bottle"))[0].trials == 4
    (fork,) = rows(tables.table("fork"))
    assert (fork.run, fork.trials, fork.failure) == ("flow-001", 1, "box fell")
