"""The one gate between any action source and the follower: limits, first motion, jumps, freshness. Pure: time comes in.

What it is made of: `first_motion` (soft start and refusal), `jump_watch`, `workspace_limit`. What watches the arm after
its command has been sent: `follow_watch`, `gripper_guard`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.samples import JointState
from teleop_studio.control.first_motion import FirstMotionGuard, FirstMotionLimits, Waiting
from teleop_studio.control.jump_watch import JumpLimits, JumpWatch
from teleop_studio.control.workspace_limit import WorkspaceLimit

Array = NDArray[np.float64]

# However late a command comes, it takes no longer step than this.
MAX_STEP_S = 0.1
_ROUNDING = 1e-9
_SHARES = (1.0, 0.5, 0.25, 0.125, 0.0625)


@dataclass(frozen=True)
class SafetyLimits(FirstMotionLimits):
    """What the gate allows. Speeds and accelerations per joint come from the `ArmModel`.

    `stale_ms`: a reading older than this, or as far in the future, means hold. `jump_settle_s` of standing still
    after the leader has jumped.
    """

    stale_ms: float = 100.0
    jump: JumpLimits = field(default_factory=JumpLimits)
    jump_settle_s: float = 0.5


@dataclass(frozen=True)
class Verdict:
    """What the gate let through and why. `action` (D,) is safe to send.

    `reason` why the request was refused as faulty. `waiting` why a good one is not followed yet, `news` what the
    operator should hear about it, once.
    """

    action: Array
    aligning: bool
    gap: float
    reason: str = ""
    waiting: Waiting = Waiting.NOTHING
    news: str = ""


class SafetyGate:
    """Turns requests into commands that can not jump.

    Every command lies within the joint limits, moves at most `max_speed` and changes speed by at most
    `max_acceleration` per second, whatever the time between commands. A standing goal is never passed. With a `box`
    the gripper's tip never leaves it, its braking way included; the arm then brakes all joints in proportion, so that
    the way to standstill is known. After `engage`, `hand_over`, every refused request and every jump of the leader,
    what comes next is approached at `soft_start_speed` until every joint is within `aligned_gap`, and a leader further
    than `refuse_gap` is not approached at all.
    """

    def __init__(self, arm: ArmModel, limits: SafetyLimits | None = None, box: WorkspaceLimit | None = None) -> None:
        self.limits = limits or SafetyLimits()
        self._arm, self._box = arm, box
        self._lower, self._upper = arm.lower, arm.upper
        self._max_speed, self._max_acceleration = arm.max_speed, arm.max_acceleration
        self._soft_speed = np.minimum(self._max_speed, self.limits.soft_start_speed)
        self._guard = FirstMotionGuard(arm, self.limits)
        self._jumps = JumpWatch(arm, self.limits.jump)
        self._command: Array | None = None
        self._speed: Array = np.zeros(len(arm.joints))
        self._at_wall = False

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the D joints, in vector order."""
        return self._arm.names

    @property
    def command(self) -> Array | None:
        """The last command (D,), None before the first `engage`."""
        return None if self._command is None else self._command.copy()

    @property
    def speed(self) -> Array:
        """Of the last command (D,), joint units/s."""
        return self._speed.copy()

    @property
    def aligning(self) -> bool:
        return self._guard.aligning

    def engage(self, command: Array) -> None:
        """Start from `command` (D,), at rest, and approach whatever is requested next softly.

        Raises `ValueError` for a pose of another arm or one that is not a number.
        """
        pose = np.asarray(command, np.float64)
        if pose.shape != self._lower.shape or not np.all(np.isfinite(pose)):
            raise ValueError(f"the follower can not start from {pose}: it has {len(self._lower)} joints")
        self._command = np.clip(pose, self._lower, self._upper)
        self._speed = np.zeros_like(self._command)
        if self._box is not None:
            self._box.start(self._command)
        self.hand_over()

    def hand_over(self) -> None:
        """Approach the next source softly, from the last command and its speed: a moving arm brakes first."""
        self._guard.restart()
        self._jumps.forget()

    def limit(
        self,
        requested: Array | None,
        reading: JointState | None,
        now_ns: int,
        dt_s: float,
        follower: JointState | None = None,
    ) -> Verdict:
        """The command for this tick.

        `requested` (D,) or None for hold. `reading` is the arm reading that the request rests on (the leader's, for
        a leader source), None when it rests on none; `follower` the follower's own. `dt_s` > 0 time since the last
        command. Raises `RuntimeError` before the first `engage`, `ValueError` when no time has passed.
        """
        if self._command is None:
            raise RuntimeError("the safety gate was asked for a command before it was engaged with the arm's pose")
        if not dt_s > 0:
            raise ValueError(f"dt_s = {dt_s}: time must pass between two commands")
        dt_s = min(dt_s, MAX_STEP_S)
        reason = self._refusal(requested, reading, now_ns) or self._stale("follower", follower, now_ns)
        target, gap, news = self._command, 0.0, ""
        waiting = Waiting.NOTHING
        if reason:
            # While it was not listened to, the source may have gone far away.
            self._guard.restart()
        elif requested is not None:
            inside = np.minimum(np.maximum(requested, self._lower), self._upper)
            ahead = inside - self._command
            gap = float(np.abs(ahead).max())
            if reading is not None:
                news = self._watch_jumps(reading, ahead)
            away = requested - self._command
            waiting = self._guard.judge(away, gap, reading is not None, dt_s)
            if waiting is Waiting.NOTHING:
                target = inside
        self._advance(target, self._soft_speed if self._guard.aligning else self._max_speed, dt_s)
        if waiting is Waiting.NOTHING and self._at_wall:
            waiting = Waiting.BOX
        return Verdict(self._command.copy(), self._guard.aligning, gap, reason, waiting, news)

    def too_far(self, requested: Array) -> str:
        """The joints in which `requested` (D,) is too far away to be approached, and by how much; "" when none is."""
        return "" if self._command is None else self._guard.too_far(requested - self._command)

    def _watch_jumps(self, reading: JointState, ahead: Array) -> str:
        jumped = self._jumps.step(reading, ahead, not self._guard.aligning)
        if not jumped:
            return ""
        self._guard.restart(self.limits.jump_settle_s)
        return f"The leader jumped: {jumped}. The follower holds for a moment, then comes to it slowly."

    def _refusal(self, requested: Array | None, reading: JointState | None, now_ns: int) -> str:
        if requested is None:
            return ""
        if requested.shape != self._lower.shape:
            return f"the request has {requested.shape} values, the follower has {len(self._lower)} joints: holding"
        if not np.isfinite(requested).all():
            bad = [name for name, value in zip(self._arm.names, requested, strict=True) if not np.isfinite(value)]
            return f"the request is not a number for {', '.join(bad)}: holding"
        return self._stale("leader", reading, now_ns)

    def _stale(self, whose: str, reading: JointState | None, now_ns: int) -> str:
        if reading is None:
            return ""
        age_ms = (now_ns - reading.stamp_ns + float(reading.age_ns.max(initial=0))) * 1e-6
        if age_ms > self.limits.stale_ms:
            return f"the {whose}'s reading is {age_ms:.0f} ms old (limit {self.limits.stale_ms:.0f} ms): holding"
        if not age_ms >= -self.limits.stale_ms:
            return f"the {whose}'s reading comes from {-age_ms:.0f} ms in the future: holding"
        return ""

    def _advance(self, target: Array, top_speed: Array, dt_s: float) -> None:
        assert self._command is not None
        step_speed = self._max_acceleration * dt_s
        error = target - self._command
        # The largest v with v dt + v^2 / 2a <= |error|: after this step the joint can still stop at its target, however
        # long the coming steps are. Every speed allowed before stays allowed, so braking at `max_acceleration` does.
        twice = 2 * self._max_acceleration * np.abs(error)
        braking = twice / (np.sqrt(step_speed**2 + twice) + step_speed)
        wish = np.copysign(np.minimum(top_speed, braking), error)
        speed = np.minimum(np.maximum(wish, self._speed - step_speed), self._speed + step_speed)
        if self._box is not None:
            speed = self._within_box(self._box, speed, dt_s)
        # Rounding only: the speed above never leads beyond a limit.
        command = np.minimum(np.maximum(self._command + speed * dt_s, self._lower), self._upper)
        self._speed, self._command = speed, command

    def _within_box(self, box: WorkspaceLimit, speed: Array, dt_s: float) -> Array:
        """`speed`, or as much of it as leaves a proven way to standstill; in the end braking along the way proven.

        Braking all joints in proportion leads along a straight line in joint space, of which every part was proven
        when the arm set out on it, whatever the time steps.
        """
        assert self._command is not None
        brake: Array = self._speed * (1 - min(1.0, dt_s / self._stopping_s(self._speed)))
        speed = self._short_of_limits(speed, dt_s)
        self._at_wall = False
        for share in _SHARES:
            tried: Array = brake + share * (speed - brake)
            if self._stops_inside(box, tried, dt_s):
                break
        else:
            tried = brake
        box.moved(tried * dt_s)
        return tried

    def _stopping_s(self, speed: Array) -> float:
        """How long it takes to stop all joints in proportion, s."""
        return max(float((np.abs(speed) / self._max_acceleration).max()), 1e-12)

    def _stops_inside(self, box: WorkspaceLimit, speed: Array, dt_s: float) -> bool:
        assert self._command is not None
        way = speed * (dt_s + 0.5 * self._stopping_s(speed))
        end = self._command + way
        if (end < self._lower - _ROUNDING).any() or (end > self._upper + _ROUNDING).any():
            return False
        inside = box.allows(self._command, way)
        self._at_wall |= not inside
        return inside

    def _short_of_limits(self, speed: Array, dt_s: float) -> Array:
        """Slower where a joint limit would come before the standstill of the slowest joint to stop."""
        assert self._command is not None
        room = np.where(speed > 0, self._upper - self._command, self._command - self._lower)
        slower = np.minimum(np.abs(speed), room / (dt_s + 0.5 * self._stopping_s(speed)))
        step_speed = self._max_acceleration * dt_s
        wish = np.copysign(slower, speed)
        short: Array = np.minimum(np.maximum(wish, self._speed - step_speed), self._speed + step_speed)
        return short
