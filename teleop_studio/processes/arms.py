"""Opens the two arms of a rig at the end of their byte lines; from here upward nothing knows whether they are real."""

import socket

from drivers.clock import Clock, MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import FileDescriptorTransport, SerialTransport, Transport
from teleop_studio.processes.lines import Lines
from teleop_studio.rig import ArmConfig, RigConfig


def open_arms(rig: RigConfig, lines: Lines) -> tuple[DynamixelArm, DynamixelArm]:
    """(leader, follower), connected, torque off. Raises a `DriverError` that says what is missing."""
    clock = MonotonicClock()
    leader = _open(rig.leader, lines.leader, clock)
    try:
        # A leader that an earlier program left holding could not be moved by hand.
        leader.torque_off()
        return leader, _open(rig.follower, lines.follower, clock)
    except Exception:
        leader.close()
        raise


def connect_arm(config: ArmConfig, transport: Transport, clock: Clock) -> DynamixelArm:
    """An arm on any transport. Raises a `DriverError`."""
    arm = DynamixelArm(config.model, DynamixelBus(transport, clock), clock)
    try:
        arm.connect()
    except Exception:
        arm.close()
        raise
    return arm


def _open(config: ArmConfig, line: socket.socket | str, clock: Clock) -> DynamixelArm:
    transport: Transport
    if isinstance(line, str):
        transport = SerialTransport(line, config.model.baud)
    else:
        transport = FileDescriptorTransport(line.detach())
    return connect_arm(config, transport, clock)
