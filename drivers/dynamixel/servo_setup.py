"""Brings one servo into the state its arm needs; the same servo twice changes nothing, so its EEPROM is spared."""

import logging

from drivers.arms.model import POSITION_MODE, JointModel
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import ControlTable

_LOG = logging.getLogger(__name__)


def prepare_servo(bus: DynamixelBus, joint: JointModel, table: ControlTable, limits: tuple[int, int]) -> None:
    """Operating mode, limits (ticks), gains; never turns torque on.

    A servo found holding goes on holding, unless its EEPROM has to change: that is locked while torque is on.
    Raises `ServoSilent`, `ServoRefused`.
    """
    wrong = {
        name: value
        for name, value in _eeprom(joint, table, limits).items()
        if bus.read(joint.servo_id, table.register(name)) != value
    }
    if wrong and bus.read(joint.servo_id, table.register("torque_enable")):
        _LOG.warning("%s was holding; torque off to change %s", bus.label(joint.servo_id), ", ".join(wrong))
        bus.write(joint.servo_id, table.register("torque_enable"), 0)
    for name, value in (wrong | _ram(joint)).items():
        bus.write(joint.servo_id, table.register(name), value)


def _eeprom(joint: JointModel, table: ControlTable, limits: tuple[int, int]) -> dict[str, int]:
    # Drive mode 0: the calibration alone knows about reversed joints. The homing offset is left as it is: home_ticks
    # are Present Position, which includes it.
    settings = {"return_delay_time": 0, "drive_mode": 0, "operating_mode": joint.operating_mode}
    if joint.operating_mode == POSITION_MODE:
        settings["min_position_limit"], settings["max_position_limit"] = limits
    if joint.current_limit_ma is not None and "current_limit" in table.registers:
        settings["current_limit"] = joint.current_limit_ma
    return settings


def _ram(joint: JointModel) -> dict[str, int]:
    return {
        "bus_watchdog": 0,
        "position_p_gain": joint.p_gain,
        "position_i_gain": joint.i_gain,
        "position_d_gain": joint.d_gain,
        # The safety gate shapes the motion; a profile in the servo would add a second, unseen one.
        "profile_acceleration": 0,
        "profile_velocity": 0,
    }
