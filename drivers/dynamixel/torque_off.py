"""Makes servos limp, every one that can be reached, whatever fails on the way."""

from collections.abc import Sequence
from contextlib import suppress

from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.sync import SyncWrite
from drivers.errors import BusError


def take_torque_off(bus: DynamixelBus, servos: Sequence[ArmServo]) -> list[ArmServo]:
    """Returns the servos that did not confirm. Never raises for a servo or the port.

    To all at once first, so that the arm does not go limp joint by joint; then each is told once before any is told
    again, so that a dead one does not keep another one waiting. An alert is no failure.
    """
    register = servos[0].table.register("torque_enable")
    group = SyncWrite([servo.servo_id for servo in servos], register).packet([0] * len(servos))
    # Nobody confirms these. Two kinds of packet, so that what hides one from a servo need not hide the other.
    with suppress(BusError):
        bus.write_all(register, 0)
    with suppress(BusError):
        bus.send(group)
    missed = list(servos)
    for _ in range(2):
        missed = [servo for servo in missed if not _goes_limp(bus, servo)]
    return missed


def _goes_limp(bus: DynamixelBus, servo: ArmServo) -> bool:
    try:
        return bus.tell(servo.servo_id, servo.table.register("torque_enable"), 0)
    except BusError:
        return False
