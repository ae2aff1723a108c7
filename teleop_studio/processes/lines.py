"""Where the lines of a rig's arms end, as told from one process to another."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass

from teleop_studio.processes.arm_rings import ArmRingSpecs
from teleop_studio.rig import RigConfig

ArmLine = socket.socket | str | ArmRingSpecs


@dataclass(frozen=True)
class Lines:
    """Each end: a socket, a device path or address (pty, serial port, socket://), or the rings of a LeRobot arm."""

    leader: ArmLine
    follower: ArmLine

    @classmethod
    def of(cls, rig: RigConfig, rings: Mapping[str, ArmRingSpecs]) -> "Lines":
        """The lines of a rig that has real arms; `rings` of those that LeRobot drives, by role."""
        return cls(rings.get("leader", rig.leader.port), rings.get("follower", rig.follower.port))
