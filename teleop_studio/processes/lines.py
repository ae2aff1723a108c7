"""Where the byte lines of a rig's arms end, as told from one process to another."""

import socket
from dataclasses import dataclass

from teleop_studio.rig import RigConfig


@dataclass(frozen=True)
class Lines:
    """Where the byte lines end: two sockets, or two device paths (pty or serial port)."""

    leader: socket.socket | str
    follower: socket.socket | str

    @classmethod
    def of(cls, rig: RigConfig) -> "Lines":
        """The serial ports of a rig that has real arms."""
        return cls(rig.leader.port, rig.follower.port)
