"""What looks odd about an episode is said with its figure, and nothing is said about one that looks well."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recorders.collection_hints import CollectionHints, own_hints, robust_z
from recorders.episode_info import EpisodeInfo, broken
from recorders.hints import Motion, black_hints, frozen_hints, idle_times, motion_hints, path_length, runs, take_hints
from recorders.index import Figures

NAMES = ("pan", "lift", "gripper")
TICK_NS = 10_000_000


def motion(follower: NDArray[np.float64], action: NDArray[np.float64] | None = None) -> Motion:
    """(T, 3) rad, or (T,) for the first joint alone, at 100 Hz."""
    if follower.ndim == 1:
        follower = np.stack([follower, np.zeros_like(follower), np.zeros_like(follower)], axis=1)
    stamp_ns = np.arange(len(follower)) * TICK_NS
    return Motion(stamp_ns, follower, follower if action is None else action, NAMES)


def said(found: Motion) -> list[str]:
    return [text for _, text in motion_hints(found, *idle_times(found))]


STILL, MOVING = np.zeros(200), np.linspace(0, 2, 300)
"""2 s and 3 s."""


def test_a_motion_that_begins_and_ends_at_once_is_not_idle() -> None:
    assert idle_times(motion(MOVING)) == (0.0, 0.0)
    assert said(motion(MOVING)) == []


def test_idle_times_leave_a_moment_around_the_motion() -> None:
    start_s, end_s = idle_times(motion(np.concatenate([STILL, MOVING, np.full(150, 2.0)])))
    assert start_s == pytest.approx(2.0 - 0.2, abs=0.03)
    assert end_s == pytest.approx(1.5 - 0.2, abs=0.03)


def test_long_idle_times_are_suggested_to_be_trimmed() -> None:
    found = motion(np.concatenate([STILL, MOVING, np.full(150, 2.0)]))
    assert said(found) == [
        "Idle start: nothing moves for the first 1.8 s. Trim them off.",
        "Idle end: nothing moves for the last 1.3 s. Trim them off.",
    ]


def test_noise_of_the_encoder_is_no_motion() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(-2, 3, 200) * 2 * np.pi / 4096
    assert idle_times(motion(np.concatenate([noise, MOVING])))[0] == pytest.approx(1.8, abs=0.05)


def test_a_leader_that_moves_alone_ends_the_idle_start() -> None:
    follower = np.concatenate([STILL, MOVING])
    action = np.zeros((500, 3))
    action[50:, 0] = 0.3
    assert idle_times(motion(follower, action))[0] == pytest.approx(0.3, abs=0.02)


def test_an_arm_that_never_moves_has_no_idle_start_but_no_motion() -> None:
    assert idle_times(motion(STILL)) == (0.0, 0.0)
    assert said(motion(STILL)) == ["No motion: no joint of the follower covers more than 0.000 rad. Bin it."]


def test_a_follower_that_stays_away_from_what_was_sent_is_named_with_its_joint() -> None:
    follower = np.zeros((300, 3))
    follower[:, 0] = MOVING
    action = follower.copy()
    action[100:180, 1] = 0.4
    assert said(motion(follower, action)) == [
        "Tracking error: the follower was up to 0.40 rad away from what was sent (lift), for 0.8 s. "
        "Look whether something blocked it, and check that servo's load and limits."
    ]


def test_neither_a_short_error_nor_a_gripper_that_holds_something_is_a_tracking_error() -> None:
    follower = np.zeros((300, 3))
    follower[:, 0] = MOVING
    action = follower.copy()
    action[100:140, 1] = 0.4
    action[:, 2] = -0.5
    assert said(motion(follower, action)) == []


def test_the_way_of_all_joints_is_added_up() -> None:
    follower = np.stack([[0, 1, 0], [0, 0, -2], [0, 0, 0]], axis=1).astype(float)
    assert path_length(motion(follower)) == 4.0


def info(number: int = 1, **changes: object) -> EpisodeInfo:
    base = broken(Path(f"{number:06d}-00000000.h5"), "")
    values = {"task": "t", "source": "human", "duration_s": 6.0, "frames": 600, "images": {"front": 180}, **changes}
    return replace(base, **values)  # type: ignore[arg-type]


def test_short_takes_missing_items_and_recovered_takes_are_told() -> None:
    assert list(take_hints(info(), {})) == []
    assert list(take_hints(info(duration_s=0.4), {})) == [
        ("short", "Too short: it lasts 0.40 s. Bin it if it was started by mistake.")
    ]
    assert list(take_hints(info(), {"front": 20, "frames": 100})) == [
        (
            "missing",
            "Dropped: 20 of 200 pictures of camera 'front' are missing (10.0 %). "
            "Check its cable, and close other programs before the next take.",
        ),
        (
            "missing",
            "Dropped: 100 of 700 control ticks are missing (14.3 %). Close other programs before the next take.",
        ),
    ]
    # Damage to the journal: the hint about that is the recovered one.
    assert list(take_hints(info(), {"journal": 3})) == []
    assert list(take_hints(info(), {"front": 1})) == []
    assert [kind for kind, _ in take_hints(info(recovered=True), {})] == ["recovered"]


def test_a_camera_that_shows_the_same_picture_is_frozen_and_the_longest_time_is_told() -> None:
    stamp_ns = np.arange(60) * 33_333_333
    crc32 = np.arange(60).astype(np.uint32)
    assert list(frozen_hints("front", stamp_ns, crc32)) == []
    crc32[5:10] = 7  # 0.13 s
    assert list(frozen_hints("front", stamp_ns, crc32)) == []
    crc32[30:50] = 7
    assert list(frozen_hints("front", stamp_ns, crc32)) == [
        (
            "frozen",
            "Frozen camera: 'front' shows the same picture for 0.6 s, from 1.0 s on. "
            "Check its cable; bin the episode if what matters is hidden.",
        )
    ]
    assert list(frozen_hints("front", stamp_ns[:1], crc32[:1])) == []


def test_black_pictures_are_counted() -> None:
    dark, light = np.full((4, 4, 3), 3, np.uint8), np.full((4, 4, 3), 90, np.uint8)
    assert list(black_hints("front", [light, light])) == []
    assert list(black_hints("front", [dark, light, dark])) == [
        (
            "black",
            "Black pictures: 2 of 3 that were looked at, of camera 'front'. "
            "Check its lens cap, its exposure and the light.",
        )
    ]


def test_runs_are_the_stretches_of_true() -> None:
    assert list(runs(np.array([True, False, True, True]))) == [(0, 1), (2, 4)]
    assert list(runs(np.zeros(3, bool))) == []


def collection(episodes: list[EpisodeInfo], figures: list[Figures]) -> dict[str, tuple[str, ...]]:
    hints = CollectionHints()
    names = {episode.path.name: episode for episode in episodes}
    hints.update(names, dict(zip(names, figures, strict=True)))
    return {name[:6]: hints.of(name) for name in names if hints.of(name)}


def test_a_second_episode_with_the_same_motion_is_a_duplicate_of_the_first() -> None:
    episodes = [info(3, content_sha256="c"), info(1, content_sha256="a"), info(2, content_sha256="a")]
    figures = [Figures(motion="m"), Figures(motion="m"), Figures(motion="m")]
    assert collection(episodes, figures) == {
        "000002": ("Duplicate: the same file content as in 000001-00000000.h5. Bin one of them, or it counts twice.",),
        "000003": (
            "Duplicate: exactly the same motion as in 000001-00000000.h5. Bin one of them, or it counts twice.",
        ),
    }


def ten(**last: object) -> tuple[list[EpisodeInfo], list[Figures]]:
    """Ten episodes of which the last is another one."""
    episodes = [info(k, duration_s=6 + 0.1 * (k % 3)) for k in range(1, 10)] + [info(10, **last)]
    return episodes, [Figures(motion=str(k), path_length=10 + 0.2 * (k % 4)) for k in range(10)]


def test_an_episode_that_is_far_longer_than_the_others_is_an_outlier() -> None:
    assert collection(*ten(duration_s=20.0)) == {
        "000010": (
            "Outlier: its duration of 20.0 s is far from the median of 6.1 s (10 episodes of this task). "
            "See whether it shows the task.",
        )
    }
    assert collection(*ten()) == {}


def test_few_episodes_or_another_task_make_no_outlier() -> None:
    episodes, figures = ten(duration_s=20.0)
    assert collection(episodes[-7:], figures[-7:]) == {}
    assert collection(*ten(duration_s=20.0, task="another")) == {}


def test_a_policy_s_episode_is_odd_among_people_s_and_not_among_its_like() -> None:
    assert collection(*ten(source="policy")) == {
        "000010": ("A policy drove it; the others here are by people (9). Training leaves it out.",)
    }
    episodes, figures = ten()
    assert collection([replace(episode, source="policy") for episode in episodes], figures) == {}


def test_only_the_hints_that_changed_are_named() -> None:
    hints = CollectionHints()
    episodes, figures = ten(duration_s=20.0)
    names = [episode.path.name for episode in episodes]
    assert hints.update(dict(zip(names, episodes, strict=True)), dict(zip(names, figures, strict=True))) == {names[-1]}
    assert hints.update(dict(zip(names, episodes, strict=True)), dict(zip(names, figures, strict=True))) == set()


def test_the_suggestion_to_trim_can_be_dismissed_and_nothing_else() -> None:
    figures = Figures(hints=(("idle", "Idle start."), ("black", "Black.")))
    assert own_hints(figures, ()) == ("Idle start.", "Black.")
    assert own_hints(figures, ("trim",)) == ("Black.",)


def test_the_robust_z_score_is_a_standard_deviation_for_normal_values() -> None:
    values = np.random.default_rng(0).normal(5, 2, 4000)
    z = robust_z(values)
    np.testing.assert_allclose(z, (values - 5) / 2, atol=0.15)
