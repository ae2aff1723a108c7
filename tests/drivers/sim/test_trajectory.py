from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats, integers

from drivers.sim.trajectory import Trajectory

STEP_S = 0.002


def run(trajectory: Trajectory, limit_s: float = 60.0) -> list[tuple[float, float]]:
    """(position, velocity) after each step until it is done."""
    path = []
    while not trajectory.done:
        trajectory.step(STEP_S)
        path.append((trajectory.position, trajectory.velocity))
        assert len(path) * STEP_S < limit_s
    return path


@settings(max_examples=60, deadline=None)
@given(floats(-4000, 4000), integers(10, 300), integers(0, 200))
def test_it_reaches_its_goal_within_its_limits_and_never_passes_it(goal: float, speed: int, acceleration: int) -> None:
    trajectory = Trajectory()
    trajectory.aim(goal, speed, acceleration, time_based=False)
    path = run(trajectory, limit_s=300.0)
    assert trajectory.position == goal
    most = speed * 0.229 / 60 * 4096
    assert all(abs(velocity) <= most * 1.0001 for _, velocity in path)
    assert all(abs(position) <= abs(goal) + 1 for position, _ in path)
    if acceleration:
        change = acceleration * 214.577 / 3600 * 4096 * STEP_S
        velocities = [velocity for _, velocity in path[:-1]]
        assert all(abs(after - before) <= change * 1.0001 for before, after in pairwise(velocities))


def test_a_profile_by_velocity_takes_distance_over_speed() -> None:
    trajectory = Trajectory()
    trajectory.aim(1024, 100, 0, time_based=False)  # 22.9 rev/min: a quarter turn in .655 s
    assert len(run(trajectory)) * STEP_S == pytest.approx(0.655, abs=0.01)
    assert trajectory.kind == 1


@pytest.mark.parametrize("ramp_ms", [0, 100, 900])
def test_a_profile_by_time_takes_that_time(ramp_ms: int) -> None:
    trajectory = Trajectory()
    trajectory.aim(1000, 500, ramp_ms, time_based=True)
    assert len(run(trajectory)) * STEP_S == pytest.approx(0.5, abs=0.02)


def test_a_new_goal_on_the_way_keeps_the_speed() -> None:
    trajectory = Trajectory()
    trajectory.aim(3000, 100, 50, time_based=False)
    for _ in range(200):
        trajectory.step(STEP_S)
    before = trajectory.velocity
    trajectory.aim(4000, 100, 50, time_based=False)
    trajectory.step(STEP_S)
    assert trajectory.velocity >= before > 0
    run(trajectory)
    assert trajectory.position == 4000


def test_a_cruise_ramps_up_and_goes_on() -> None:
    trajectory = Trajectory()
    trajectory.cruise(-100, 50)
    path = run(trajectory)
    assert len(path) * STEP_S == pytest.approx(64 * 100 / 50 / 1000, abs=0.01)  # t1 = 64 V / A ms, as in the e-manual
    assert trajectory.velocity == pytest.approx(-100 * 0.229 / 60 * 4096)
