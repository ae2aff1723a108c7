"""Teleoperation and recording in real time, through emulated servos on a byte line."""

import numpy as np
import pytest

from recorders.episode_reader import EpisodeReader
from teleop_studio.session import StudioError
from teleop_studio.status import State
from teleop_studio.studio import Studio
from tests.journeys.driving import until

pytestmark = pytest.mark.alone


def _record_grasp(studio: Studio, side: str, seed: int) -> None:
    studio.new_scene(seed)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    studio.teleop()
    until(studio, lambda s: s.state is State.TELEOP and s.alignment_gap == 0, "the soft start")
    studio.record("grasp the bottle")
    studio.scripted_operator(side, seed)


def test_the_follower_copies_the_leader_and_the_take_is_kept(studio: Studio) -> None:
    _record_grasp(studio, "left", 5)
    until(studio, lambda _: not studio.operator_busy, "the scripted operator")
    until(studio, lambda _: studio.trial_score is not None and studio.trial_score.success, "the bottle to be lifted")
    studio.accept()
    until(studio, lambda s: s.recorder.building == 0 and bool(studio.episodes()), "the episode file")
    with EpisodeReader(studio.episodes()[0].path) as reader:
        frames = reader.frames
        assert reader.info.task == "grasp the bottle"
        late = np.abs(frames.follower_position - frames.leader_position)[:, :6]
        assert np.median(late) < 0.12
        assert np.diff(frames.stamp_ns).min() > 0
        due = sum(reader.info.images.values()) + sum(gap.count for gap in reader.gaps() if gap.stream in reader.cameras)
        seconds = reader.info.duration_s
    # Every picture that was due is there or is named as missing.
    assert abs(due - 2 * 15 * seconds) <= 8


def test_a_discarded_take_leaves_no_file(studio: Studio) -> None:
    before = len(studio.episodes())
    _record_grasp(studio, "right", 6)
    until(studio, lambda s: s.recorder.frames_written > 30, "some frames")
    studio.discard()
    until(studio, lambda s: not s.recorder.recording, "the take to be gone")
    assert len(studio.episodes()) == before
    studio.stop()
    studio.resume()


def test_torque_off_lets_the_arm_sink_and_resume_takes_it_up_where_it_is(studio: Studio) -> None:
    studio.new_scene(7)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    before = studio.history(0.5).follower[-1]
    studio.torque_off()
    assert studio.poll().state is State.LIMP
    until(studio, lambda _: np.abs(studio.history(0.5).follower[-1] - before).max() > 0.3, "the limp arm to sink")
    studio.resume()
    until(studio, lambda _: bool(np.isfinite(studio.history(0.2).action[-1]).all()), "the torque")
    history = studio.history(0.1)
    # Taken up where it lies: a jump to the old goal would be tenths of a radian.
    assert np.abs(history.action[-1] - history.follower[-1])[:6].max() < 0.15


def test_verbs_that_make_no_sense_now_say_what_would(studio: Studio) -> None:
    studio.new_scene(8)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    with pytest.raises(StudioError, match="Can not take over while idle"):
        studio.take_over()
    with pytest.raises(StudioError, match="grasps from left or right"):
        studio.scripted_operator("above")


def test_a_recorded_episode_replays_on_the_follower(studio: Studio) -> None:
    episode = studio.episodes()[0].path
    studio.new_scene(5)
    until(studio, lambda _: studio.scene_ready, "the new scene")
    studio.replay(episode)
    assert studio.poll().state is State.REPLAY
    until(studio, lambda s: s.state is State.IDLE, "the replay to end")
    with EpisodeReader(episode) as reader:
        last = reader.frames.action[-1]
    np.testing.assert_allclose(studio.history(0.1).action[-1], last, atol=0.02)
