"""A bench: an emulated arm in memory, with everything a test wants to reach into."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from drivers.arms import STUDIO_FOLLOWER
from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo

PORT = "bench"


@dataclass
class Bench:
    """`shafts` what the servos turn, `line` the emulated servos, `bus` and `arm` our drivers at the other end."""

    clock: ManualClock
    shafts: list[FreeShaft]
    line: EmulatedBus
    bus: DynamixelBus
    arm: DynamixelArm

    def put(self, position: np.ndarray | tuple[float, ...]) -> None:
        """Move the shafts to a joint vector."""
        for joint, shaft, value in zip(self.arm.model.joints, self.shafts, position, strict=True):
            shaft.put(joint.sign * joint.servo_rad_per_unit * float(value))

    def torque(self) -> list[bool]:
        return [servo.torque_on for servo in self.line.servos]


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> MakeBench:
    """A factory: `make_bench(model=..., wire_time=..., ...)`; the arm stands at home and is not connected yet."""

    def make(model: ArmModel = STUDIO_FOLLOWER, wire_time: bool = False, reply_timeout_ms: float = 20.0) -> Bench:
        clock = ManualClock()
        shafts = [FreeShaft() for _ in model.joints]
        servos = [
            EmulatedServo(joint.servo_id, joint.servo, shaft, clock)
            for joint, shaft in zip(model.joints, shafts, strict=True)
        ]
        line = EmulatedBus(servos, clock, wire_time=wire_time, baud=model.baud)
        bus = DynamixelBus(MemoryTransport(line, clock, PORT), clock, reply_timeout_ms)
        bench = Bench(clock, shafts, line, bus, DynamixelArm(model, bus, clock))
        bench.put(model.home)
        return bench

    return make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """The follower, connected, limp, at home; replies take the time of their bytes."""
    made = make_bench(wire_time=True)
    made.arm.connect()
    return made
