"""A port that went away: opened again by the same name as soon as it is back, without ever putting torque on."""

from collections.abc import Callable
from typing import Any

from drivers.clock import Clock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.transport import ByteLine, open_transport
from drivers.errors import DriverError, WrongArm, WrongServo
from teleop_studio.control.loop import ControlLoop
from teleop_studio.processes.arms import Arm
from teleop_studio.processes.messages import Warned
from teleop_studio.rig import RigConfig

_EVERY_NS = 500_000_000


class PortReturn:
    """`step` once per tick; `ports` by role as `open_transport` takes them, None for what can not be opened again."""

    def __init__(
        self,
        rig: RigConfig,
        arms: dict[str, Arm],
        ports: dict[str, str | ByteLine | None],
        loop: ControlLoop,
        clock: Clock,
        say: Callable[[Any], None],
    ) -> None:
        self._rig, self._arms, self._ports = rig, arms, ports
        self._loop, self._clock, self._say = loop, clock, say
        self._tried_ns = 0
        self._refused: dict[str, str] = {}  # which other arm was found on a port, told once

    def step(self, watchdog_ms: int) -> None:
        """`watchdog_ms` that the follower's servos may go without a word while it drives."""
        if not (self._loop.leader_lost or self._loop.follower_lost):
            return
        now_ns = self._clock.now_ns()
        if now_ns - self._tried_ns < _EVERY_NS:
            return
        self._tried_ns = now_ns
        if self._loop.follower_lost and self._back("follower"):
            self._loop.follower_lost = False
        if self._loop.leader_lost:
            self._open_leader(watchdog_ms)

    def _open_leader(self, watchdog_ms: int) -> None:
        follower = self._arms["follower"]
        guarded = self._loop.driving and not self._loop.follower_lost
        try:
            if guarded:
                # Opening takes longer than the watchdog waits: this is a pause that is meant.
                follower.watchdog(0)
            if self._back("leader"):
                self._loop.leader_lost = False
            if guarded:
                follower.watchdog(watchdog_ms)
        except DriverError:
            pass  # the follower's line: its next reading says so

    def _back(self, role: str) -> bool:
        arm, port = self._arms[role], self._ports[role]
        if port is None or not isinstance(arm, DynamixelArm):
            return False
        config = self._rig.leader if role == "leader" else self._rig.follower
        try:
            transport = open_transport(port, arm.model.baud, self._clock)
        except DriverError:
            return False
        try:
            arm.reconnect(transport, config.fingerprint)
            if role == "leader":
                arm.torque_off()
                arm.power_springs()
        except (WrongServo, WrongArm) as error:
            if self._refused.get(role) != str(error):
                self._refused[role] = str(error)
                self._say(Warned(f"The {role} is not taken up again: another arm is on its port. {error}"))
            return False
        except DriverError:
            return False  # still starting, or not plugged in all the way: the next attempt tells
        self._refused.pop(role, None)
        torque = "" if role == "leader" else " Its torque was left as its servos have it."
        self._say(Warned(f"The {role} is back on {transport.name}. Resume to go on.{torque}"))
        return True
