"""Floods the safety gate with whatever could come in, and looks at every command that comes out.

`fuzz_gate` is run with a few thousand inputs by the tests and with a million by the benchmark.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.arms import ARMS
from drivers.arms.model import ArmModel
from drivers.kinematics import Chain
from drivers.samples import JointState
from teleop_studio.control.safety import MAX_STEP_S, SafetyGate
from teleop_studio.control.workspace_limit import workspace_limit

Array = NDArray[np.float64]

_RIDE = 250  # inputs for one gate, then another arm, box and start
_ODD_DT_S = (0.0, -0.01, math.nan, math.inf, -math.inf, 1e-300, 1e300, 3600.0)
_ODD_VALUES = (math.nan, math.inf, -math.inf, 1e300, -1e300, 1e-300, 7.0, -7.0)


@dataclass
class Found:
    """What a ride showed. `unsafe` sentences, the first ones of each kind."""

    counts: Counter[str] = field(default_factory=Counter)
    unsafe: list[str] = field(default_factory=list)

    def blame(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        if len(self.unsafe) < 20:
            self.unsafe.append(f"{kind}: {text}")


def fuzz_gate(count: int, seed: int) -> dict[str, object]:
    """`count` random inputs. Returns counts of what was fed and seen; `unsafe` and `errors` have to be empty.

    Fed: nan, infinite and huge values, wrong shapes, jumps, stale and future stamps, time that runs backwards or leaps,
    readings with broken joints, engage, hand-over and hold in between; for each arm in turn, with and without a box.
    """
    rng = np.random.default_rng(seed)
    found = Found()
    arms = [arm for arm in ARMS.values() if len(arm.joints) > 1]
    done = 0
    while done < count:
        arm = arms[int(rng.integers(len(arms)))]
        todo = min(_RIDE, count - done)
        _Ride(arm, rng, found, boxed=bool(arm.links) and bool(rng.random() < 0.5)).run(todo)
        done += todo
    unsafe = sum(found.counts[kind] for kind in ("limit", "speed", "acceleration", "box", "not a number", "shape"))
    return {
        "inputs": done,
        "commands": found.counts["command"],
        "refused": found.counts["refused"],
        "waited": found.counts["waited"],
        "value_errors": found.counts["ValueError"],
        "errors": found.counts["uncaught"],
        "unsafe": unsafe,
        "examples": found.unsafe,
    }


class _Ride:
    """One gate, from an engage on."""

    def __init__(self, arm: ArmModel, rng: np.random.Generator, found: Found, boxed: bool) -> None:
        self._arm, self._rng, self._found = arm, rng, found
        self._lower, self._upper = arm.lower, arm.upper
        self._speed_limit = arm.max_speed + 1e-6
        self._acceleration = arm.max_acceleration
        self._size = len(arm.joints)
        self._chain = Chain(arm) if boxed else None
        self._walls = self._draw_box() if boxed else None
        box = None
        if self._chain is not None and self._walls is not None:
            box = workspace_limit(arm, *self._walls)
        self._gate = SafetyGate(arm, box=box)
        self._led = bool(rng.random() < 0.5)  # by a leader, whose jumps and distance count, or by a policy
        self._now_ns = int(rng.integers(1, 10**12))
        self._goal = self._pose()
        self._heading: Array = np.zeros(self._size)
        self._commands: list[Array] = []
        self._last: Array | None = None
        self._speed: Array = np.zeros(self._size)

    def run(self, count: int) -> None:
        self._engage(self._start())
        kinds, dice = self._rng.integers(0, 40, count), self._rng.random((count, 4))
        for kind, roll in zip(kinds.tolist(), dice.tolist(), strict=True):
            try:
                self._feed(kind, roll)
            except ValueError:
                # Documented, for programming faults: no time between two commands, a pose of another arm.
                self._found.counts["ValueError"] += 1
            except Exception as error:
                self._found.blame("uncaught", f"{type(error).__name__}: {error}")
        self._check_box()

    def _feed(self, kind: int, roll: list[float]) -> None:
        if kind == 0:
            self._engage(self._odd_pose() if roll[0] < 0.3 else self._start())
            return
        if kind == 1:
            self._gate.hand_over()
        # A leader's jump costs half a second of standing still: not too many of them.
        if (kind == 2 and roll[2] < 0.2) or (kind in (2, 4, 5) and not self._led):
            self._goal = self._pose()
        elif kind > 37 and self._last is not None:
            # Where it is, so that the soft start is over, and off at up to twice the speed allowed.
            self._goal = self._last
            self._heading = (self._rng.random(self._size) - 0.5) * 4 * self._speed_limit
        self._now_ns += int(roll[1] * 2e7) if kind != 7 else int((roll[1] - 0.7) * 2e10)
        dt_s = 0.01
        if kind in (8, 9):
            dt_s = _ODD_DT_S[int(roll[2] * len(_ODD_DT_S))]
        elif kind < 20:
            dt_s = 0.0005 + 0.05 * roll[2]
        reading = self._reading(kind, roll[3]) if self._led else None
        verdict = self._gate.limit(self._request(kind, roll[0]), reading, self._now_ns, dt_s)
        self._found.counts["refused"] += bool(verdict.reason)
        self._found.counts["waited"] += bool(verdict.waiting)
        self._check(verdict.action, min(dt_s, MAX_STEP_S))

    def _request(self, kind: int, roll: float) -> Array | None:
        if kind < 30 or kind > 36:
            # Mostly a source that moves on, as real ones do, and turns back beyond the joint limits.
            goal = self._goal + self._heading * 0.01
            self._heading = np.where(
                (goal > self._upper + 0.3) | (goal < self._lower - 0.3), -self._heading, self._heading
            )
            self._goal = goal
            return goal
        if kind == 30:
            return None
        if kind == 31:
            return np.zeros(int(roll * (self._size + 3)))
        if kind == 32:
            return np.zeros((self._size, 2))
        odd = self._pose()
        odd[int(roll * self._size)] = _ODD_VALUES[int(roll * 997) % len(_ODD_VALUES)]
        return odd

    def _reading(self, kind: int, roll: float) -> JointState:
        position = self._goal
        if kind == 35 and roll < 0.2:
            position = self._pose() + 2 * math.pi * round(6 * roll - 3)
        elif kind == 37 and roll < 0.2:
            position = self._odd_pose()
        stamp_ns = self._now_ns - int(roll * 5e6)
        if kind in (33, 39):
            stamp_ns += int((roll - 0.5) * 1e10)
        zeros, age = np.zeros(self._size), np.zeros(self._size, np.int64)
        if kind == 21:
            age[0] = int(roll * 3e8)
        return JointState(stamp_ns, position, zeros, zeros, ("mA",) * self._size, age, np.zeros(self._size, np.bool_))

    def _engage(self, pose: Array) -> None:
        self._gate.engage(pose)
        self._check_box()
        self._last = self._gate.command
        self._speed = np.zeros(self._size)
        if self._chain is not None and self._last is not None:
            self._commands = [self._last]

    def _check(self, command: Array, dt_s: float) -> None:
        assert self._last is not None
        self._found.counts["command"] += 1
        if command.shape != self._last.shape:
            self._found.blame("shape", f"{command.shape}")
            return
        # nan fails each of these comparisons too.
        if not ((command >= self._lower) & (command <= self._upper)).all():
            self._found.blame("limit", f"{self._arm.name}: {command}")
        # A step that is lost in the rounding of the command says nothing about its speed.
        rounding = 1e-15 * 8 / dt_s
        speed = (command - self._last) / dt_s
        if not (np.abs(speed) <= self._speed_limit + rounding).all():
            self._found.blame("speed", f"{self._arm.name}: {speed} after {dt_s} s")
        change = np.abs(speed - self._speed)
        if not (change <= self._acceleration * dt_s + 1e-6 + 2 * rounding).all() and rounding < 1:
            self._found.blame("acceleration", f"{self._arm.name}: {change} in {dt_s} s")
        if rounding < 1e-3:
            self._speed = speed
        else:
            # Hidden in the rounding: the gate goes on with the speed it meant.
            self._speed = self._gate.speed
        self._last = command
        if self._chain is not None:
            self._commands.append(command)

    def _check_box(self) -> None:
        """All commands since the last engage at once: no wall is passed by more than the start was beyond it."""
        if self._chain is None or self._walls is None or not self._commands:
            return
        tips = self._chain.forward(np.array(self._commands))
        beyond = np.maximum(self._walls[0] - tips, tips - self._walls[1]).clip(0)
        worst = (beyond - beyond[0]).max()
        if not worst <= 1e-9:
            self._found.blame("box", f"{self._arm.name}: {worst} m beyond")
        self._commands = []

    def _draw_box(self) -> tuple[Array, Array]:
        assert self._chain is not None
        tips = self._chain.forward(self._lower + self._rng.random((8, self._size)) * (self._upper - self._lower))
        lower, upper = np.quantile(tips, 0.2, axis=0), np.quantile(tips, 0.8, axis=0)
        lower[self._rng.random(3) < 0.3], upper[self._rng.random(3) < 0.3] = -np.inf, np.inf
        return lower, upper

    def _start(self) -> Array:
        """A pose to start from; with a box mostly one inside it."""
        pose = self._pose()
        if self._chain is None or self._walls is None or self._rng.random() < 0.2:
            return pose
        poses = self._lower + self._rng.random((16, self._size)) * (self._upper - self._lower)
        tips = self._chain.forward(poses)
        inside = np.flatnonzero(((tips >= self._walls[0]) & (tips <= self._walls[1])).all(axis=1))
        return poses[inside[0]] if len(inside) else pose

    def _pose(self) -> Array:
        pose: Array = self._lower + self._rng.random(self._size) * (self._upper - self._lower)
        return pose

    def _odd_pose(self) -> Array:
        if self._rng.random() < 0.3:
            return np.zeros(self._size + 1)
        pose = self._pose()
        pose[int(self._rng.integers(self._size))] = _ODD_VALUES[int(self._rng.integers(len(_ODD_VALUES)))]
        return pose
