from math import pi

import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from drivers.clock import ManualClock
from drivers.sim.joint_shaft import JointShaft

SPEED = 6.0
GAIN = 4.6


def shaft(clock: ManualClock, motors: int = 1) -> JointShaft:
    return JointShaft(clock, SPEED, -10.0, 10.0, motors=motors)


def stepped(position: float, seconds: float, goal: float, limit: float, load: float) -> float:
    """The same differential equation in small steps."""
    steps = 4000
    for _ in range(steps):
        duty = min(max(GAIN * (goal - position), -limit), limit)
        position += SPEED * (duty - load) * seconds / steps
    return min(max(position, -10.0), 10.0)


@settings(max_examples=200, deadline=None)
@given(floats(-3, 3), floats(0.001, 1.0), floats(-3, 3), floats(0.05, 1.0), floats(-0.6, 0.6))
def test_the_closed_form_is_the_differential_equation(
    start: float, seconds: float, goal: float, limit: float, load: float
) -> None:
    clock = ManualClock()
    joint = shaft(clock)
    joint.put(start)
    joint.load = load
    joint.drive(0, goal, GAIN, limit, on=True)
    clock.advance_ns(round(seconds * 1e9))
    assert joint.position_rad() == pytest.approx(stepped(start, seconds, goal, limit, load), abs=5e-3)


@given(floats(0.001, 0.5), floats(-1, 1), floats(-0.3, 0.3))
def test_it_does_not_matter_how_often_one_looks(seconds: float, goal: float, load: float) -> None:
    ends = []
    for looks in (1, 7):
        clock = ManualClock()
        joint = shaft(clock)
        joint.load = load
        joint.drive(0, goal, GAIN, 0.5, on=True)
        for _ in range(looks):
            clock.advance_ns(round(seconds * 1e9) // 7 * (7 // looks))
            joint.position_rad()
        ends.append(joint.position_rad())
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


def test_effort_is_what_the_load_asks_and_all_of_the_limit_where_it_is_stuck() -> None:
    clock = ManualClock()
    joint = shaft(clock)
    joint.load = 0.3
    joint.drive(0, 0.0, GAIN, 1.0, on=True)
    clock.advance_ns(2_000_000_000)
    assert joint.effort(0) == pytest.approx(0.3)
    assert joint.position_rad() == pytest.approx(-0.3 / GAIN)
    joint.stuck = True
    joint.drive(0, 1.0, GAIN, 0.4, on=True)
    assert joint.effort(0) == pytest.approx(0.4)
    clock.advance_ns(1_000_000_000)
    assert joint.position_rad() == pytest.approx(-0.3 / GAIN)


def test_a_fast_move_is_no_load() -> None:
    clock = ManualClock()
    joint = shaft(clock)
    joint.drive(0, 5.0, GAIN, 1.0, on=True)
    clock.advance_ns(100_000_000)
    assert joint.velocity_rad_s() == pytest.approx(SPEED)
    assert joint.effort(0) == pytest.approx(0.0)


def test_two_motors_share_a_load_and_fight_when_their_goals_differ() -> None:
    clock = ManualClock()
    joint = shaft(clock, motors=2)
    for motor in (0, 1):
        joint.drive(motor, 0.0, GAIN, 1.0, on=True)
    joint.load = 0.3
    clock.advance_ns(2_000_000_000)
    assert [joint.effort(motor) for motor in (0, 1)] == pytest.approx([0.3, 0.3])
    joint.load = 0.0
    joint.drive(1, 0.1, GAIN, 1.0, on=True)
    clock.advance_ns(2_000_000_000)
    assert joint.position_rad() == pytest.approx(0.05)
    assert joint.effort(0) == pytest.approx(-0.05 * GAIN)
    assert joint.effort(1) == pytest.approx(0.05 * GAIN)


def test_end_stops_end_a_fall() -> None:
    clock = ManualClock()
    joint = JointShaft(clock, SPEED, -pi / 2, pi / 2)
    joint.load = 0.5
    clock.advance_ns(10_000_000_000)
    assert joint.position_rad() == -pi / 2
    assert joint.velocity_rad_s() == 0.0
