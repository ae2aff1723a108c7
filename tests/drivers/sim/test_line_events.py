from collections.abc import Callable

import pytest

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import ManualClock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.errors import PortLost, ServoSilent
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.fault_rules import FaultEvent, FaultPlan, FaultRule, read_plan
from drivers.sim.line_events import happen, play

SECOND_NS = 1_000_000_000


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.line = emulated_arm(STUDIO_FOLLOWER, self.clock, wire_time=True)
        self.bus = DynamixelBus(MemoryTransport(self.line, self.clock), self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.advance_ns(round(seconds * 1e9))
        self.line.watch(self.clock.now_ns())


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("event", "is_so"),
    [
        (FaultEvent("overload", ids=(3,)), lambda line: line.servo(3).peek("hardware_error_status") == 32),
        (FaultEvent("overheat", joint="elbow"), lambda line: line.servo(3).peek("hardware_error_status") == 4),
        (FaultEvent("overheat", ids=(3,), value=50.0), lambda line: line.servo(3).peek("present_temperature") == 50),
        (FaultEvent("voltage", value=3.0), lambda line: all(servo.alert for servo in line.servos)),
        (FaultEvent("turns", ids=(3,), value=-1.0), lambda line: line.servo(3).peek("present_position") < 0),
        (FaultEvent("id", ids=(3,), value=4.0), lambda line: [s.servo_id for s in line.servos].count(4) == 2),
        (FaultEvent("baud", ids=(3,), value=57600.0), lambda line: line.servo(3).baud == 57_600),
        (FaultEvent("put", joint="elbow", value=0.1), lambda line: abs(line.hand("elbow").value - 0.1) < 1e-9),
        (FaultEvent("hold", ids=(3,), value=0.1), lambda line: abs(line.hand("elbow").value - 0.1) < 1e-9),
        (FaultEvent("stuck", joint="elbow"), lambda line: line.hand("elbow").shaft.stuck),
        (FaultEvent("pull", joint="elbow", value=0.4), lambda line: line.hand("elbow").value < 0.5),
        (FaultEvent("plug-only", joint="elbow"), lambda line: [s.servo_id for s in line.plugged] == [3]),
    ],
)
def test_an_event_happens_to_its_servos(bench: Bench, event: FaultEvent, is_so: Callable[[EmulatedBus], bool]) -> None:
    assert not is_so(bench.line)
    happen(event, bench.line)
    bench.wait(0.1)
    assert is_so(bench.line)


def test_what_has_happened_can_be_undone(bench: Bench) -> None:
    happen(FaultEvent("dead", ids=(3,)), bench.line)
    with pytest.raises(ServoSilent, match="servo 3"):
        bench.bus.ping(3)
    happen(FaultEvent("alive", ids=(3,)), bench.line)
    bench.bus.ping(3)
    happen(FaultEvent("unplug"), bench.line)
    with pytest.raises(PortLost, match="was lost"):
        bench.bus.ping(3)
    happen(FaultEvent("replug"), bench.line)
    bench.bus.ping(3)
    happen(FaultEvent("plug-only", joint="elbow"), bench.line)
    happen(FaultEvent("plug-only"), bench.line)
    bench.bus.ping(1)
    happen(FaultEvent("stuck", joint="elbow"), bench.line)
    happen(FaultEvent("free", joint="elbow"), bench.line)
    assert not bench.line.hand("elbow").shaft.stuck


def test_a_brown_out_takes_the_torque_and_deafens_for_a_moment(bench: Bench) -> None:
    table = bench.line.servo(3).table
    bench.bus.write(3, table.register("torque_enable"), 1)
    happen(FaultEvent("brown-out", ids=(3,)), bench.line)
    with pytest.raises(ServoSilent, match="servo 3"):
        bench.bus.ping(3)
    bench.wait(0.2)
    assert bench.bus.read(3, table.register("torque_enable")) == 0


def test_a_plan_plays_on_the_ports_it_names() -> None:
    clock = ManualClock()
    lines = {
        "leader": emulated_arm(STUDIO_LEADER, clock, wire_time=True),
        "follower": emulated_arm(STUDIO_FOLLOWER, clock, wire_time=True),
    }
    buses = {port: DynamixelBus(MemoryTransport(line, clock), clock) for port, line in lines.items()}
    play(
        read_plan('[[event]]\nat_s = 2.0\nkind = "dead"\nport = "follower"\nids = [5]'),
        lines,
        clock,
    )
    for port, bus in buses.items():
        assert bus.ping(5).firmware, port
    clock.advance_ns(2 * SECOND_NS)
    buses["leader"].ping(5)
    with pytest.raises(ServoSilent, match="servo 5"):
        buses["follower"].ping(5)


def test_what_one_port_carries_changes_no_fault_of_the_other() -> None:
    counts = []
    for pings in (0, 50):
        clock = ManualClock()
        lines = {"leader": emulated_arm(STUDIO_LEADER, clock), "follower": emulated_arm(STUDIO_FOLLOWER, clock)}
        play(FaultPlan((FaultRule("duplicate", probability=0.3),), seed=3), lines, clock)
        buses = {port: DynamixelBus(MemoryTransport(line, clock), clock) for port, line in lines.items()}
        for _ in range(pings):
            buses["leader"].ping(1)
        for _ in range(100):
            buses["follower"].ping(1)
        rules = lines["follower"].faults.rules
        assert rules is not None
        counts.append(rules.struck)
    assert counts[0] == counts[1] > 0


def test_a_swap_pulls_both_cables_and_plugs_them_in_crosswise() -> None:
    clock = ManualClock()
    lines = {"leader": emulated_arm(STUDIO_LEADER, clock), "follower": emulated_arm(STUDIO_FOLLOWER, clock)}
    swapped: list[bool] = []
    play(FaultPlan(events=(FaultEvent("swap", 1.0),)), lines, clock, lambda: swapped.append(True))
    for after_s, unplugged in ((0.5, False), (1.1, True), (1.6, False)):
        clock.sleep_until_ns(SECOND_NS + round(after_s * 1e9))
        for line in lines.values():
            line.watch(clock.now_ns())
        assert [line.faults.unplugged for line in lines.values()] == [unplugged] * 2
        assert bool(swapped) == (after_s > 1.5)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (FaultEvent("overload", ids=(40,)), "event 'overload': no servo 40 on this line; there are"),
        (FaultEvent("stuck"), "event 'stuck' needs a joint; there are waist, shoulder"),
    ],
)
def test_an_event_that_concerns_nobody_is_refused(bench: Bench, event: FaultEvent, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        happen(event, bench.line)
