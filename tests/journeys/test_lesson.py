"""The lesson from end to end with tiny numbers: it reaches its figure and says what came out, whatever that is."""

import json
from pathlib import Path

import pytest

from recorders.catalog import list_episodes
from teleop_studio.commands.lesson import run_lesson
from teleop_studio.lesson_plan import LessonPlan

pytestmark = [pytest.mark.alone, pytest.mark.slow, pytest.mark.campaign]


def test_a_tiny_lesson_ends_in_its_figure_and_does_nothing_twice(tmp_path: Path) -> None:
    plan = LessonPlan(pairs=2, steps=20, trials=2)
    numbers = run_lesson(plan, tmp_path)
    assert (tmp_path / "lesson.png").stat().st_size > 100_000
    assert (tmp_path / "report.html").stat().st_size > 100_000
    assert numbers["demonstrations"] == 4
    (row,) = numbers["table"]
    assert row["mean-regression"]["trials"] == row["flow-matching"]["trials"] == 2
    assert row["mean-regression"]["steps"] == row["flow-matching"]["steps"] == 20
    assert numbers["considered"]["flow-matching"]["samples"] == 32
    assert numbers["sentences"][0].startswith("These counts do not tell the two apart")  # 2 starts never can

    episodes = sorted(info.path for info in list_episodes(tmp_path / "episodes"))
    trials = (tmp_path / "trials.jsonl").read_bytes()
    (tmp_path / "report.html").unlink()  # as if it had been cut off just before its end
    again = run_lesson(plan, tmp_path)
    assert sorted(info.path for info in list_episodes(tmp_path / "episodes")) == episodes
    assert (tmp_path / "trials.jsonl").read_bytes() == trials
    assert json.dumps(again["table"]) == json.dumps(numbers["table"])
