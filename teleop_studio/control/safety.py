"""The one gate between any action source and the follower: limits, soft start, freshness. Pure: time comes in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.samples import JointState


@dataclass(frozen=True)
class SafetyLimits:
    """What the gate allows. Speeds and accelerations per joint come from the `ArmModel`.

    `soft_start_speed` joint units/s while a new source is being approached; `aligned_gap` joint units below which
    the approach is over. `stale_ms`: the source's reading older than this means hold.
    """

    soft_start_speed: float = 0.6
    aligned_gap: float = 0.06
    stale_ms: float = 100.0


@dataclass(frozen=True)
class Verdict:
    """What the gate let through and why. `action` (D,) is safe to send."""

    action: NDArray[np.float64]
    aligning: bool
    gap: float
    reason: str = ""


class SafetyGate:
    """Turns requests into commands that can not jump.

    Every command lies within the joint limits, moves at most `max_speed` and changes speed by at most
    `max_acceleration` per second, whatever the time between commands. A standing goal is never passed. After
    `engage`, `hand_over` and every refused request, what comes next is approached at `soft_start_speed` until every
    joint is within `aligned_gap`: the first-motion guard at each start, resume, hand-over and lost source.
    """

    def __init__(self, arm: ArmModel, limits: SafetyLimits | None = None) -> None:
        self.limits = limits or SafetyLimits()
        self._arm = arm
        self._lower, self._upper = arm.lower, arm.upper
        self._max_speed, self._max_acceleration = arm.max_speed, arm.max_acceleration
        self._command: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] = np.zeros(len(arm.joints))
        self._aligning = True

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the D joints, in vector order."""
        return self._arm.names

    @property
    def command(self) -> NDArray[np.float64] | None:
        """The last command (D,), None before the first `engage`."""
        return None if self._command is None else self._command.copy()

    @property
    def aligning(self) -> bool:
        return self._aligning

    def engage(self, command: NDArray[np.float64]) -> None:
        """Start from `command` (D,), at rest, and approach whatever is requested next softly.

        Raises `ValueError` for a pose of another arm or one that is not a number.
        """
        pose = np.asarray(command, np.float64)
        if pose.shape != self._lower.shape or not np.all(np.isfinite(pose)):
            raise ValueError(f"the follower can not start from {pose}: it has {len(self._lower)} joints")
        self._command = np.clip(pose, self._lower, self._upper)
        self._speed = np.zeros_like(self._command)
        self._aligning = True

    def hand_over(self) -> None:
        """Approach the next source softly, from the last command and its speed: a moving arm brakes first."""
        self._aligning = True

    def limit(
        self, requested: NDArray[np.float64] | None, reading: JointState | None, now_ns: int, dt_s: float
    ) -> Verdict:
        """The command for this tick.

        `requested` (D,) or None for hold. `reading` is the arm reading that the request rests on (the leader's, for
        a leader source), None when it rests on none. `dt_s` > 0 time since the last command.
        Raises `RuntimeError` before the first `engage`, `ValueError` when no time has passed.
        """
        if self._command is None:
            raise RuntimeError("the safety gate was asked for a command before it was engaged with the arm's pose")
        if not dt_s > 0:
            raise ValueError(f"dt_s = {dt_s}: time must pass between two commands")
        reason = self._refusal(requested, reading, now_ns)
        target = self._command if reason or requested is None else np.clip(requested, self._lower, self._upper)
        gap = float(np.max(np.abs(target - self._command)))
        if reason:
            # While it was not listened to, the source may have gone far away.
            self._aligning = True
        elif requested is not None and gap < self.limits.aligned_gap:
            self._aligning = False
        top_speed = self._max_speed
        if self._aligning:
            top_speed = np.minimum(top_speed, self.limits.soft_start_speed)
        self._advance(target, top_speed, dt_s)
        return Verdict(self._command.copy(), self._aligning, gap, reason)

    def _refusal(self, requested: NDArray[np.float64] | None, reading: JointState | None, now_ns: int) -> str:
        if requested is None:
            return ""
        if requested.shape != self._lower.shape:
            return f"the request has {requested.shape} values, the follower has {len(self._lower)} joints: holding"
        if not np.all(np.isfinite(requested)):
            bad = [name for name, value in zip(self._arm.names, requested, strict=True) if not np.isfinite(value)]
            return f"the request is not a number for {', '.join(bad)}: holding"
        if reading is None:
            return ""
        age_ms = (now_ns - reading.stamp_ns + float(np.max(reading.age_ns, initial=0))) * 1e-6
        if age_ms > self.limits.stale_ms:
            return f"the leader's reading is {age_ms:.0f} ms old (limit {self.limits.stale_ms:.0f} ms): holding"
        return ""

    def _advance(self, target: NDArray[np.float64], top_speed: NDArray[np.float64], dt_s: float) -> None:
        assert self._command is not None
        step_speed = self._max_acceleration * dt_s
        error = target - self._command
        # The largest v with v dt + v^2 / 2a <= |error|: after this step the joint can still stop at its target, however
        # long the coming steps are. Every speed allowed before stays allowed, so braking at `max_acceleration` does.
        braking = np.sqrt(step_speed**2 + 2 * self._max_acceleration * np.abs(error)) - step_speed
        wish = np.sign(error) * np.minimum(top_speed, braking)
        self._speed = np.clip(wish, self._speed - step_speed, self._speed + step_speed)
        # Rounding only: the speed above never leads beyond a limit.
        self._command = np.clip(self._command + self._speed * dt_s, self._lower, self._upper)
