"""How everything stands, taken in one go: the words of the state bar and of every page."""

import time
from typing import TYPE_CHECKING

from teleop_studio.control.first_motion import Waiting
from teleop_studio.display import Display
from teleop_studio.notices import Notices
from teleop_studio.operation import Operation
from teleop_studio.sentences import sentence, while_closed
from teleop_studio.soft_start import LIMITS
from teleop_studio.status import InferenceHealth, RecorderHealth, State, StudioStatus

if TYPE_CHECKING:
    from teleop_studio.studio import Studio


def take_status(studio: "Studio", operation: Operation, display: Display, notices: Notices) -> StudioStatus:
    """`operation`, `display` and `notices` are the studio's own."""
    live, state, job, rig = operation.live, operation.state, studio.tasks.status, studio.rig
    start = display.soft_start
    title, detail = sentence(state, start, job, operation.loading, studio.tasks.lockstep_running)
    if state is State.CLOSED:
        title, detail = while_closed(live is not None, studio.closing, studio.setup.status.running)
    servos = live.arms.servos if live else {}
    started_ns = live.takes.progress.started_ns if live else 0
    recording = live is not None and live.takes.recording
    return StudioStatus(
        state=state,
        title=title,
        detail=detail,
        simulated=rig.simulated,
        rig=rig.name,
        scene=rig.scene if rig.simulated else "",
        joint_names=rig.follower.uncalibrated.names,
        cameras=display.cameras(live.cameras if live else {}),
        episode_clock_s=(time.monotonic_ns() - started_ns) * 1e-9 if recording and started_ns else 0.0,
        episodes=studio.library.count,
        operator_side=live.operator_side if live else "",
        active_run=operation.active_run,
        alignment_gap=start.gap,
        joint_gaps=start.joint_gaps,
        aligned_gap=LIMITS.aligned_gap,
        refuse_gap=LIMITS.refuse_gap,
        aligning=start.aligning,
        mirroring=start.waiting is Waiting.MIRRORING,
        leader_servos=servos.get("leader", ()),
        follower_servos=servos.get("follower", ()),
        loop=display.loop(live.processes.scheduling if live else ""),
        recorder=live.takes.health() if live else RecorderHealth(),
        inference=live.inference.health() if live else InferenceHealth(),
        training=studio.trainings.status(),
        preparing=studio.pictures_ahead.progress if studio.pictures_ahead is not None else (0, 0),
        job=job,
        pair=studio.pair,
        lesson=studio.lessons.status,
        notices=notices.said,
    )
