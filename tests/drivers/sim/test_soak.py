"""Whatever goes wrong on a line, by chance and by plan: a sample that calls itself fresh is what the joint was doing.

The emulator knows where each joint was at every instant, so a sample can be checked against its own time window.
"""

from math import inf
from random import Random

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.errors import DriverError
from drivers.samples import JointState
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.fault_rules import INSTRUCTIONS, RULE_KINDS, FaultEvent, FaultPlan, FaultRule
from drivers.sim.line_events import play
from drivers.sim.usb_model import USB

TICK_NS = 10_000_000
TICKS = 250
RAD_S = 0.5  # three servo ticks a control tick: one tick late is one tick wrong
ROUNDING = 1.6e-3
MODEL = ARMS["koch-follower"]
JOINTS = len(MODEL.joints)


def random_plan(seed: int) -> FaultPlan:
    """A storm: some rules that strike often for a while, some servos that vanish, restart or get hot."""
    random = Random(seed)
    ids = range(1, JOINTS + 1)

    def some() -> tuple[int, ...]:
        return tuple(random.sample(ids, random.randint(1, 3))) if random.random() < 0.7 else ()

    def rule() -> FaultRule:
        start_s = random.uniform(0.0, 2.0)
        return FaultRule(
            random.choice(RULE_KINDS),
            ids=some(),
            instruction=random.choice(["", *INSTRUCTIONS]) if random.random() < 0.3 else "",
            probability=random.choice([0.003, 0.03, 0.2]),
            count=random.choice([None, 3, 30]),
            from_s=start_s,
            until_s=random.choice([inf, start_s + 0.3]),
            delay_ms=random.uniform(0.5, 80.0),
            noise=random.choice(
                [b"\xff\xff\xfd", b"\x00\xff", b"\xff\xff\xfd\x00\xfe\x63\x00\x55", random.randbytes(5)]
            ),
        )

    events = []
    for _ in range(random.randint(0, 3)):
        at_s, victims = random.uniform(0.2, 2.0), some()
        kind = random.choice(["dead", "brown-out", "overload", "unplug"])
        events.append(FaultEvent(kind, at_s, ids=victims))
        events.append(
            FaultEvent("replug" if kind == "unplug" else "alive", at_s + random.uniform(0.01, 0.3), ids=victims)
        )
    return FaultPlan(tuple(rule() for _ in range(random.randint(1, 5))), tuple(events), seed)


class Watched:
    """An arm whose joints a hand moves steadily, with every fault of a plan on its line."""

    def __init__(self, seed: int, usb: str) -> None:
        self.clock = ManualClock()
        self.line = emulated_arm(MODEL, self.clock, wire_time=True, usb=USB[usb])
        self.bus = DynamixelBus(MemoryTransport(self.line, self.clock, "soak"), self.clock)
        self.arm = DynamixelArm(MODEL, self.bus, self.clock)
        self.arm.connect()
        self.start_ns = self.clock.now_ns()
        self.clock.on_advance(self._move)
        play(random_plan(seed), {"follower": self.line}, self.clock)
        self.fresh = self.failures = 0

    def truth(self, now_ns: int) -> float:
        return -1.2 + RAD_S * (now_ns - self.start_ns) * 1e-9

    def tick(self) -> None:
        self.clock.advance_ns(TICK_NS)
        before_ns = self.clock.now_ns()
        try:
            state = self.arm.read()
        except DriverError:
            self.failures += 1
            return
        self.fresh += self.check(state, before_ns, self.clock.now_ns())

    def check(self, state: JointState, before_ns: int, after_ns: int) -> int:
        """How many joints are fresh; all those must have been read between the two moments."""
        hinges = slice(0, JOINTS - 1)  # the gripper counts in units of its own
        fresh = state.age_ns[hinges] == 0
        position = state.position[hinges][fresh]
        assert np.all(position >= self.truth(before_ns) - ROUNDING), "older than the exchange that brought it"
        assert np.all(position <= self.truth(after_ns) + ROUNDING)
        return int(fresh.sum())

    def _move(self, now_ns: int) -> None:
        for joint in MODEL.joints[:-1]:
            self.line.hand(joint.name).put(self.truth(now_ns))


@pytest.mark.parametrize("usb", ["none", "cdc", "ftdi1"])
@pytest.mark.parametrize("seed", range(8))
def test_no_sample_is_ever_stale(seed: int, usb: str) -> None:
    watched = Watched(seed, usb)
    for _ in range(TICKS):
        watched.tick()
    rules = watched.line.faults.rules
    assert rules is not None
    assert rules.struck + watched.failures > 0
    assert watched.fresh > 0.3 * TICKS * (JOINTS - 1)


def test_the_same_seed_brings_the_same_storm() -> None:
    counts = []
    for _ in range(2):
        watched = Watched(3, "none")
        for _ in range(60):
            watched.tick()
        rules = watched.line.faults.rules
        assert rules is not None
        counts.append((rules.struck, watched.failures, watched.fresh, watched.bus.statistics.retries))
    assert counts[0] == counts[1]


def test_the_check_finds_a_sample_that_is_one_tick_old() -> None:
    watched = Watched(0, "none")
    watched.line.faults.rules = None
    watched.clock.advance_ns(TICK_NS)
    old = watched.arm.read()
    watched.clock.advance_ns(TICK_NS)
    now_ns = watched.clock.now_ns()
    with pytest.raises(AssertionError, match="older than the exchange"):
        watched.check(old, now_ns, now_ns)
