"""A plan in time waits while the arm is brought to its first goal: it neither runs away nor is cut short."""

from dataclasses import replace

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER as ARM
from drivers.clock import ManualClock
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_player import STALE_S, ChunkPlayer
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from tests.control.arms import HOME, MemoryFollower, MemoryLeader

DT_S, H = 1 / 15, 16


def plan(first_gap: float, speed: float) -> ActionChunk:
    """The waist starts `first_gap` (rad) beside home and moves on with `speed` (rad/s)."""
    actions = np.tile(HOME, (H, 1))
    actions[:, 0] += first_gap + speed * DT_S * np.arange(H)
    return ActionChunk(0, DT_S, actions)


class Bench:
    def __init__(self, chunk: ActionChunk) -> None:
        self.clock = ManualClock()
        self.player = ChunkPlayer()
        now_ns = self.clock.now_ns()
        self.player.wants_chunk(now_ns)
        self.player.accept(replace(chunk, start_ns=now_ns), now_ns)
        self.follower = MemoryFollower(self.clock)
        self.loop = ControlLoop(MemoryLeader(self.clock), self.follower, SafetyGate(ARM), self.clock, 100.0)
        self.loop.engage(self.player)

    def run(self, seconds: float) -> list[Tick]:
        ticks = [self.loop.tick(self.loop.wait()) for _ in range(round(seconds * 100))]
        return [tick for tick in ticks if tick is not None]


def test_a_fast_plan_that_begins_beside_the_arm_is_followed_from_its_first_goal() -> None:
    chunk = plan(first_gap=0.12, speed=1.5)
    bench = Bench(chunk)
    ticks = bench.run(1.0)
    aligned = next(k for k, tick in enumerate(ticks) if not tick.aligning)
    assert 5 < aligned < 19
    # On the way the plan stands at its first goal ...
    np.testing.assert_allclose([tick.requested[0] for tick in ticks[:aligned]], HOME[0] + 0.12)
    # ... and then every goal of it is asked for, at its own pace and close behind by the arm.
    later = ticks[aligned + 1 : aligned + 80]
    asked = np.array([tick.requested[0] for tick in later]) - HOME[0]
    np.testing.assert_allclose(np.diff(asked), 1.5 * 0.01, atol=1e-6)
    assert max(abs(tick.requested[0] - tick.action[0]) for tick in later[20:]) < 0.05
    assert bench.player.starved_ticks == 0


def test_a_plan_that_the_arm_can_not_reach_is_given_up_and_the_next_one_asked_for() -> None:
    actions = np.tile(HOME, (H, 1))
    actions[:, 0] = ARM.upper[0] + 3.0
    bench = Bench(ActionChunk(0, DT_S, actions))
    bench.loop._gate._soft_speed[:] = 1e-4  # as an arm that is held back
    bench.run(STALE_S + 0.2)
    assert bench.player.chunk is None
    assert bench.player.wants_chunk(bench.clock.now_ns())


@pytest.mark.parametrize("first_gap", [0.0, 0.03])
def test_a_plan_that_begins_at_the_arm_is_not_held_up(first_gap: float) -> None:
    bench = Bench(plan(first_gap, speed=0.5))
    start_ns = bench.clock.now_ns()
    ticks = bench.run(0.5)
    assert not ticks[0].aligning
    assert bench.player.chunk is not None
    assert bench.player.chunk.start_ns == start_ns
