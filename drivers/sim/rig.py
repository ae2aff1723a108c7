"""The simulated rig below the byte line: world, emulated leader and follower servos, and the hand on the leader."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel, JointModel
from drivers.arms.studio_arm import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import Clock
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.operator import ScriptedOperator
from drivers.sim.plant import FreeShaft
from drivers.sim.score import Score
from drivers.sim.servo import EmulatedServo
from drivers.sim.shift import shift_named
from drivers.sim.world import World


class SimulatedRig:
    """Advances in the time of `clock`: call `advance_to(now)` as often as the time moves.

    `wire_time` True lets replies take as long as the bytes would on the line. `shift` a name of `SHIFTS`.
    """

    def __init__(self, scene: str, clock: Clock, wire_time: bool = False, seed: int = 0, shift: str = "none") -> None:
        self.scene = scene
        self.world = World(scene, shift=shift_named(shift))
        self._clock = clock
        self._shafts = [FreeShaft() for _ in STUDIO_LEADER.joints]
        self.leader_bus = _bus(STUDIO_LEADER, self._shafts, clock, wire_time)
        plants = [self.world.plant(joint) for joint in range(len(STUDIO_FOLLOWER.joints))]
        self.follower_bus = _bus(STUDIO_FOLLOWER, plants, clock, wire_time)
        self._operator: ScriptedOperator | None = None
        self._operator_start_ns = 0
        self._now_ns = clock.now_ns()
        self.reset(seed)

    @property
    def operator_side(self) -> str:
        """ "left" or "right" while the scripted hand moves the leader, else ""."""
        return self._operator.side if self._operator else ""

    def reset(self, seed: int) -> None:
        """A new layout; both arms at the scene's start. The follower's controller must be paused meanwhile."""
        self._operator = None
        self.world.reset(seed)
        self._put_leader(self.world.start_goal, np.zeros(len(self._shafts)))

    def start_operator(self, side: str, seed: int) -> float:
        """Let the scripted hand grasp from `side` ("left", "right"), from now on; returns when it turns off, s."""
        self._operator = ScriptedOperator(self.world, side, seed)
        self._operator_start_ns = self._now_ns
        return self._operator.fork_s

    def advance_to(self, now_ns: int) -> str:
        """Move hand and physics to `now_ns`; returns the side of an operator that has just finished, else ""."""
        elapsed_s = (now_ns - self._now_ns) * 1e-9
        if elapsed_s <= 0:
            return ""
        self._now_ns = now_ns
        self.world.advance(elapsed_s)
        return self._move_hand()

    def snapshot(self) -> NDArray[np.float64]:
        """What the renderer needs, and nobody else may see."""
        return self.world.snapshot()

    def score(self) -> Score:
        return self.world.score()

    def _move_hand(self) -> str:
        operator = self._operator
        if operator is None:
            return ""
        time_s = (self._now_ns - self._operator_start_ns) * 1e-9
        pose = operator.pose_at(min(time_s, operator.duration_s))
        self._put_leader(pose, np.zeros_like(pose))
        if time_s < operator.duration_s:
            return ""
        self._operator = None
        return operator.side

    def _put_leader(self, pose: NDArray[np.float64], velocity: NDArray[np.float64]) -> None:
        for joint, shaft, value, speed in zip(STUDIO_LEADER.joints, self._shafts, pose, velocity, strict=True):
            shaft.put(_servo_rad(joint, float(value)), _servo_rad(joint, float(speed)))


def _servo_rad(joint: JointModel, value: float) -> float:
    return joint.sign * joint.servo_rad_per_unit * value


def _bus(arm: ArmModel, plants: list[Any], clock: Clock, wire_time: bool) -> EmulatedBus:
    servos = [
        EmulatedServo(joint.servo_id, joint.servo, plant, clock)
        for joint, plant in zip(arm.joints, plants, strict=True)
    ]
    return EmulatedBus(servos, clock, wire_time=wire_time, baud=arm.baud)
