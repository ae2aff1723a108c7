"""The lesson's end: the figure, the page, and the numbers for whoever goes on with them."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from numpy.typing import NDArray

from recorders.episode_info import EpisodeInfo
from teleop_studio.evaluation.lesson import (
    ONE_SCENE,
    ONE_TRAINING,
    Considered,
    Contest,
    considered_sentence,
    contest_sentences,
    verdict,
)
from teleop_studio.evaluation.machine import machine_facts
from teleop_studio.evaluation.report import Demonstrations, Report, ReportPicture, Training, write_report
from teleop_studio.evaluation.trials import RunSummary, TrialSheet
from teleop_studio.learning_status import LessonScore
from teleop_studio.lesson_plan import FLOW, MEAN, LessonFolder, LessonPlan, contest_of
from teleop_studio.status import TrainingStatus

_TITLES = {MEAN: "Mean regression", FLOW: "Flow matching"}
_COLOURS = (
    "Green goes past the arm's left, blue past its right, yellow leads through the box; what something in the picture "
    "stands before is faint. Left and right are the robot's own."
)
_SUCCESS = (
    "the bottle is more than 5 cm above its start and upright for half a second with the box standing, within 10 s. A "
    "knocked-over box or bottle ends it as a failure. The simulator scores this; the policies see pictures and joints."
)


@dataclass(frozen=True)
class LessonContent:
    """Everything that came of a lesson. `trainings` by policy and seed; `considered` as `lockstep_fans` wrote it."""

    plan: LessonPlan
    folder: LessonFolder
    episodes: Sequence[EpisodeInfo]
    trainings: dict[tuple[str, int], TrainingStatus]
    sheet: TrialSheet
    took_s: dict[str, float]
    considered: dict[str, NDArray[Any]]

    @property
    def contests(self) -> list[Contest]:
        names = {key: status.run.name for key, status in self.trainings.items()}
        return [contest_of(names, seed) for seed in range(self.plan.seeds)]


def write_lesson(content: LessonContent) -> None:
    """The figure (PNG), the numbers (JSON) and at last the page (HTML) into the lesson's folder."""
    from teleop_studio.lesson_figure import Panel, draw_figure  # Pillow, which nothing else of the app waits for

    folder, sheet, contests = content.folder, content.sheet, content.contests
    mean, flow = (considered_of(content.considered, k) for k in (0, 1))
    sentences = [verdict(sheet, contests), considered_sentence(mean, flow)]
    for contest in contests:
        of = f"Training seed {contest.seed}. " if len(contests) > 1 else ""
        said = contest_sentences(sheet, contest)
        sentences += [of + said[0], *said[1:]]
    first = contests[0]
    panels = [
        Panel(_TITLES[policy], sheet.summary(name), k, one)
        for k, (policy, name, one) in enumerate(((MEAN, first.mean, mean), (FLOW, first.flow, flow)))
    ]
    draw_figure(folder.figure, content.considered, panels, sheet.compare(first.mean, first.flow), sentences[0])
    folder.numbers.write_text(json.dumps(_numbers(content, mean, flow, sentences), indent=1) + "\n")
    write_report(folder.root, _report(content, sentences))


def scores_of(sheet: TrialSheet, contests: Sequence[Contest]) -> tuple[LessonScore, ...]:
    """One for each trained run, in the order of the table."""
    scores = []
    for contest in contests:
        of = f", seed {contest.seed}" if len(contests) > 1 else ""
        for policy, run in ((MEAN, contest.mean), (FLOW, contest.flow)):
            summary = sheet.summary(run)
            interval = summary.interval
            scores.append(
                LessonScore(
                    f"{_TITLES[policy]}{of}", summary.trials, summary.successes, interval.low, interval.high,
                    summary.left, summary.right, knocked(summary),
                )
            )  # fmt: skip
    return tuple(scores)


def knocked(summary: RunSummary) -> int:
    """Trials that ended because something fell."""
    return sum(count for reason, count in summary.failures.items() if " fell" in reason)


def considered_of(considered: dict[str, NDArray[Any]], k: int) -> Considered:
    """What the policy in row `k` considered, counted."""
    samples = considered["tips"].shape[1]
    left, right = (round(float(share) * samples) for share in considered["shares"][k])
    return Considered(samples, left, right, int(considered["through"][k].sum()))


def _report(content: LessonContent, sentences: list[str]) -> Report:
    plan, episodes = content.plan, content.episodes
    sides = [str(info.extra.get("operator_side", "")) for info in episodes]
    return Report(
        title="Teleop Studio: why not average?",
        made_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        rig=f"simulated rig, scene {plan.scene!r}, in lock-step on a manual clock",
        success_means=_SUCCESS,
        demonstrations=Demonstrations(
            count=len(episodes),
            left=sides.count("left"),
            right=sides.count("right"),
            how=f"by a scripted operator, {len(episodes) // 2} layouts from both sides each",
            duration_s=sum(info.duration_s for info in episodes),
        ),
        trainings=tuple(
            Training(status.run.name, policy, status.step, status.elapsed_s, status.loss_curve, status.held_out_curve)
            for (policy, _), status in content.trainings.items()
        ),
        trials=content.sheet,
        pictures=(ReportPicture("At the first start of the trials", content.folder.figure, _COLOURS),),
        timings=tuple(content.took_s.items()),
        machine=machine_facts(),
        pictures_title="What both consider",
        findings=tuple(sentences),
        notes=(ONE_SCENE, ONE_TRAINING),
    )


def _numbers(content: LessonContent, mean: Considered, flow: Considered, sentences: list[str]) -> dict[str, Any]:
    table = []
    for contest in content.contests:
        found = content.sheet.compare(contest.mean, contest.flow)
        runs = {policy: _row(content, policy, contest.seed) for policy in (MEAN, FLOW)}
        table.append({"seed": contest.seed, **runs, "paired": asdict(found)})
    return {
        "plan": asdict(content.plan),
        "demonstrations": len(content.episodes),
        "table": table,
        "considered": {MEAN: asdict(mean), FLOW: asdict(flow)},
        "sentences": [*sentences, ONE_SCENE, ONE_TRAINING],
        "took_s": {phase: round(seconds, 1) for phase, seconds in content.took_s.items()},
        "machine": machine_facts(),
    }


def _row(content: LessonContent, policy: str, seed: int) -> dict[str, Any]:
    status = content.trainings[policy, seed]
    summary = content.sheet.summary(status.run.name)
    return {
        "run": status.run.name,
        "steps": status.step,
        "training_s": round(status.elapsed_s, 1),
        "last_loss": None if math.isnan(status.loss) else status.loss,
        "trials": summary.trials,
        "successes": summary.successes,
        "interval": [summary.interval.low, summary.interval.high],
        "left": summary.left,
        "right": summary.right,
        "left_ok": summary.left_ok,
        "right_ok": summary.right_ok,
        "failures": summary.failures,
    }
