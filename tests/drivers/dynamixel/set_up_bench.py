"""Emulated arms in memory for the set-up: a line that is opened at one baud rate after the other."""

from dataclasses import dataclass

from drivers.arms import ARMS
from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.scan import SCAN_BAUDS, ScannedServo, scan_line
from drivers.dynamixel.transport import MemoryTransport
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus


@dataclass
class SetUpBench:
    """`line` the emulated servos of `model`; `opened` the baud rates at which the line was opened, in order."""

    model: ArmModel
    clock: ManualClock
    line: EmulatedBus
    opened: list[int]

    @classmethod
    def of(cls, arm: str, factory: bool = False, baud: int | None = None) -> "SetUpBench":
        clock = ManualClock()
        return cls(ARMS[arm], clock, emulated_arm(ARMS[arm], clock, factory, baud, wire_time=True), [])

    def open_at(self, baud: int) -> MemoryTransport:
        self.opened.append(baud)
        self.line.baud = baud
        return MemoryTransport(self.line, self.clock, "bench")

    def bus(self, baud: int = 1_000_000) -> DynamixelBus:
        return DynamixelBus(self.open_at(baud), self.clock, baud=baud)

    def scan(self, bauds: tuple[int, ...] = SCAN_BAUDS, all_ids: bool = False) -> list[ScannedServo]:
        return [servo for _, servos in scan_line(self.open_at, self.clock, bauds, all_ids) for servo in servos]
