"""The lesson: what is there already is not done again, and what lies elsewhere is not taken for it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from teleop_studio.evaluation.intervals import mcnemar_exact
from teleop_studio.evaluation.lesson import Considered
from teleop_studio.evaluation.trials import TrialResult, TrialSheet
from teleop_studio.lesson_figure import Panel, draw_figure
from teleop_studio.lesson_plan import FLOW, MEAN, LessonFolder, LessonPlan
from teleop_studio.lesson_report import LessonContent, considered_of, scores_of, write_lesson
from teleop_studio.lessons import Lessons
from teleop_studio.session import StudioError
from teleop_studio.status import TrainingStatus
from teleop_studio.trainings import Trainings
from teleop_studio.workspace import Workspace

SMALL = LessonPlan(pairs=2, steps=20, trials=2)


def folder(tmp_path: Path) -> LessonFolder:
    return LessonFolder(tmp_path / "lesson", tmp_path / "runs")


@pytest.fixture
def lessons(tmp_path: Path) -> Lessons:
    workspace = Workspace.create(tmp_path / "workspace")
    return Lessons(workspace, Trainings(workspace))


def test_the_same_numbers_go_on_in_the_same_folder_and_others_do_not(tmp_path: Path) -> None:
    folder(tmp_path).begin(SMALL)
    folder(tmp_path).begin(SMALL)
    assert folder(tmp_path).unfinished() == SMALL
    with pytest.raises(StudioError, match=r"lesson with other numbers: steps = 20\. Choose another folder"):
        folder(tmp_path).begin(LessonPlan(pairs=2, steps=30, trials=2))


def test_a_lesson_with_its_report_is_finished(tmp_path: Path) -> None:
    folder(tmp_path).begin(SMALL)
    folder(tmp_path).report.write_text("")
    assert folder(tmp_path).unfinished() is None


def test_no_pairs_or_trials_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs = 0: a lesson needs at least 1"):
        LessonPlan(pairs=0)


def test_one_click_goes_on_with_the_lesson_that_was_not_finished(lessons: Lessons) -> None:
    first = lessons.start(SMALL)
    with pytest.raises(StudioError, match="A lesson runs already"):
        lessons.start()
    lessons.cancel()
    assert lessons.start() == first
    lessons.cancel()
    status = lessons.status
    assert status is not None
    assert (status.finished, status.error, status.figure) == (True, "", None)
    assert lessons.start(LessonPlan(pairs=3, steps=20, trials=2)) != first
    lessons.cancel()


def test_a_finished_lesson_is_left_alone(lessons: Lessons) -> None:
    first = lessons.start(SMALL)
    lessons.cancel()
    (first / "report.html").write_text("")
    assert lessons.start(SMALL) != first
    lessons.cancel()


def test_there_is_nothing_to_cancel_before_the_first(lessons: Lessons) -> None:
    with pytest.raises(StudioError, match="No lesson is running"):
        lessons.cancel()


def test_data_without_enough_whole_pairs_are_refused_with_the_count(lessons: Lessons, tmp_path: Path) -> None:
    lessons.start(SMALL, tmp_path / "lesson", data=tmp_path)
    lessons.step()
    status = lessons.status
    assert status is not None
    assert status.error.startswith("There are only 0 layouts shown from both sides in")


def fans() -> dict[str, np.ndarray]:
    """A policy that gives one chunk straight ahead, and one whose chunks go left and right. Grey picture."""
    ahead = np.linspace(0.2, 0.35, 5)
    tips = np.zeros((2, 4, 5, 3))
    tips[..., 0] = ahead
    tips[1, :, :, 1] = np.linspace(0, 1, 5) * np.array([[0.08], [0.07], [-0.08], [-0.07]])
    pixels = np.stack([60 + 400 * tips[..., 1], 100 - 200 * (tips[..., 0] - 0.2)], axis=-1)
    return {
        "picture": np.full((120, 120, 3), 60, np.uint8),
        "tips": tips,
        "pixels": pixels,
        "hidden": np.zeros((2, 4, 5), bool),
        "through": np.array([[True] * 4, [False] * 4]),
        "shares": np.array([[0.0, 0.0], [0.5, 0.5]]),
    }


def test_the_figure_shows_the_average_through_the_box_and_both_ways_in_two_colours(tmp_path: Path) -> None:
    sheet = TrialSheet(
        [TrialResult(run, seed, run == "flow", side="left") for run in ("mean", "flow") for seed in range(4)]
    )
    considered = fans()
    panels = [
        Panel(name, sheet.summary(name), k, considered_of(considered, k)) for k, name in enumerate(("mean", "flow"))
    ]
    assert panels[1].considered == Considered(4, 2, 2, 0)
    draw_figure(tmp_path / "figure.png", considered, panels, mcnemar_exact([False] * 4, [True] * 4), "What it says.")
    figure = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB")).astype(int)
    left_half, right_half = figure[64:144, 28:108], figure[64:144, 136:216]

    def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
        return int((np.abs(picture - np.array(colour)).max(axis=-1) < 40).sum())

    assert near(left_half, (255, 209, 64)) > 50
    assert near(left_half, (75, 211, 123)) == 0
    assert near(right_half, (75, 211, 123)) > 20
    assert near(right_half, (73, 166, 255)) > 20
    assert near(right_half, (255, 209, 64)) == 0


def test_two_trainings_of_each_end_in_one_table_one_page_and_one_figure(tmp_path: Path) -> None:
    plan = LessonPlan(pairs=2, steps=20, trials=4, seeds=2)
    place = folder(tmp_path)
    place.begin(plan)
    trainings = {
        (policy, seed): TrainingStatus(place.run(policy, seed), policy, finished=True, step=20, steps=20)
        for seed in range(2)
        for policy in (MEAN, FLOW)
    }
    results = [
        TrialResult(status.run.name, seed, policy == FLOW, "" if policy == FLOW else "box fell", "left")
        for (policy, _), status in trainings.items()
        for seed in range(4)
    ]
    content = LessonContent(plan, place, [], trainings, TrialSheet(results), {"try": 3.0}, fans())
    write_lesson(content)
    numbers = json.loads(place.numbers.read_text())
    assert [row["seed"] for row in numbers["table"]] == [0, 1]
    assert numbers["table"][1][MEAN]["failures"] == {"box fell": 4}
    assert numbers["table"][1]["paired"]["only_second"] == 4
    assert numbers["considered"][FLOW] == {"samples": 4, "left": 2, "right": 2, "through": 0}
    page = place.report.read_text()
    assert "Training seed 1. Mean regression: 0 of 4 starts succeeded" in page
    assert "These counts do not tell the two apart" in page  # 4 starts can not, however they come out
    assert place.figure.stat().st_size > 1000
    scores = scores_of(content.sheet, content.contests)
    assert [(score.title, score.successes, score.knocked) for score in scores] == [
        ("Mean regression, seed 0", 0, 4),
        ("Flow matching, seed 0", 4, 0),
        ("Mean regression, seed 1", 0, 4),
        ("Flow matching, seed 1", 4, 0),
    ]
