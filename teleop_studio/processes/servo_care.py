"""Looks after the servos in what time a tick leaves: slow registers, health, a squeezing gripper, restarts."""

import math
from collections.abc import Callable
from typing import Any

from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.control_table import MODELS
from drivers.errors import DriverError
from drivers.samples import JointState
from teleop_studio.control.gripper_guard import GripperGuard
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.processes.arm_messages import ArmHealth, ServoRebooted
from teleop_studio.processes.arms import Arm
from teleop_studio.processes.messages import Warned
from teleop_studio.processes.servo_health import OK, health_of, judge

_SPARE_NS = 3_000_000  # a slow read takes about one millisecond, on a slow line two
_HEALTH_NS = 500_000_000
_LEVELS = {"ok": 0, "warn": 1, "bad": 2}


class ServoCare:
    """`step` once per tick. `arms` "leader" and "follower"; `say` tells the studio."""

    def __init__(self, arms: dict[str, Arm], loop: ControlLoop, clock: Clock, say: Callable[[Any], None]) -> None:
        self._arms, self._loop, self._clock, self._say = arms, loop, clock, say
        self._turn = 0
        self._health_ns = 0
        self._levels: dict[tuple[str, int], str] = {}
        self._rebooting: tuple[str, str] | None = None
        follower = arms["follower"]
        self._gripper = follower if isinstance(follower, DynamixelArm) and squeezes(follower.model) else None
        self._guard = GripperGuard()

    @property
    def rebooting(self) -> bool:
        return self._rebooting is not None

    def begin_reboot(self, arm: str, joint: str) -> None:
        """Restart a servo; the loop goes on holding. How it ends is said as `ServoRebooted`. Raises a `DriverError`."""
        self._loop.hold()
        self._arms[arm].begin_reboot(joint)
        self._rebooting = (arm, joint)

    def step(self, tick: Tick | None, window_listens: bool) -> None:
        """Never raises for a servo; a port that is gone is found by the loop's own reading."""
        try:
            self._step_reboot()
            if tick is not None:
                self._watch_gripper(tick.follower)
            self._read_slowly()
        except DriverError:
            pass  # whatever it is, the next reading of the joints says it
        if window_listens and self._clock.now_ns() - self._health_ns > _HEALTH_NS:
            self._health_ns = self._clock.now_ns()
            self._tell_health()

    def engaged(self) -> None:
        """The follower was powered anew, with all of its effort."""
        self._guard = GripperGuard()

    def _read_slowly(self) -> None:
        lost = {"leader": self._loop.leader_lost, "follower": self._loop.follower_lost}
        names = [name for name in self._arms if not lost[name]]
        if not names or self._loop.spare_ns() < _SPARE_NS:
            return
        self._turn += 1
        self._arms[names[self._turn % len(names)]].slow_read()

    def _tell_health(self) -> None:
        for name, arm in self._arms.items():
            readings = arm.health()
            if not readings:
                continue
            self._say(ArmHealth(name, tuple(health_of(reading) for reading in readings)))
            for reading in readings:
                level, text = judge(reading)
                before = self._levels.get((name, reading.servo_id), OK)
                self._levels[name, reading.servo_id] = level
                if _LEVELS[level] > _LEVELS[before]:
                    self._say(Warned(f"The {name}'s {reading.joint} {text}."))

    def _step_reboot(self) -> None:
        if self._rebooting is None:
            return
        name, joint = self._rebooting
        try:
            problem = self._arms[name].reboot_step()
        except DriverError as error:
            problem = str(error)
        if problem is None:
            return
        self._rebooting = None
        if name == "follower" and not problem:
            self._loop.start_from_here()
            self._guard = GripperGuard()
        self._say(ServoRebooted(name, joint, problem))

    def _watch_gripper(self, follower: JointState) -> None:
        if self._gripper is None or self._loop.limp:
            return
        effort = gripper_share(self._gripper.model, follower)
        if self._guard.step(effort, self._loop.period_ns * 1e-9):
            gripper = self._gripper.model.joints[-1].name
            self._gripper.limit_joint(gripper, self._guard.share)
            if self._guard.share < 1.0:
                self._say(
                    Warned(
                        f"The gripper has squeezed for long: it goes on with {self._guard.share:.0%} of its current, "
                        "so that its servo stays cool, until it has let go."
                    )
                )


def squeezes(model: ArmModel) -> bool:
    """Whether the gripper's effort can be told and limited."""
    return model.joints[-1].current_limit_ma is not None or not MODELS[model.joints[-1].servo].measures_current


def gripper_share(model: ArmModel, state: JointState) -> float:
    """The gripper's effort as a share of what it may have; nan where it is not measured."""
    gripper, effort = model.joints[-1], float(state.effort[-1])
    if state.effort_unit[-1] == "mA":
        return effort / (gripper.current_limit_ma or math.nan)
    return effort / 1000.0
