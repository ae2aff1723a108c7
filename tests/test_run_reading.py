"""A run's folder says how long it learnt and how large it is, also when it was interrupted or is not a run at all."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from teleop_studio.run_reading import count_parameters, run_facts, trained_layouts, training_seconds
from teleop_studio.starts import overlap, overlap_sentence
from teleop_studio.training.run_folder import RunConfig, write_config
from teleop_studio.training.settings import TrainSettings

LEFT, RIGHT, UNKNOWN = (Path(f"/gone/{name}.h5") for name in ("a", "b", "c"))


def metrics(run: Path, *rows: dict[str, float]) -> None:
    run.mkdir(exist_ok=True, parents=True)
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 99, "elap')


def begun(run: Path, **settings: object) -> Path:
    write_config(run, RunConfig(TrainSettings(**settings), (), (LEFT, RIGHT, UNKNOWN), 0.0))  # type: ignore[arg-type]
    return run


def test_seconds_come_from_the_curve_and_a_cut_off_line_is_passed_over(tmp_path: Path) -> None:
    metrics(
        tmp_path,
        {"step": 10, "elapsed_s": 1.0, "cpu_s": 0.9},
        {"step": 10, "held_out_error": 0.1},
        {"step": 20, "elapsed_s": 2.5, "cpu_s": 1.7},
    )
    np.testing.assert_array_equal(training_seconds(tmp_path / "metrics.jsonl"), [[10, 1.0, 0.9], [20, 2.5, 1.7]])


def test_processor_time_of_a_resumed_run_is_added_up(tmp_path: Path) -> None:
    """Each trainer counts from its own start."""
    metrics(
        tmp_path,
        {"step": 10, "elapsed_s": 1.0, "cpu_s": 5.0},
        {"step": 20, "elapsed_s": 2.0, "cpu_s": 6.0},
        {"step": 30, "elapsed_s": 3.0, "cpu_s": 4.0},
        {"step": 40, "elapsed_s": 4.0, "cpu_s": 5.0},
    )
    assert training_seconds(tmp_path / "metrics.jsonl")[:, 2].tolist() == [5.0, 6.0, 10.0, 11.0]


def test_a_run_without_processor_time_has_only_the_clocks(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    metrics(run, {"step": 10, "elapsed_s": 1.0}, {"step": 20, "elapsed_s": 2.0})
    facts = run_facts(run, {})
    assert facts.step_ms == pytest.approx(100)
    assert math.isnan(facts.step_cpu_ms)
    assert facts.trained_s(20)[0] == 2.0
    assert math.isnan(facts.trained_s(20)[1])


def test_parameters_are_counted_from_the_header(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3, 4), "b": torch.zeros(5)}, tmp_path / "model.safetensors")
    assert count_parameters(tmp_path / "model.safetensors") == 17
    (tmp_path / "odd").write_bytes(b"\xff" * 20)
    assert count_parameters(tmp_path / "odd") == count_parameters(tmp_path / "absent") == 0


def test_sides_are_those_that_are_known(tmp_path: Path) -> None:
    facts = run_facts(begun(tmp_path / "run"), {LEFT: "left", RIGHT: "right"})
    assert (facts.left_demonstrations, facts.right_demonstrations, facts.demonstrations) == (0.5, 0.5, 3)
    assert math.isnan(run_facts(begun(tmp_path / "run"), {}).left_demonstrations)


def test_runs_that_differ_in_the_seed_only_have_one_recipe(tmp_path: Path) -> None:
    recipes = [
        run_facts(begun(tmp_path / str(number), **settings)).recipe
        for number, settings in enumerate(({"seed": 0}, {"seed": 1}, {"seed": 1, "steps": 5}))
    ]
    assert recipes[0] == recipes[1] != recipes[2]


def test_a_folder_that_is_no_run_says_nothing(tmp_path: Path) -> None:
    facts = run_facts(tmp_path / "nothing")
    assert (facts.run, facts.policy, facts.parameters) == ("nothing", "", 0)
    assert trained_layouts(tmp_path / "nothing") == frozenset()
    assert trained_layouts(begun(tmp_path / "run")) == frozenset()


def test_starts_that_were_demonstrated_are_named() -> None:
    seen = overlap(range(8, 20), range(0, 13))
    assert seen == (8, 9, 10, 11, 12)
    assert overlap(range(1000, 1030), range(0, 60)) == ()
    sentence = overlap_sentence(Path("runs/flow-001"), seen, 12)
    assert sentence.startswith("flow-001 was trained on 5 of these 12 starts (layouts 8, 9, 10 ...).")
