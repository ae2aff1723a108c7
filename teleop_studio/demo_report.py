"""What the demo's report says."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from teleop_studio.evaluation.machine import machine_facts
from teleop_studio.evaluation.report import Demonstrations, Report, ReportPicture, Training, write_report
from teleop_studio.evaluation.report_content import INTERPOLATION_ONLY
from teleop_studio.status import TrainingStatus
from teleop_studio.studio import Studio

if TYPE_CHECKING:
    from teleop_studio.demo import DemoPlan

_CAPTIONS = {
    "record": ("Record", "The scripted operator moves the leader; the follower copies it through emulated servos."),
    "train": ("Train", "Loss, and the held-out error of sampled chunks."),
    "deploy": ("Deploy", "32 sampled chunks as paths of the gripper's tip; the bright one is being executed."),
    "compare": ("Compare", "A demonstration and a trial of the policy on one scrubber."),
}
_SUCCESS = (
    "the bottle is more than 5 cm above its start and upright for half a second, the carton still stands, "
    "within 10 s of robot time. The simulator scores this; the policy sees only pictures and joints."
)
_NOT_SHOWN = (
    "Demonstrations come from a scripted operator with human-like noise, not from a person; failed ones were discarded."
)


def write_demo_report(
    studio: Studio, plan: "DemoPlan", run: Path, training: TrainingStatus, took: dict[str, float]
) -> Path:
    """Everything that was measured, on one page; returns its path."""
    rows = studio.episodes()
    pictures = tuple(
        ReportPicture(title, plan.folder / f"{page}.png", caption) for page, (title, caption) in _CAPTIONS.items()
    )
    pace = "in lock-step on a manual clock" if plan.fast else "in real time"
    pictures_of = [studio.library.pictures(row.path) for row in rows]
    report = Report(
        title="Teleop Studio: demonstration run",
        made_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        rig=f"simulated rig, scene {studio.rig.scene!r}, {pace}",
        success_means=_SUCCESS,
        demonstrations=Demonstrations(
            count=len(rows),
            left=sum(row.side == "left" for row in rows),
            right=sum(row.side == "right" for row in rows),
            how=f"by a scripted operator that moves the leader arm, {pace}",
            duration_s=sum(row.duration_s for row in rows),
            frames_written=sum(written for written, _ in pictures_of),
            frames_due=sum(due for _, due in pictures_of),
        ),
        trainings=(
            Training(
                run.name,
                training.policy,
                training.step,
                training.elapsed_s,
                training.loss_curve,
                training.held_out_curve,
            ),
        ),
        trials=studio.tasks.sheet,
        pictures=pictures,
        timings=tuple(took.items()),
        machine=machine_facts(),
        commands=(f"teleop-studio {' '.join(sys.argv[1:])}",),
        notes=(INTERPOLATION_ONLY, _NOT_SHOWN),
    )
    return write_report(plan.folder, report)
