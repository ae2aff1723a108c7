"""Arms in memory, for tests in which the byte line is not the point: they do at once what they are told."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER as ARM
from drivers.clock import ManualClock
from drivers.errors import DriverError, ServoSilent
from drivers.samples import JointState
from teleop_studio.control.loop import LOST_S

D = len(ARM.joints)
HOME = np.array(ARM.home)
LOST_TICKS = round(LOST_S * 100) + 1  # at 100 Hz; of silence, after which an arm is lost


def reading(position: NDArray[np.float64], stamp_ns: int, age_ns: int = 0) -> JointState:
    """One reading of an arm at rest; `age_ns` for every joint."""
    zeros = np.zeros(D)
    return JointState(
        stamp_ns, np.array(position), zeros, zeros, ("mA",) * D, np.full(D, age_ns), np.zeros(D, np.bool_)
    )


@dataclass
class MemoryLeader:
    """A leader that stands where `position` says. `error` is raised by the next readings."""

    clock: ManualClock
    position: NDArray[np.float64] = field(default_factory=HOME.copy)
    error: DriverError | None = None

    def read(self) -> JointState:
        if self.error:
            raise self.error
        return reading(self.position, self.clock.now_ns())


@dataclass
class MemoryFollower:
    """A follower that reaches each goal at once while its torque is on.

    `error` is raised by every exchange. `commands` what was sent, `calls` what was asked for, in order.
    """

    clock: ManualClock
    position: NDArray[np.float64] = field(default_factory=HOME.copy)
    error: DriverError | None = None
    torque: bool = False
    commands: list[NDArray[np.float64]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def read(self) -> JointState:
        return self._exchange("read")

    def command_and_read(self, position: NDArray[np.float64]) -> JointState:
        state = self._exchange("command")
        self.commands.append(position.copy())
        if self.torque:
            self.position = position.copy()
        return state

    def torque_on(self) -> None:
        self._exchange("torque on")
        self.torque = True

    def torque_off(self) -> list[str]:
        self.calls.append("torque off")
        if self.error:
            return list(ARM.names)
        self.torque = False
        return []

    def _exchange(self, call: str) -> JointState:
        self.calls.append(call)
        if self.error:
            raise self.error
        return reading(self.position, self.clock.now_ns())


SILENT = ServoSilent("servo 3 (elbow) did not answer within 4 ms. Check its cable and power.")
