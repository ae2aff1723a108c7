"""Opens the two arms of a rig at the end of their lines; from here upward nothing knows whether they are real."""

from drivers.clock import Clock, MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import FileDescriptorTransport, Transport, open_transport
from teleop_studio.processes.arm_rings import ArmRingSpecs
from teleop_studio.processes.lines import ArmLine, Lines
from teleop_studio.processes.ring_arm import RingArm
from teleop_studio.rig import ArmConfig, RigConfig

Arm = DynamixelArm | RingArm


def open_arms(rig: RigConfig, lines: Lines) -> tuple[Arm, Arm]:
    """(leader, follower), connected, torque off. Raises a `DriverError` that says what is missing."""
    clock = MonotonicClock()
    leader = _open(rig.leader, lines.leader, clock)
    try:
        if isinstance(leader, DynamixelArm):
            # One that an earlier program left holding could not be moved by hand. LeRobot's are as LeRobot left them.
            leader.torque_off()
        return leader, _open(rig.follower, lines.follower, clock)
    except Exception:
        leader.close()
        raise


def connect_arm(config: ArmConfig, transport: Transport, clock: Clock) -> DynamixelArm:
    """An arm on any transport, if it is the one the rig was set up with. Raises a `DriverError`."""
    arm = DynamixelArm(config.model, DynamixelBus(transport, clock), clock)
    try:
        arm.connect(config.fingerprint)
    except Exception:
        arm.close()
        raise
    return arm


def _open(config: ArmConfig, line: ArmLine, clock: Clock) -> Arm:
    transport: Transport
    if isinstance(line, ArmRingSpecs):
        assert config.lerobot is not None
        return _attach(RingArm.attach(config.model, line, config.lerobot.rate_hz))
    if isinstance(line, str):
        transport = open_transport(line, config.model.baud, clock)
    else:
        transport = FileDescriptorTransport(line.detach())
    return connect_arm(config, transport, clock)


def _attach(arm: RingArm) -> RingArm:
    try:
        arm.connect()
    except Exception:
        arm.close()
        raise
    return arm
