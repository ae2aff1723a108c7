from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.arms.model import CURRENT_BASED_POSITION_MODE
from drivers.errors import DriverError, PortLost, ServoAlert, ServoRefused, ServoSilent, WrongServo
from drivers.samples import JointState
from drivers.sim.faults import FaultScript
from drivers.sim.plant import FreeShaft
from tests.drivers.conftest import Bench, MakeBench

HOME = np.array(STUDIO_FOLLOWER.home)
HALF_TICK = 2 * np.pi / 4096 / 2 + 1e-9
TICK_NS = 10_000_000
OVERLOAD = 5


def tick(bench: Bench) -> JointState:
    bench.clock.advance_ns(TICK_NS)
    return bench.arm.read()


def restart(bench: Bench, joint: str) -> str:
    """Reboot a joint as a control loop does: one step a tick, the others driven all the while."""
    bench.arm.begin_reboot(joint)
    for _ in range(300):
        tick(bench)
        if (result := bench.arm.reboot_step()) is not None:
            return result
    raise AssertionError("the restart never ended")


def test_connect_sets_up_every_servo_and_leaves_torque_off(bench: Bench) -> None:
    assert bench.torque() == [False] * 7
    elbow, gripper = bench.line.servo(3), bench.line.servo(7)
    expected = {
        "return_delay_time": 0,
        "operating_mode": 3,
        "position_p_gain": 1500,
        "position_i_gain": 0,
        "position_d_gain": 1000,
        "min_position_limit": 1004,
        "max_position_limit": 3124,
    }
    assert {name: elbow.peek(name) for name in expected} == expected
    assert gripper.peek("operating_mode") == CURRENT_BASED_POSITION_MODE
    assert gripper.peek("current_limit") == 600


def test_a_second_connect_writes_no_eeprom_and_lets_a_holding_arm_hold(bench: Bench) -> None:
    bench.arm.torque_on()
    # EEPROM is locked now: any write to it would be refused.
    bench.arm.connect()
    assert bench.torque() == [True] * 7


