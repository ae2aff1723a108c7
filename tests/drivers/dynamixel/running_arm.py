"""An emulated arm that is driven as a control loop does it: one exchange and one slow reading a tick."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER
from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.errors import BusError
from drivers.samples import JointState, ServoReading
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus

TICK_NS = 10_000_000
SETTLED = 130  # exchanges after which the bus knows how quick its line is


@dataclass
class RunningArm:
    """`goal` (D,) is sent with each tick when set. `worst_ns` the longest that a tick has kept the loop waiting."""

    clock: ManualClock
    line: EmulatedBus
    bus: DynamixelBus
    arm: DynamixelArm
    goal: NDArray[np.float64] | None = None
    worst_ns: int = 0

    @classmethod
    def of(cls, model: ArmModel = STUDIO_FOLLOWER) -> "RunningArm":
        """Not connected yet."""
        clock = ManualClock()
        line = emulated_arm(model, clock, wire_time=True)
        bus = DynamixelBus(MemoryTransport(line, clock, "bench"), clock, baud=model.baud)
        return cls(clock, line, bus, DynamixelArm(model, bus, clock))

    @classmethod
    def powered(cls, model: ArmModel = STUDIO_FOLLOWER) -> "RunningArm":
        """Connected, holding at its home, for so long that the bus has learned how quick its line is."""
        running = cls.of(model)
        running.arm.connect()
        running.arm.torque_on()
        running.goal = running.arm.read().position.clip(model.lower, model.upper)
        running.run(SETTLED)
        running.worst_ns = 0
        return running

    def tick(self) -> JointState:
        """One tick at 100 Hz; raises what the reading raises, after the slow reading of the tick."""
        next_ns = self.clock.now_ns() + TICK_NS
        try:
            state = self.arm.read() if self.goal is None else self.arm.command_and_read(self.goal)
        finally:
            self.arm.slow_read()
            self.worst_ns = max(self.worst_ns, self.clock.now_ns() - next_ns + TICK_NS)
            self.clock.sleep_until_ns(next_ns)
        return state

    def run(self, ticks: int) -> JointState:
        for _ in range(ticks - 1):
            self.tick()
        return self.tick()

    def until_it_says(self, ticks: int) -> tuple[str, float]:
        """(what the reading raised, seconds until then)."""
        start_ns = self.clock.now_ns()
        for _ in range(ticks):
            try:
                self.tick()
            except BusError as error:
                return str(error), (self.clock.now_ns() - start_ns) * 1e-9
        raise AssertionError(f"nothing was said for {ticks} ticks")

    def restart(self, joint: str, ticks: int = 400) -> str:
        """Reboot a joint, one step a tick; what the arm says at the end."""
        self.arm.begin_reboot(joint)
        for _ in range(ticks):
            self.tick()
            if (said := self.arm.reboot_step()) is not None:
                return said
        raise AssertionError("the restart never ended")

    def health(self, joint: str) -> ServoReading:
        return next(reading for reading in self.arm.health() if reading.joint == joint)

    def torque(self) -> list[bool]:
        return [servo.torque_on for servo in self.line.servos]
