"""The command `servos`: how hot, how loaded and how healthy the servos of a rig's arms are. Moves nothing."""

import argparse
from dataclasses import asdict
from math import isnan
from typing import Any

from drivers.clock import Clock, MonotonicClock
from drivers.dynamixel.transport import Transport, open_transport
from drivers.errors import DriverError
from drivers.samples import ServoReading
from teleop_studio.commands.driving import CommandFailed, named_rig, say
from teleop_studio.processes.arms import connect_arm
from teleop_studio.rig import LEROBOT, ArmConfig
from teleop_studio.workspace import Workspace

_PATIENCE_NS = 5_000_000_000


def servos(options: argparse.Namespace) -> dict[str, Any]:
    """A row for each servo; exit code 1 when one reports an error. Torque stays as it is."""
    rig = named_rig(options.rig, Workspace.create(options.workspace))
    if rig.simulated:
        raise CommandFailed(f"{rig.name} is simulated: its servos live only while it is open. The window shows them.")
    rig.check_openable()
    clock = MonotonicClock()
    found: dict[str, Any] = {}
    bad = False
    for role, arm in (("leader", rig.leader), ("follower", rig.follower)):
        if arm.arm == LEROBOT:
            say(f"The {role} is driven by LeRobot, which tells nothing about its servos.")
            continue
        readings = health_of(arm, open_transport(arm.port, arm.model.baud, clock), clock)
        say(f"{role}: {arm.arm} on {arm.port}")
        for reading in readings:
            say("  " + _row(reading))
        found[role] = [asdict(reading) for reading in readings]
        bad = bad or any(reading.errors for reading in readings)
    return {"rig": rig.name, "servos": found, "failed": bad}


def health_of(config: ArmConfig, transport: Transport, clock: Clock) -> tuple[ServoReading, ...]:
    """Connect the arm, ask every servo, and let go of the port. Raises a `DriverError`."""
    arm = connect_arm(config, transport, clock)
    try:
        deadline_ns = clock.now_ns() + _PATIENCE_NS
        while any(isnan(reading.temperature_c) for reading in arm.health()):
            if clock.now_ns() > deadline_ns:
                raise DriverError(f"Not every servo on {config.port} told how it is. Look at its cables and its power.")
            arm.slow_read()
        return arm.health()
    finally:
        arm.close()


def _row(reading: ServoReading) -> str:
    current = "" if isnan(reading.current_ma) else f", {reading.current_ma:.0f} mA"
    words = ", ".join(reading.errors) or "well"
    return (
        f"{reading.servo_id:3} {reading.joint:16} {reading.servo:12} {reading.temperature_c:3.0f} C, "
        f"{reading.voltage_v:4.1f} V, load {reading.load:4.0%}{current}, torque {'on' if reading.torque else 'off'}: "
        f"{words}"
    )
