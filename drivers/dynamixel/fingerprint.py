"""Which arm is it? Finds the servos of an arm, and tells two arms of one kind apart before torque goes on."""

import logging
from collections.abc import Sequence
from hashlib import sha256

from drivers.arms.model import ArmModel
from drivers.dynamixel.arm_checks import silent
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.bus_statistics import Identity
from drivers.dynamixel.control_table import XL430_W250
from drivers.errors import ServoSilent, WrongArm, WrongServo

_LOG = logging.getLogger(__name__)
# Where every X servo has it, and nothing here writes it but a calibration.
_HOMING = XL430_W250.register("homing_offset")


def fingerprint(bus: DynamixelBus, ids: Sequence[int]) -> str:
    """A short text that stays the same for the same servos: of ids, models, firmware and homing offsets.

    Torque does not matter. Two arms of one kind differ in it as soon as one of them was homed (LeRobot's calibration
    does that); two arms straight from the factory do not. Raises `ServoSilent`, `ServoRefused`.
    """
    servos = []
    for servo_id in sorted(ids):
        identity = bus.ping(servo_id)
        servos.append((servo_id, identity.model_number, identity.firmware, bus.read(servo_id, _HOMING)))
    return f"{len(servos)}-{sha256(repr(servos).encode()).hexdigest()[:12]}"


def check_fingerprint(bus: DynamixelBus, model: ArmModel, ids: Sequence[int], expected: str) -> None:
    """Raises `WrongArm` when the servos are not those of the arm that was set up as `expected`."""
    found = fingerprint(bus, ids)
    if found != expected:
        raise WrongArm(
            f"The arm on {bus.port} is not the {model.name} that this rig was set up with: its fingerprint is {found}, "
            f"expected {expected}. Leader and follower may be swapped: check which arm hangs on which port. After a "
            "servo was replaced, updated or calibrated anew, identify the arm again in Set-up."
        )


def find_servos(bus: DynamixelBus, model: ArmModel, servos: Sequence[ArmServo]) -> None:
    """Every servo answers and is of the right model. Joint reads are given up where a firmware does not know them.

    Raises `ServoSilent` naming all that are missing, `WrongServo`, and `WrongArm` when other servos answer instead.
    """
    # A servo told not to confirm writes would look dead; nobody confirms this one.
    bus.write_all(XL430_W250.register("status_return_level"), 2)
    # Set-up is a pause for the servos; an armed watchdog would take it for a crash.
    bus.write_all(XL430_W250.register("bus_watchdog"), 0)
    missing: list[str] = []
    found: list[str] = []
    for servo in servos:
        try:
            identity = bus.ping(servo.servo_id)
        except ServoSilent:
            missing.append(bus.label(servo.servo_id))
            continue
        found.append(bus.label(servo.servo_id))
        _check_model(bus, model, servo, identity)
        if identity.firmware < servo.table.fast_read_firmware:
            _LOG.info("%s: firmware %d knows no Fast Sync Read", bus.label(servo.servo_id), identity.firmware)
            bus.statistics.fast_read = False
    if missing:
        _refuse_strangers(bus, model, servos)
        raise silent(bus, ", ".join(missing), ", ".join(found), bus.patience_ms)


def _check_model(bus: DynamixelBus, model: ArmModel, servo: ArmServo, identity: Identity) -> None:
    if identity.model_number != servo.table.model_number:
        raise WrongServo(
            f"{bus.label(servo.servo_id)} on {bus.port} has model number {identity.model_number}, "
            f"{model.name} needs {servo.table.model_number} ({servo.table.name}). "
            "Check that this is the right arm and that the servo ids are in order."
        )


def _refuse_strangers(bus: DynamixelBus, model: ArmModel, servos: Sequence[ArmServo]) -> None:
    """Servos that the arm does not have tell that it is another arm, not a broken one."""
    strangers = sorted(bus.scan().keys() - {servo.servo_id for servo in servos})
    if strangers:
        raise WrongArm(
            f"Another arm than {model.name} hangs on {bus.port}: servos {strangers} answer there, {model.name} has "
            f"{sorted(servo.servo_id for servo in servos)}. Leader and follower may be swapped: check the ports."
        )
