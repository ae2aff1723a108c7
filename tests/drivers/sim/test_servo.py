from math import pi

import pytest

from drivers.clock import ManualClock
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.wire import ERROR_ACCESS, ERROR_LENGTH, ERROR_LIMIT, ERROR_RANGE, ERROR_RESULT
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo

OVERLOAD, OVERHEATING = 5, 2


class Shaft(FreeShaft):
    """A free shaft that remembers how it was driven."""

    driven: tuple[float, bool, int, int, float] = (0.0, False, 0, 0, 0.0)
    torque = 0.0

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        super().drive(goal_rad, torque_on, p_gain, d_gain, effort_limit)
        self.driven = (goal_rad, torque_on, p_gain, d_gain, effort_limit)

    def effort(self) -> float:
        return self.torque


class Rig:
    def __init__(self, model: str = "xl330-m288", position_rad: float = 0.0) -> None:
        self.clock = ManualClock()
        self.shaft = Shaft(position_rad)
        self.servo = EmulatedServo(3, model, self.shaft, self.clock)

    def write(self, name: str, value: int) -> int:
        register = self.servo.table.register(name)
        return self.servo.write(register.address, register.encode(value))

    def read(self, name: str) -> int:
        register = self.servo.table.register(name)
        error, data = self.servo.read(register.address, register.size)
        assert error == 0
        return register.decode(data)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("model", MODELS)
def test_a_new_servo_is_limp_and_knows_who_it_is(model: str) -> None:
    rig = Rig(model, position_rad=pi / 2)
    assert rig.read("model_number") == MODELS[model].model_number
    assert rig.read("id") == 3
    assert rig.read("torque_enable") == 0
    assert rig.read("present_position") == rig.read("goal_position") == 3072
    assert rig.read("indirect_address_1") == MODELS[model].register("indirect_data_1").address


def test_torque_on_turns_to_the_goal_that_is_there(rig: Rig) -> None:
    rig.write("goal_position", 3072)
    assert rig.read("present_position") == 2048
    rig.write("torque_enable", 1)
    assert rig.read("present_position") == 3072


def test_present_values_are_those_of_the_shaft_in_register_units(rig: Rig) -> None:
    rig.shaft.put(-pi / 2, 2 * pi)
    rig.shaft.torque = -0.5
    assert rig.read("present_position") == 1024
    assert rig.read("present_velocity") == 262  # 60 rev/min in steps of 0.229
    assert rig.read("present_current") == -735  # half the stall current of 1470 mA
    assert rig.read("moving") == 1
    load = Rig("xl430-w250")
    load.shaft.torque = -0.5
    assert load.read("present_load") == -500


def test_the_tick_follows_the_clock_and_wraps(rig: Rig) -> None:
    first = rig.read("realtime_tick")
    rig.clock.advance_ns(32_768_000_000 + 7_000_000)
    assert rig.read("realtime_tick") == first + 7


def test_gains_torque_and_limits_reach_the_shaft(rig: Rig) -> None:
    rig.write("position_p_gain", 700)
    rig.write("position_d_gain", 30)
    rig.write("goal_pwm", 177)
    rig.write("goal_position", 3072)
    rig.write("torque_enable", 1)
    assert rig.shaft.driven == (pytest.approx(pi / 2), True, 700, 30, 0.2)


def test_current_based_position_mode_limits_the_effort_by_current(rig: Rig) -> None:
    rig.write("operating_mode", 5)
    rig.write("goal_current", -294)
    assert rig.shaft.driven[4] == pytest.approx(0.2)
    rig.write("goal_pwm", 0)
    assert rig.shaft.driven[4] == 0


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("present_position", 1, ERROR_ACCESS),
        ("model_number", 1, ERROR_ACCESS),
        ("torque_enable", 2, ERROR_RANGE),
        ("return_delay_time", 255, ERROR_RANGE),
        ("operating_mode", 2, ERROR_RANGE),
        ("position_p_gain", 16384, ERROR_RANGE),
        ("goal_position", 4096, ERROR_LIMIT),
        ("goal_position", -1, ERROR_LIMIT),
        ("goal_current", 1751, ERROR_LIMIT),
        ("goal_pwm", -886, ERROR_LIMIT),
    ],
)
def test_a_wrong_write_is_refused_and_changes_nothing(rig: Rig, name: str, value: int, error: int) -> None:
    before = rig.read(name)
    assert rig.write(name, value) == error
    assert rig.read(name) == before


def test_the_big_servo_has_no_current_mode_and_no_current_registers() -> None:
    rig = Rig("xl430-w250")
    assert rig.write("operating_mode", 5) == ERROR_RANGE
    assert rig.servo.write(102, b"\x00\x00") == ERROR_ACCESS


def test_extended_position_mode_takes_more_than_a_turn(rig: Rig) -> None:
    rig.write("operating_mode", 4)
    assert rig.write("goal_position", -10_000) == 0
    rig.write("torque_enable", 1)
    assert rig.read("present_position") == -10_000


