"""One emulated arm in memory, with our driver at the other end of its line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.clock import ManualClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.transport import MemoryTransport
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo
from tests.control.arms import HOME


@dataclass
class Side:
    """`shafts` what the servos turn, `line` the servos, `arm` our driver."""

    model: ArmModel
    shafts: list[FreeShaft]
    line: EmulatedBus
    arm: DynamixelArm

    @classmethod
    def connected(cls, model: ArmModel, clock: ManualClock) -> "Side":
        shafts = [FreeShaft() for _ in model.joints]
        servos = [EmulatedServo(j.servo_id, j.servo, s, clock) for j, s in zip(model.joints, shafts, strict=True)]
        line = EmulatedBus(servos, clock, wire_time=True, baud=model.baud)
        bus = DynamixelBus(MemoryTransport(line, clock, model.name), clock)
        side = cls(model, shafts, line, DynamixelArm(model, bus, clock))
        side.put(HOME)
        side.arm.connect()
        return side

    def put(self, position: NDArray[np.float64]) -> None:
        for joint, shaft, value in zip(self.model.joints, self.shafts, position, strict=True):
            shaft.put(joint.sign * joint.servo_rad_per_unit * float(value))

    @property
    def position(self) -> NDArray[np.float64]:
        scale = [joint.sign * joint.servo_rad_per_unit for joint in self.model.joints]
        return np.array([shaft.position_rad() for shaft in self.shafts]) / scale

    @property
    def goals(self) -> list[int]:
        return [servo.peek("goal_position") for servo in self.line.servos]

    @property
    def torque(self) -> list[bool]:
        return [servo.torque_on for servo in self.line.servos]
