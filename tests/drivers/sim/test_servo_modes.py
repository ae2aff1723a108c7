"""The rules of the e-manual by example: modes, profiles, directions, turns, resets."""

from math import pi

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.wire import ERROR_ACCESS, ERROR_LIMIT, ERROR_RANGE, ERROR_RESULT
from drivers.sim.joint_shaft import JointShaft, ShaftMotor
from drivers.sim.servo import EmulatedServo
from drivers.sim.step_clock import StepClock

CURRENT, VELOCITY, POSITION, EXTENDED, CURRENT_POSITION, PWM = 0, 1, 3, 4, 5, 16
REVERSE, TIME_BASED, TORQUE_BY_GOAL = 1, 4, 8
SPEED = 10.66  # rad/s without load


class Rig:
    def __init__(self, model: str = "xl330-m288", protects: bool = False, position_rad: float = 0.0) -> None:
        self.clock = ManualClock()
        time = StepClock(self.clock)
        self.joint = JointShaft(time, SPEED, -100.0, 100.0, position_rad)
        self.servo = EmulatedServo(1, model, ShaftMotor(self.joint), time, protects=protects, steps=time)

    def write(self, **values: int) -> int:
        """The last error."""
        error = 0
        for name, value in values.items():
            register = self.servo.table.register(name)
            error = self.servo.write(register.address, register.encode(value))
        return error

    def read(self, name: str) -> int:
        register = self.servo.table.register(name)
        error, data = self.servo.read(register.address, register.size)
        assert error == 0
        return register.decode(data)

    def wait(self, seconds: float, looks: int = 1) -> None:
        for _ in range(looks):
            self.clock.advance_ns(round(seconds * 1e9) // looks)
            now_ns = self.clock.now_ns()
            self.servo.watch(now_ns, now_ns)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_velocity_control_turns_at_its_goal_whatever_pulls(rig: Rig) -> None:
    rig.write(operating_mode=VELOCITY, torque_enable=1)
    rig.wait(1.0)
    assert rig.read("present_velocity") == 0  # its goal is 0 until it is told
    rig.write(goal_velocity=100)
    rig.joint.load = 0.2
    rig.wait(1.0)
    start = rig.read("present_position")
    rig.wait(2.0)
    assert rig.read("present_velocity") == pytest.approx(100, rel=0.03)
    assert rig.read("present_position") - start == pytest.approx(2 * 100 * 0.229 / 60 * 4096, rel=0.01)
    rig.write(goal_velocity=0)
    rig.wait(1.0)
    assert rig.read("present_velocity") == 0


def test_velocity_control_does_not_run_away_from_a_blocked_shaft(rig: Rig) -> None:
    rig.write(operating_mode=VELOCITY, torque_enable=1, goal_velocity=-200)
    rig.joint.stuck = True
    rig.wait(5.0)
    rig.joint.stuck = False
    rig.write(goal_velocity=0)
    rig.wait(1.0)
    assert abs(rig.read("present_position") - 2048) < 400


def test_current_control_pushes_with_its_goal(rig: Rig) -> None:
    rig.write(operating_mode=CURRENT, torque_enable=1)
    rig.joint.put(0.3, hold=True)
    assert rig.read("present_current") == 0
    rig.write(goal_current=-200)
    assert rig.read("present_current") == pytest.approx(-200, abs=1)
    assert rig.write(goal_position=3000) == 0
    assert rig.read("present_current") == pytest.approx(-200, abs=1)
    assert rig.write(goal_current=1751) == ERROR_LIMIT


def test_pwm_control_is_a_voltage(rig: Rig) -> None:
    rig.write(operating_mode=PWM, torque_enable=1, goal_pwm=442)
    rig.wait(0.5)
    assert rig.joint.velocity_rad_s() == pytest.approx(SPEED * 442 / 885)
    rig.write(goal_pwm=-885)
    assert rig.joint.velocity_rad_s() == pytest.approx(-SPEED)


@pytest.mark.parametrize(
    ("model", "modes"), [("xl330-m077", {0, 1, 3, 4, 5, 16}), ("xl430-w250", {1, 3, 4, 16}), ("xm430-w350", {0, 5})]
)
def test_a_servo_takes_the_modes_of_its_model(model: str, modes: set[int]) -> None:
    for mode in range(18):
        error = Rig(model).write(operating_mode=mode)
        assert error == (0 if mode in MODELS[model].operating_modes else ERROR_RANGE)
    assert modes <= set(MODELS[model].operating_modes)


def test_a_change_of_mode_resets_gains_profile_and_goals(rig: Rig) -> None:
    rig.write(position_p_gain=900, profile_velocity=50, goal_pwm=100, goal_position=3000, goal_current=10)
    rig.write(operating_mode=EXTENDED)
    names = ("position_p_gain", "profile_velocity", "goal_pwm", "goal_position", "goal_current")
    assert [rig.read(name) for name in names] == [400, 0, 885, 2048, 1750]
    rig.write(position_p_gain=900)
    rig.write(operating_mode=EXTENDED)  # no change
    assert rig.read("position_p_gain") == 900


def test_position_limits_bind_position_control_only(rig: Rig) -> None:
    rig.write(min_position_limit=1000, max_position_limit=3000)
    assert rig.write(goal_position=3001) == ERROR_LIMIT
    rig.write(operating_mode=EXTENDED)
    assert rig.write(goal_position=-1_048_575) == 0
    assert rig.write(goal_position=1_048_576) == ERROR_LIMIT


@pytest.mark.parametrize(
    ("mode", "offset", "shown"),
    [(POSITION, 1024, 3072), (POSITION, 1025, 2048), (POSITION, -1025, 2048), (EXTENDED, -5000, -2952)],
)
def test_a_homing_offset_beyond_1024_counts_only_where_a_joint_may_turn_on(mode: int, offset: int, shown: int) -> None:
    rig = Rig()
    rig.write(operating_mode=mode, homing_offset=offset)
    assert rig.read("present_position") == shown
    assert rig.read("homing_offset") == offset
    rig.write(goal_position=shown, torque_enable=1)
    rig.wait(1.0)
    assert rig.joint.position_rad() == pytest.approx(0.0, abs=1e-3)


def test_reverse_mode_turns_everything_but_the_sign_of_the_homing_offset() -> None:
    rig = Rig()
    rig.write(operating_mode=EXTENDED, drive_mode=REVERSE)
    rig.joint.put(pi / 2, velocity_rad_s=1.0)
    assert rig.read("present_position") == 1024
    assert rig.read("present_velocity") == -42
    rig.write(homing_offset=100)
    assert rig.read("present_position") == 1124
    rig.write(goal_position=1024 + 100, torque_enable=1)
    rig.wait(1.0)
    assert rig.joint.position_rad() == pytest.approx(pi / 2, abs=1e-3)
    rig.joint.put(pi / 2 - 0.5, hold=True)  # the motor pushes towards larger angles, which count down here
    assert rig.read("present_current") < -1000
    assert rig.write(drive_mode=2) == ERROR_ACCESS
    rig.write(torque_enable=0)
    assert rig.write(drive_mode=2) == ERROR_RANGE


def test_a_profile_limits_the_speed_and_shows_what_it_does(rig: Rig) -> None:
    rig.write(profile_velocity=50, profile_acceleration=20, goal_position=3072, torque_enable=1)
    rig.write(goal_position=3072)
    rig.wait(0.5, looks=50)
    assert rig.read("present_velocity") == pytest.approx(50, abs=2)
    assert rig.read("velocity_trajectory") == 50
    assert rig.read("moving") == 1
    assert rig.read("moving_status") & 0b110010 == 0b110010  # trapezoidal, in progress
    rig.wait(2.0)
    assert rig.read("present_position") == pytest.approx(3072, abs=2)
    assert (rig.read("moving"), rig.read("moving_status")) == (0, 1)


def test_a_profile_goes_on_while_nobody_looks() -> None:
    ends = []
    for looks in (1, 40):
        rig = Rig()
        rig.write(torque_enable=1, profile_velocity=50, goal_position=4000)
        rig.wait(0.4, looks)
        ends.append(rig.read("present_position"))
    assert ends[0] == ends[1]
    assert 2048 + 200 < ends[0] < 2048 + 0.4 * 50 * 0.229 / 60 * 4096


def test_a_time_based_profile_takes_its_time(rig: Rig) -> None:
    rig.write(drive_mode=TIME_BASED, torque_enable=1, profile_velocity=1000, profile_acceleration=100)
    rig.write(goal_position=3072)
    rig.wait(0.5)
    assert 2048 + 400 < rig.read("present_position") < 3072 - 400
    rig.wait(0.7)
    assert rig.read("present_position") == pytest.approx(3072, abs=3)


def test_a_goal_can_turn_the_torque_on(rig: Rig) -> None:
    rig.write(goal_position=2100)
    assert not rig.servo.torque_on
    rig.write(drive_mode=TORQUE_BY_GOAL)
    rig.write(goal_position=2200)
    assert rig.servo.torque_on
    rig.wait(1.0)
    assert rig.read("present_position") == pytest.approx(2200, abs=1)


def test_limp_it_counts_turns_and_forgets_them_when_position_control_begins(rig: Rig) -> None:
    rig.joint.put(3 * 2 * pi + 0.5)
    assert rig.read("present_position") == 3 * 4096 + 2374
    rig.write(operating_mode=CURRENT_POSITION)
    assert rig.read("present_position") == 3 * 4096 + 2374
    rig.write(operating_mode=POSITION)
    assert rig.read("present_position") == 2374
    rig.joint.put(-2 * pi)
    assert rig.read("present_position") == 2048 - 4 * 4096
    rig.write(torque_enable=1)
    assert rig.read("present_position") == 2048


@pytest.mark.parametrize("forget", [EmulatedServo.reboot, EmulatedServo.clear_turns])
def test_a_restart_and_clear_forget_turns(rig: Rig, forget: object) -> None:
    rig.write(operating_mode=EXTENDED, homing_offset=2000)
    rig.joint.put(2 * pi * 5 + 0.5)
    assert rig.read("present_position") == 5 * 4096 + 2374 + 2000
    assert callable(forget)
    forget(rig.servo)
    assert rig.read("present_position") == 2374 + 2000


def test_turns_are_not_cleared_while_it_turns(rig: Rig) -> None:
    rig.write(operating_mode=VELOCITY, torque_enable=1, goal_velocity=100)
    rig.wait(3.0)
    assert rig.servo.clear_turns() == ERROR_RESULT


def test_a_multi_turn_jump_leaves_the_shaft(rig: Rig) -> None:
    rig.write(operating_mode=EXTENDED)
    rig.servo.jump_turns(-2)
    assert rig.read("present_position") == 2048 - 2 * 4096
    rig.write(goal_position=2048 - 2 * 4096, torque_enable=1)
    rig.wait(1.0)
    assert rig.joint.position_rad() == pytest.approx(0.0, abs=1e-3)


def test_the_tick_begins_anew_at_a_restart(rig: Rig) -> None:
    rig.wait(5.0)
    assert rig.read("realtime_tick") == 5000
    rig.servo.reboot()
    assert rig.read("realtime_tick") == 0


@pytest.mark.parametrize(("keeps", "left"), [((False, False), (1, 1)), ((True, False), (7, 1)), ((True, True), (7, 3))])
def test_a_factory_reset_keeps_what_it_is_told(rig: Rig, keeps: tuple[bool, bool], left: tuple[int, int]) -> None:
    rig.write(id=7, baud_rate=3, homing_offset=300, operating_mode=EXTENDED)
    assert rig.servo.factory_reset(*keeps) == 0
    assert (rig.read("id"), rig.read("baud_rate")) == left
    assert (rig.read("homing_offset"), rig.read("operating_mode"), rig.read("return_delay_time")) == (0, 3, 250)
    assert rig.read("model_number") == 1200
    rig.write(torque_enable=1)
    assert rig.servo.factory_reset(*keeps) == ERROR_ACCESS


def test_the_eeprom_is_out_of_reach_of_indirect_addresses(rig: Rig) -> None:
    assert rig.servo.write(168, (63).to_bytes(2, "little")) == ERROR_RANGE
    assert rig.servo.write(168, (64).to_bytes(2, "little")) == 0


def test_a_tripped_watchdog_stops_velocity_control_and_its_profile(rig: Rig) -> None:
    rig.write(operating_mode=VELOCITY, torque_enable=1, profile_acceleration=10, goal_velocity=50, bus_watchdog=100)
    rig.wait(1.9)
    heard_ns = rig.clock.now_ns()
    rig.clock.advance_ns(2_000_000_001)
    rig.servo.watch(rig.clock.now_ns(), heard_ns)
    rig.wait(1.0)
    assert rig.read("bus_watchdog") == 255
    assert rig.read("present_velocity") == 0
    assert rig.read("profile_acceleration") == 0
    assert rig.write(goal_velocity=150) == ERROR_RANGE
    rig.write(bus_watchdog=0, goal_velocity=150)
    rig.wait(1.0)
    assert rig.read("present_velocity") == pytest.approx(150, rel=0.03)


def test_a_restarted_servo_is_deaf_for_its_boot_time() -> None:
    clock = ManualClock()
    servo = EmulatedServo(1, "xl330-m288", ShaftMotor(JointShaft(clock, SPEED, -1, 1)), clock, boot_ns=200_000_000)
    assert servo.awake_ns <= clock.now_ns()
    servo.reboot()
    assert servo.awake_ns == clock.now_ns() + 200_000_000
