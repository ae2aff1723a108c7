"""Temporal ensembling: every step a chunk, the oldest weighs most, and late ones still enter where they are due."""

import numpy as np
import pytest

from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_player import STALE_S, ChunkPlayer
from teleop_studio.control.ensembling import DECAY, mean_goal
from tests.control.arms import HOME, D, reading

H, DT_NS = 16, 50_000_000
AT_HOME = reading(HOME, 0)


def level(goal: float, start_ns: int = 0, horizon: int = H) -> ActionChunk:
    """All its goals are the same."""
    return ActionChunk(start_ns, DT_NS * 1e-9, np.full((horizon, D), goal))


def ramp(start_ns: int = 0, offset: float = 0.0) -> ActionChunk:
    """Goal k is k + offset."""
    return ActionChunk(start_ns, DT_NS * 1e-9, (np.arange(H)[:, None] + offset) * np.ones(D))


def goal(player: ChunkPlayer, now_ns: int) -> float:
    action = player.action(now_ns, AT_HOME, AT_HOME)
    assert action is not None
    return float(action[0])


def fed(player: ChunkPlayer, *chunks: ActionChunk) -> ChunkPlayer:
    for chunk in chunks:
        player.accept(chunk, chunk.start_ns)
    return player


def test_weights_fall_with_the_age_counted_from_the_oldest() -> None:
    chunks = [level(3.0), level(5.0, DT_NS), level(10.0, 2 * DT_NS)]
    weight = np.exp(-DECAY * np.arange(3))
    expected = float(weight @ [3.0, 5.0, 10.0] / weight.sum())
    np.testing.assert_allclose(mean_goal(chunks, 2 * DT_NS), expected)
    assert expected < 6.0  # the plain mean


def test_it_is_lerobots_and_acts_online_average() -> None:
    """Their way to the same numbers: a running mean for each moment, updated by each new chunk."""
    drawn = np.random.default_rng(0).normal(size=(10, H))
    chunks = [ActionChunk(k * DT_NS, DT_NS * 1e-9, goals[:, None] * np.ones(D)) for k, goals in enumerate(drawn)]
    weight = np.exp(-DECAY * np.arange(H))
    now = 9
    running = 0.0
    for k in range(10):
        running = (running * weight[:k].sum() + drawn[k, now - k] * weight[k]) / weight[: k + 1].sum()
    np.testing.assert_allclose(mean_goal(chunks, now * DT_NS), running)


def test_off_by_default_the_newest_chunk_alone_counts() -> None:
    assert goal(fed(ChunkPlayer(), level(1.0), level(3.0, DT_NS)), DT_NS) == 3.0


def test_every_step_a_chunk_is_asked_for() -> None:
    player = ChunkPlayer(executed_steps=8, ensembling=True)
    assert player.wants_chunk(0)
    player.accept(level(0.0), 0)
    assert not player.wants_chunk(DT_NS - 1)
    assert player.wants_chunk(DT_NS)
    assert not player.wants_chunk(3 * DT_NS)  # asked once, whatever the time


def test_chunks_that_agree_are_played_as_one_even_when_they_come_late() -> None:
    player = fed(ChunkPlayer(ensembling=True), ramp())
    player.accept(ramp(2 * DT_NS, offset=2.0), 4 * DT_NS)  # two steps late: enters at its third goal
    for step in (4, 5.5, 9):
        assert goal(player, round(step * DT_NS)) == pytest.approx(step)


def test_a_chunk_that_is_over_no_longer_counts() -> None:
    player = fed(ChunkPlayer(ensembling=True), level(0.0, horizon=3), level(1.0, DT_NS))
    assert goal(player, DT_NS) < 0.6
    assert goal(player, 2 * DT_NS + 1) == 1.0


def test_past_the_last_goal_it_starves_as_ever() -> None:
    player = fed(ChunkPlayer(ensembling=True), level(0.0), level(1.0, DT_NS))
    end_ns = H * DT_NS
    assert goal(player, end_ns + 1) == 1.0
    assert player.starved_ticks == 1
    assert player.action(end_ns + 1_100_000_000, AT_HOME, AT_HOME) is None


def test_after_a_hold_nothing_old_is_averaged_in() -> None:
    player = fed(ChunkPlayer(ensembling=True), level(0.0), level(1.0, DT_NS))
    later_ns = 100 * DT_NS
    player.accept(level(7.0, later_ns - DT_NS), later_ns)
    assert goal(player, later_ns) == 7.0


def test_switched_on_while_it_drives_the_goal_does_not_jump() -> None:
    player = fed(ChunkPlayer(), ramp())
    before = goal(player, 3 * DT_NS)
    player.ensembling = True
    assert goal(player, 3 * DT_NS) == before
    assert player.wants_chunk(3 * DT_NS)


def test_switched_off_the_mean_stays_until_the_next_chunk_replaces_it() -> None:
    player = fed(ChunkPlayer(ensembling=True), level(0.0), level(1.0, DT_NS))
    mean = goal(player, DT_NS)
    player.ensembling = False
    assert goal(player, DT_NS) == mean
    player.accept(level(4.0, 2 * DT_NS), 2 * DT_NS)
    assert goal(player, 2 * DT_NS) == 4.0


def test_while_the_arm_gets_there_softly_all_plans_wait() -> None:
    player = fed(ChunkPlayer(ensembling=True), ramp(), ramp(DT_NS, offset=1.0))
    player.postpone(DT_NS)
    assert goal(player, 4 * DT_NS) == pytest.approx(3.0)
    player.postpone(round(STALE_S * 1e9))
    assert player.action(4 * DT_NS, AT_HOME, AT_HOME) is None
    player.accept(level(9.0, 5 * DT_NS), 5 * DT_NS)
    assert goal(player, 5 * DT_NS) == 9.0


def test_two_sides_average_to_the_middle_which_is_why_it_is_off() -> None:
    player = fed(ChunkPlayer(ensembling=True), level(-1.0), level(1.0, DT_NS))
    assert abs(goal(player, DT_NS)) < 0.01
