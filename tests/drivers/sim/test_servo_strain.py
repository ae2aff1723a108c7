import pytest

from drivers.dynamixel.wire import ERROR_RESULT
from tests.drivers.sim.test_servo_modes import Rig

VOLTAGE, HEAT, OVERLOAD = 1, 4, 32


def protected(model: str = "xl330-m288") -> Rig:
    return Rig(model, protects=True)


def test_a_blocked_joint_is_overloaded_after_a_while_and_then_limp() -> None:
    rig = protected()
    rig.write(goal_position=3072, torque_enable=1)
    rig.joint.stuck = True
    rig.wait(1.2, looks=60)
    assert rig.read("hardware_error_status") == 0
    rig.wait(0.6, looks=30)
    assert rig.read("hardware_error_status") == OVERLOAD
    assert rig.read("torque_enable") == 0
    assert rig.write(torque_enable=1) == ERROR_RESULT
    rig.servo.reboot()
    assert rig.write(torque_enable=1) == 0


def test_moving_fast_or_holding_half_of_what_it_can_is_no_overload() -> None:
    rig = protected()
    rig.write(operating_mode=4, torque_enable=1)
    rig.joint.load = 0.5
    for k in range(10):
        rig.write(goal_position=2048 + 2000 * (k % 2))
        rig.wait(0.5, looks=25)
    assert rig.read("hardware_error_status") == 0


def test_a_gripper_with_little_current_may_squeeze_for_ever_but_gets_warm() -> None:
    rig = protected()
    rig.write(operating_mode=5, goal_current=600, goal_position=3072, torque_enable=1)
    rig.joint.stuck = True
    start_c = rig.read("present_temperature")
    rig.wait(600.0, looks=600)
    assert rig.read("hardware_error_status") == 0
    assert start_c + 8 < rig.read("present_temperature") < 60


def test_much_current_for_long_overheats_it_and_rest_cools_it() -> None:
    rig = protected()
    rig.write(operating_mode=5, goal_current=1200, goal_position=3072, torque_enable=1)
    rig.joint.stuck = True
    for _ in range(400):
        if rig.servo.alert:
            break
        rig.wait(1.0)
    assert rig.read("hardware_error_status") == HEAT
    assert rig.read("present_temperature") in (70, 71)
    assert not rig.servo.torque_on
    rig.wait(600.0, looks=60)
    assert rig.read("present_temperature") == 31
    assert rig.read("hardware_error_status") == HEAT  # until it restarts


@pytest.mark.parametrize(("volts", "error"), [(5.0, 0), (3.4, VOLTAGE), (7.1, VOLTAGE)])
def test_a_supply_beyond_the_limits_is_an_error(volts: float, error: int) -> None:
    rig = protected()
    assert rig.servo.strain is not None
    rig.servo.strain.supply_v = volts
    rig.wait(0.1)
    assert rig.read("present_input_voltage") == round(volts * 10)
    assert rig.read("hardware_error_status") == error


def test_shutdown_says_which_errors_take_the_torque() -> None:
    rig = protected("xl430-w250")  # does not shut down for its voltage, as delivered
    rig.write(torque_enable=1)
    assert rig.servo.strain is not None
    rig.servo.strain.supply_v = 5.0
    rig.wait(0.1)
    assert rig.servo.alert
    assert rig.servo.torque_on
