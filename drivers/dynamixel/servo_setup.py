"""Brings one servo into the state its arm needs; the same servo twice changes nothing, so its EEPROM is spared."""

import logging
from collections.abc import Iterator

from drivers.arms.model import POSITION_MODE
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import TICKS_PER_TURN
from drivers.errors import ServoRefused

_LOG = logging.getLogger(__name__)
_NO_SHADOW = 255


def prepare_servo(bus: DynamixelBus, servo: ArmServo, limits: tuple[int, int]) -> None:
    """Operating mode, direction, homing, limits (ticks), gains; never turns torque on.

    A servo found holding goes on holding, unless its EEPROM has to change: that is locked while torque is on.
    Raises `ServoSilent`, `ServoRefused`, also for a setting that did not stick.
    """
    for _ in set_up_steps(bus, servo, limits):
        pass


def set_up_steps(bus: DynamixelBus, servo: ArmServo, limits: tuple[int, int]) -> Iterator[None]:
    """`prepare_servo` one transaction at a time."""
    wrong = {}
    for name, value in _eeprom(servo, limits).items():
        if bus.read(servo.servo_id, servo.table.register(name)) != value:
            wrong[name] = value
        yield
    if wrong:
        if bus.read(servo.servo_id, servo.table.register("torque_enable")):
            _LOG.warning("%s was holding; torque off to change %s", bus.label(servo.servo_id), ", ".join(wrong))
            bus.write(servo.servo_id, servo.table.register("torque_enable"), 0)
        yield
    for name, value in wrong.items():
        bus.write(servo.servo_id, servo.table.register(name), value)
        yield
        _check_kept(bus, servo, name, value)
        yield
    for name, value in _ram(servo).items():
        bus.write(servo.servo_id, servo.table.register(name), value)
        yield


def _check_kept(bus: DynamixelBus, servo: ArmServo, name: str, value: int) -> None:
    kept = bus.read(servo.servo_id, servo.table.register(name))
    if kept != value:
        raise ServoRefused(
            f"{bus.label(servo.servo_id)} on {bus.port} was told {name} = {value} and confirmed it, but keeps {kept}. "
            "Switch the arm off and on and try again; a servo that does it twice has a worn-out memory and must be "
            "replaced."
        )


def _eeprom(servo: ArmServo, limits: tuple[int, int]) -> dict[str, int]:
    joint = servo.joint
    settings = {"return_delay_time": 0, "drive_mode": servo.drive_mode, "operating_mode": servo.operating_mode}
    # The second servo's homing is its own: it is aligned with the first one at torque-on, not in EEPROM.
    if joint.homing_offset is not None and not servo.second:
        settings["homing_offset"] = joint.homing_offset
    if servo.second:
        # As a shadow it would obey its master's goals too, without what it is mounted apart.
        settings["secondary_shadow_id"] = _NO_SHADOW
    if servo.operating_mode == POSITION_MODE or 0 <= limits[0] < limits[1] < TICKS_PER_TURN:
        # Only position mode obeys them; LeRobot takes an arm for calibrated when they are those of its file.
        settings["min_position_limit"], settings["max_position_limit"] = limits
    if joint.current_limit_ma is not None and servo.table.measures_current:
        settings["current_limit"] = servo.full_current_counts
    return settings


def _ram(servo: ArmServo) -> dict[str, int]:
    return {
        "bus_watchdog": 0,
        "position_p_gain": servo.joint.p_gain,
        "position_i_gain": servo.joint.i_gain,
        "position_d_gain": servo.joint.d_gain,
        # The safety gate shapes the motion; a profile in the servo would add a second, unseen one.
        "profile_acceleration": 0,
        "profile_velocity": 0,
    }