def test_eeprom_is_locked_while_torque_is_on(rig: Rig) -> None:
    rig.write("torque_enable", 1)
    assert rig.write("max_position_limit", 3000) == ERROR_ACCESS
    assert rig.write("position_p_gain", 500) == 0
    rig.write("torque_enable", 0)
    assert rig.write("max_position_limit", 3000) == 0
    assert rig.write("goal_position", 3001) == ERROR_LIMIT


def test_a_write_over_several_registers_is_all_or_nothing(rig: Rig) -> None:
    good = (100).to_bytes(2, "little")
    bad = (20_000).to_bytes(2, "little")
    assert rig.servo.write(80, good + good + bad) == ERROR_RANGE
    assert rig.read("position_d_gain") == 0
    assert rig.servo.write(80, good * 3) == 0
    assert [rig.read(f"position_{k}_gain") for k in "dip"] == [100] * 3


def test_half_a_register_and_no_register_are_refused(rig: Rig) -> None:
    assert rig.servo.write(116, b"\x00\x08") == ERROR_LENGTH
    assert rig.servo.write(14, b"\x00") == ERROR_ACCESS
    assert rig.servo.read(1020, 5) == (ERROR_ACCESS, b"")


def test_the_homing_offset_moves_what_is_read_and_what_is_meant(rig: Rig) -> None:
    rig.write("homing_offset", 100)
    assert rig.read("present_position") == 2148
    rig.write("goal_position", 2148)
    rig.write("torque_enable", 1)
    assert rig.shaft.position_rad() == pytest.approx(0.0)


def test_an_overload_takes_the_torque_and_keeps_it_until_a_reboot(rig: Rig) -> None:
    rig.write("torque_enable", 1)
    rig.servo.fail(OVERLOAD)
    assert rig.servo.alert
    assert not rig.servo.torque_on
    assert not rig.shaft.driven[1]
    assert rig.write("torque_enable", 1) == ERROR_RESULT
    assert rig.write("torque_enable", 0) == 0
    rig.servo.reboot()
    assert not rig.servo.alert
    assert rig.write("torque_enable", 1) == 0


def test_an_error_that_shutdown_does_not_name_leaves_the_torque(rig: Rig) -> None:
    rig.write("shutdown", 1 << OVERLOAD)
    rig.write("torque_enable", 1)
    rig.servo.fail(OVERHEATING)
    assert rig.servo.alert
    assert rig.servo.torque_on


def test_a_reboot_forgets_ram_and_keeps_eeprom(rig: Rig) -> None:
    rig.write("return_delay_time", 0)
    rig.write("position_p_gain", 999)
    rig.write("torque_enable", 1)
    rig.servo.reboot()
    assert rig.read("return_delay_time") == 0
    assert rig.read("position_p_gain") == 400
    assert not rig.shaft.driven[1]


def test_indirect_data_read_and_write_the_registers_they_point_at(rig: Rig) -> None:
    data = rig.read("indirect_address_1")
    for slot, target in enumerate((132, 133, 134, 135, 116, 117, 118, 119)):
        assert rig.servo.write(168 + 2 * slot, target.to_bytes(2, "little")) == 0
    rig.shaft.put(pi / 2)
    assert rig.servo.read(data, 4) == (0, (3072).to_bytes(4, "little"))
    assert rig.servo.write(data + 4, (3000).to_bytes(4, "little")) == 0
    assert rig.read("goal_position") == 3000
    assert rig.servo.write(data + 4, (5000).to_bytes(4, "little")) == ERROR_LIMIT


def test_indirect_data_that_point_at_themselves_are_refused(rig: Rig) -> None:
    assert rig.servo.write(rig.read("indirect_address_1"), b"\x01") == ERROR_ACCESS


def test_the_watchdog_stops_the_motion_and_refuses_goals_until_it_is_cleared(rig: Rig) -> None:
    rig.write("bus_watchdog", 5)
    rig.write("torque_enable", 1)
    heard_ns = rig.clock.now_ns()
    rig.shaft.put(0.1)  # pushed away from its goal
    rig.clock.advance_ns(100_000_000)
    rig.servo.watch(rig.clock.now_ns(), heard_ns)
    assert rig.read("bus_watchdog") == 5
    rig.clock.advance_ns(1)
    rig.servo.watch(rig.clock.now_ns(), heard_ns)
    assert rig.read("bus_watchdog") == 255
    assert rig.servo.torque_on
    assert rig.shaft.driven[0] == pytest.approx(0.1, abs=2e-3)
    assert rig.write("goal_position", 2048) == ERROR_RANGE
    assert rig.write("bus_watchdog", 0) == 0
    assert rig.write("goal_position", 2048) == 0


def test_a_staged_write_waits_for_its_action(rig: Rig) -> None:
    rig.write("torque_enable", 1)
    rig.servo.stage(116, (2100).to_bytes(4, "little"))
    assert rig.read("registered_instruction") == 1
    assert rig.read("goal_position") == 2048
    assert rig.servo.act() == 0
    assert rig.read("goal_position") == 2100
    assert rig.read("registered_instruction") == 0