def test_a_servo_whose_eeprom_is_wrong_goes_limp_to_be_set_up(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.arm.torque_on()
    bench.line.servo(3).poke("max_position_limit", 4095)
    bench.arm.connect()
    assert bench.torque() == [True, True, False, True, True, True, True]
    assert "servo 3 (elbow) was holding; torque off to change max_position_limit" in caplog.text


def test_connect_names_all_missing_servos_at_once(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.line.faults.silence(3)
    bench.line.faults.silence(6)
    missing = (
        r"servo 3 \(elbow\), servo 6 \(wrist_roll\) on bench did not answer.*did answer: servo 1 \(waist\), servo 2"
    )
    with pytest.raises(ServoSilent, match=missing):
        bench.arm.connect()


def test_connect_refuses_the_wrong_arm(make_bench: MakeBench) -> None:
    bench = make_bench(STUDIO_LEADER)
    bench.line.servo(1).poke("model_number", 1060)
    with pytest.raises(WrongServo, match=r"servo 1 \(waist\) on bench has model number 1060, studio-leader needs 1190"):
        bench.arm.connect()


def test_connect_wakes_a_servo_that_confirms_nothing(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.line.servo(2).poke("status_return_level", 0)
    bench.arm.connect()
    assert bench.line.servo(2).peek("status_return_level") == 2


def test_old_firmware_is_read_plainly_from_the_start(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.line.servo(5).poke("firmware_version", 45)
    bench.arm.connect()
    assert not bench.arm.statistics.fast_read
    assert bench.arm.statistics.retries == 0


def test_a_reading_is_in_joint_units_and_stamped_in_the_middle(bench: Bench) -> None:
    before_ns = bench.clock.now_ns()
    state = bench.arm.read()
    assert np.abs(state.position - HOME).max() < HALF_TICK
    assert state.effort_unit == ("0.1%",) * 3 + ("mA",) * 4
    assert not state.age_ns.any()
    assert not state.alert.any()
    assert state.stamp_ns == (before_ns + bench.clock.now_ns()) // 2 > before_ns


def test_a_command_moves_the_arm_and_the_same_trip_reads_it(bench: Bench) -> None:
    bench.arm.torque_on()
    goal = HOME + 0.05
    state = bench.arm.command_and_read(goal)
    assert np.abs(state.position - goal).max() < HALF_TICK
    bench.arm.command(HOME)
    assert np.abs(bench.arm.read().position - HOME).max() < HALF_TICK


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 2.5])
def test_a_goal_beyond_the_limits_is_not_sent(bench: Bench, wrong: float) -> None:
    bench.arm.torque_on()
    goal = HOME.copy()
    goal[0] = wrong
    with pytest.raises(ValueError, match="of studio-follower leave the joint limits"):
        bench.arm.command_and_read(goal)
    assert bench.line.servo(1).peek("goal_position") == 2048


def test_torque_on_holds_the_arm_where_it_stands_whatever_the_old_goal(bench: Bench) -> None:
    for servo in bench.line.servos:
        servo.poke("goal_position", 2300)
    bench.arm.torque_on()
    assert bench.torque() == [True] * 7
    assert np.abs(bench.arm.read().position - HOME).max() < HALF_TICK


def test_torque_on_refuses_a_joint_far_beyond_its_limits(bench: Bench) -> None:
    pose = HOME.copy()
    pose[2] = -1.9
    bench.put(pose)
    with pytest.raises(
        DriverError, match=r"elbow of studio-follower stands at -1\.90, outside its limits -1\.6 \.\. 1\.65"
    ):
        bench.arm.torque_on()
    assert bench.torque() == [False] * 7


def test_torque_on_brings_a_joint_that_sagged_a_little_back_to_its_limit(bench: Bench) -> None:
    pose = HOME.copy()
    pose[2] = -1.62
    bench.put(pose)
    bench.arm.torque_on()
    assert bench.arm.read().position[2] == pytest.approx(-1.6, abs=1e-3)


def test_torque_on_has_patience_with_a_line_that_is_slow_for_a_moment(bench: Bench) -> None:
    for _ in range(50):
        bench.arm.read()  # the line has been quick: it is waited for no longer than 3 ms
    bench.line.faults.delay_replies(1, 40.0, count=2)  # a computer that had no time, in a reading and its second try
    bench.arm.torque_on()
    assert all(bench.torque())


def test_torque_on_needs_every_joint(bench: Bench) -> None:
    bench.line.faults.silence(5)
    with pytest.raises(ServoSilent, match=r"servo 5 \(wrist_yaw\)"):
        bench.arm.torque_on()
    assert bench.torque() == [False] * 7


def test_torque_off_reaches_all_others_and_names_the_dead_one(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.faults.silence(2)
    assert bench.arm.torque_off() == ["shoulder"]
    assert bench.torque() == [False, True, False, False, False, False, False]


def test_a_dead_servo_does_not_keep_the_others_powered_for_long(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.faults.silence(1)
    limp_ns: list[int] = []
    start_ns = bench.clock.now_ns()
    bench.clock.on_advance(lambda now_ns: not any(bench.torque()[1:]) and limp_ns.append(now_ns))
    assert bench.arm.torque_off() == ["waist"]
    assert bench.torque() == [True] + [False] * 6
    assert limp_ns[0] - start_ns < 50_000_000
    assert bench.clock.now_ns() - start_ns < 100_000_000


def test_torque_off_under_an_overload_alert_is_a_success(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.servo(3).fail(OVERLOAD)
    assert bench.arm.torque_off() == []
    assert bench.torque() == [False] * 7


def test_torque_off_on_an_unplugged_line_names_every_joint_and_does_not_raise(bench: Bench) -> None:
    bench.line.faults.unplug()
    assert bench.arm.torque_off() == list(STUDIO_FOLLOWER.names)
    with pytest.raises(PortLost, match="The connection to bench was lost"):
        bench.arm.read()


def test_torque_off_goes_on_when_the_line_is_lost_half_way(bench: Bench) -> None:
    bench.arm.torque_on()
    # The line goes while they confirm; all have heard the first order already.
    told: list[int] = []

    def unplug(_: int) -> None:
        told.append(1)
        if len(told) == 3:
            bench.line.faults.unplug()

    bench.clock.on_advance(unplug)
    missed = bench.arm.torque_off()
    assert missed
    assert missed == list(STUDIO_FOLLOWER.names)[len(STUDIO_FOLLOWER.names) - len(missed) :]
    assert bench.torque() == [False] * 7


def test_torque_off_survives_every_fault_of_the_line_at_once(bench: Bench) -> None:
    bench.arm.torque_on()
    faults = bench.line.faults
    faults.silence(1)
    bench.line.servo(2).fail(OVERLOAD)
    faults.corrupt_replies(3, 4)
    faults.mishear(4)
    faults.cut_replies(5)
    faults.delay_replies(6, 30.0)
    faults.mislabel_replies(7)
    before_ns = bench.clock.now_ns()
    assert bench.arm.torque_off() == ["waist", "elbow"], "the elbow's confirmations were never whole"
    assert bench.torque() == [True] + [False] * 6
    assert bench.clock.now_ns() - before_ns < 250_000_000


def test_hold_moves_the_goals_to_where_the_joints_are(bench: Bench) -> None:
    bench.arm.torque_on()
    for servo in bench.line.servos:
        servo.poke("goal_position", 2300)  # poked, so the shaft has not followed
    bench.arm.hold()
    goals = np.array([servo.peek("goal_position") for servo in bench.line.servos])
    np.testing.assert_array_equal(goals, bench.arm.calibration.to_ticks(HOME))


def test_hold_tells_the_joints_that_listen_even_when_one_is_lost(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.faults.silence(3)
    for _ in range(2):
        tick(bench)
    for servo in bench.line.servos:
        servo.poke("goal_position", 2300)
    with pytest.raises(ServoSilent, match=r"servo 3 \(elbow\)"):
        bench.arm.hold()
    goals = np.array([servo.peek("goal_position") for servo in bench.line.servos])
    expected = bench.arm.calibration.to_ticks(HOME)
    expected[2] = 2300
    np.testing.assert_array_equal(goals, expected)


def test_a_servo_that_refuses_torque_is_reported_and_the_others_hold(bench: Bench) -> None:
    # The overload comes after the last look at the alert bits, when the first goal is written.
    bench.line.servo(1).plant = _Tripwire(lambda: bench.line.servo(5).fail(OVERLOAD))
    with pytest.raises(ServoRefused, match=r"servo 5 \(wrist_yaw\) on bench refused 1 for torque_enable"):
        bench.arm.torque_on()
    assert bench.torque() == [True, True, True, True, False, True, True]


def test_the_effort_limit_reaches_pwm_and_current(bench: Bench) -> None:
    bench.arm.torque_on()
    assert [servo.peek("goal_pwm") for servo in bench.line.servos] == [885] * 7
    assert bench.line.servo(7).peek("goal_current") == 600
    bench.arm.set_effort_limit(0.5)
    assert [servo.peek("goal_pwm") for servo in bench.line.servos] == [442] * 7
    assert bench.line.servo(7).peek("goal_current") == 300
    with pytest.raises(ValueError, match=r"effort limit 1\.1 is no share"):
        bench.arm.set_effort_limit(1.1)


def test_torque_on_restores_the_full_effort(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.arm.set_effort_limit(0.0)
    bench.arm.torque_on()
    assert bench.line.servo(7).peek("goal_current") == 600
    assert bench.line.servo(1).peek("goal_pwm") == 885


def test_a_missing_servo_keeps_its_last_value_with_its_age_until_the_third_miss(bench: Bench) -> None:
    first = tick(bench)
    bench.line.faults.silence(3)
    bench.put(HOME + 0.05)
    for _ in range(2):
        state = tick(bench)
        assert np.flatnonzero(state.age_ns).tolist() == [2]
        assert state.age_ns[2] == state.stamp_ns - first.stamp_ns
        assert state.position[2] == first.position[2]
        assert state.position[0] == pytest.approx(HOME[0] + 0.05, abs=HALF_TICK)
    with pytest.raises(ServoSilent, match=r"servo 3 \(elbow\) on bench did not answer.*did answer: servo 1 \(waist\)"):
        tick(bench)


def test_a_missing_servo_hides_no_alert_of_another(bench: Bench) -> None:
    bench.line.faults.silence(3)
    bench.line.servo(7).fail(OVERLOAD)
    assert np.flatnonzero(tick(bench).alert).tolist() == [6]


def test_a_servo_that_comes_back_is_fresh_again(bench: Bench) -> None:
    bench.line.faults.silence(3)
    for _ in range(2):
        tick(bench)
    bench.line.faults.revive(3)
    assert not tick(bench).age_ns.any()
    bench.line.faults.silence(3)
    assert tick(bench).age_ns[2] > 0


def test_one_dropped_reply_costs_nothing_but_time(bench: Bench) -> None:
    bench.line.faults.drop_replies(3)
    assert not tick(bench).age_ns.any()
    assert bench.arm.statistics.retries == 1


def test_a_reply_dropped_twice_is_reported_by_its_age(bench: Bench) -> None:
    bench.line.faults.drop_replies(3, 2)
    assert np.flatnonzero(tick(bench).age_ns).tolist() == [2]
    assert not tick(bench).age_ns.any()


def test_an_arm_without_power_is_reported_as_a_whole(bench: Bench) -> None:
    for joint in STUDIO_FOLLOWER.joints:
        bench.line.faults.silence(joint.servo_id)
    # A computer that stumbles for a moment looks the same, so all joints get the same three tries.
    for _ in range(2):
        assert tick(bench).age_ns.all()
    with pytest.raises(ServoSilent, match=r"servo 1 \(waist\), servo 2.*did answer: none. Check the power of the arm"):
        tick(bench)


def test_an_overload_shows_as_alert_and_says_what_it_is(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.servo(7).fail(OVERLOAD)
    assert np.flatnonzero(tick(bench).alert).tolist() == [6]
    assert bench.arm.alerts() == {"gripper": "overload"}
    with pytest.raises(
        ServoAlert, match=r"gripper \(overload\) of studio-follower protects itself.*then reboot the servo"
    ):
        bench.arm.torque_on()


def test_a_rebooted_joint_is_set_up_again_and_can_be_powered(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.servo(7).fail(OVERLOAD)
    assert restart(bench, "gripper") == ""
    assert bench.line.servo(7).peek("position_p_gain") == 800
    assert bench.torque() == [True] * 7


def test_a_servo_that_restarted_under_power_is_noticed_until_torque_goes_on_again(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.faults.silence(3)
    tick(bench)
    bench.line.servo(3).reboot()
    bench.line.faults.revive(3)
    for _ in range(2):
        with pytest.raises(ServoAlert, match="elbow restarted and lost its torque"):
            tick(bench)
    bench.arm.torque_on()
    assert bench.torque() == [True] * 7
    assert bench.line.servo(3).peek("position_p_gain") == 1500
    tick(bench)


def test_a_short_gap_without_restart_is_no_alert(bench: Bench) -> None:
    bench.arm.torque_on()
    bench.line.faults.silence(3)
    tick(bench)
    bench.line.faults.revive(3)
    assert not tick(bench).age_ns.any()


def test_a_reversed_joint_is_commanded_and_read_in_its_own_direction(make_bench: MakeBench) -> None:
    joints = (replace(STUDIO_FOLLOWER.joints[0], sign=-1), *STUDIO_FOLLOWER.joints[1:])
    bench = make_bench(replace(STUDIO_FOLLOWER, joints=joints))
    bench.arm.connect()
    bench.arm.torque_on()
    goal = HOME.copy()
    goal[0] = 0.5
    assert bench.arm.command_and_read(goal).position[0] == pytest.approx(0.5, abs=HALF_TICK)
    assert bench.shafts[0].position_rad() == pytest.approx(-0.5, abs=HALF_TICK)


def test_a_refused_set_up_says_which_setting(make_bench: MakeBench) -> None:
    joints = (replace(STUDIO_FOLLOWER.joints[0], p_gain=20000), *STUDIO_FOLLOWER.joints[1:])
    bench = make_bench(replace(STUDIO_FOLLOWER, joints=joints))
    with pytest.raises(ServoRefused, match=r"servo 1 \(waist\) on bench refused 20000 for position_p_gain"):
        bench.arm.connect()


def test_faults_are_used_up(bench: Bench) -> None:
    script: FaultScript = bench.line.faults
    script.drop_replies(3, 1)
    tick(bench)
    assert script.next_for(3) is None


class _Tripwire(FreeShaft):
    """A shaft whose next drive sets something off."""

    def __init__(self, trip: Callable[[], None]) -> None:
        super().__init__()
        self._trip = trip

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        self._trip()
        super().drive(goal_rad, torque_on, p_gain, d_gain, effort_limit)
