"""Gives the joints of an arm their torque, limits it, and takes it away."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.arm_goals import ArmGoals
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.arm_watch import WATCHDOG_UNIT_MS, ArmWatch
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.servo_repair import SteppedWork, effort_packet, engage_steps, repair_steps
from drivers.dynamixel.sync import SyncWrite
from drivers.dynamixel.torque_off import take_torque_off
from drivers.errors import BusError

_LOG = logging.getLogger(__name__)
_LONGEST_WATCHDOG: Final = 127


class ArmPower:
    """The torque of all S servos. Tells `watch` which of them are to hold.

    `under_repair` are the places of servos that are being restarted: nothing here reaches those.
    """

    def __init__(
        self,
        model: ArmModel,
        servos: Sequence[ArmServo],
        bus: DynamixelBus,
        clock: Clock,
        goals: ArmGoals,
        watch: ArmWatch,
    ) -> None:
        self._model, self._servos, self._bus, self._clock = model, servos, bus, clock
        self._goals, self._watch = goals, watch
        self._effort = 1.0
        self._work: SteppedWork | None = None
        self._repairing = False
        self._holding = False
        self.under_repair: list[int] = []

    def on(self, goals: NDArray[np.int32]) -> None:
        """Power every servo at its goal (S,), all at once, with full effort. Raises `ServoSilent`, `ServoRefused`."""
        # First the goal: at torque-on a servo turns to whatever goal it has, however old.
        for servo, goal in zip(self._servos, goals, strict=True):
            self._bus.write(servo.servo_id, servo.table.register("goal_position"), int(goal))
        self.limit_effort(1.0)
        # All at once, so that the arm does not stiffen joint by joint; then each has to confirm.
        self._bus.send(self._group("torque_enable", 1))
        self._watch.powered.update(range(len(self._servos)))
        for servo in self._servos:
            self._bus.write(servo.servo_id, servo.table.register("torque_enable"), 1)

    def off(self) -> list[str]:
        """Every servo that can be reached goes limp; the joints that did not confirm. Never raises for the bus."""
        self.give_up()
        self._watch.forget()
        self._watch.watchdog = 0
        missed = take_torque_off(self._bus, self._servos)
        if missed:
            names = ", ".join(servo.name for servo in missed)
            _LOG.warning("%s: %s did not confirm torque off", self._model.name, names)
        with suppress(BusError):
            self.arm_watchdog(0)
        return [name for name in self._model.names if any(servo.joint.name == name for servo in missed)]

    def begin_soft(self, goals: NDArray[np.int32], share: float) -> None:
        """Power every servo at its goal (S,), up to `share` of its effort, by `step`."""
        self.give_up()
        self._effort, self._holding = share, True
        self._work = SteppedWork(self._bus, engage_steps(self._bus, self._clock, self._servos, goals.tolist(), share))

    def begin_repair(self, row: int) -> list[int]:
        """Restart the servos of joint `row` by `step`; their places."""
        self.give_up()
        indices = [index for index, servo in enumerate(self._servos) if servo.row == row]
        self._holding = bool(self._watch.powered)
        self._watch.powered.difference_update(indices)
        self._watch.unprepared.update(indices)
        self._watch.forgive(indices)
        self.under_repair, self._repairing = indices, True
        servos, effort = [self._servos[index] for index in indices], self._effort if self._holding else None
        self._work = SteppedWork(self._bus, repair_steps(self._bus, self._clock, self._goals, servos, effort))
        return indices

    def step(self, repair: bool) -> str | None:
        """The next step of what was begun: None while it is under way, then "" or the sentence why it failed.

        "" also when nothing of that kind is under way. Raises `PortLost`.
        """
        if self._work is None or self._repairing != repair:
            return ""
        problem = self._work.step()
        if problem is None:
            return None
        indices, alerted = self.under_repair or list(range(len(self._servos))), self._work.alerted
        self.give_up()
        if not problem:
            self._watch.unprepared.difference_update(indices)
            if self._holding:
                self._watch.powered.update(indices)
            self.arm_watchdog(self._watch.watchdog * WATCHDOG_UNIT_MS)
        elif repair and self._holding and not alerted:
            # An alert shows for itself in every reading; this joint would only be limp.
            self._watch.keeps_limp(indices)
        return problem

    def give_up(self) -> None:
        """End what was begun, where it is."""
        self._work, self._repairing = None, False
        self.under_repair = []

    def limit_effort(self, share: float) -> None:
        """As `DynamixelArm.set_effort_limit`."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"effort limit {share:g} is no share: give 0 to 1")
        self._effort = share
        self._limit(range(len(self._servos)), share)

    def limit_joint(self, row: int, share: float) -> None:
        """As `limit_effort`, for one joint, as a share of what all have."""
        self._limit([index for index, servo in enumerate(self._servos) if servo.row == row], share * self._effort)

    def springs(self) -> None:
        """As `DynamixelArm.power_springs`."""
        self.limit_effort(1.0)  # mirroring may have left less
        opened = self._goals.calibration.to_ticks(self._model.upper)
        for index, servo in enumerate(self._servos):
            if servo.joint.spring_ma is None or servo.second:
                continue
            current = servo.table.current_counts(servo.joint.spring_ma)
            self._bus.write(servo.servo_id, servo.table.register("goal_current"), current)
            self._bus.write(servo.servo_id, servo.table.register("goal_position"), int(opened[servo.row]))
            self._bus.write(servo.servo_id, servo.table.register("torque_enable"), 1)
            self._watch.powered.add(index)

    def arm_watchdog(self, ms: int) -> None:
        """As `DynamixelArm.watchdog`."""
        units = -(-ms // WATCHDOG_UNIT_MS)
        if not 0 <= units <= _LONGEST_WATCHDOG:
            longest_ms = _LONGEST_WATCHDOG * WATCHDOG_UNIT_MS
            raise ValueError(f"a bus watchdog of {ms} ms is not possible: give 0 (off) to {longest_ms}")
        self._watch.watchdog = units
        self._bus.send(self._group("bus_watchdog", units))

    def free_from_watchdog(self, position: NDArray[np.float64] | None) -> None:
        """Let stopped servos listen again: watchdog off, goals := `position` (D,), armed anew."""
        packets = self._group("bus_watchdog", 0)
        if position is not None:
            packets += self._goals.clipped_packet(position)
        self._bus.send(packets + self._group("bus_watchdog", self._watch.watchdog))

    def _limit(self, indices: Sequence[int], share: float) -> None:
        servos = [self._servos[index] for index in indices if index not in self.under_repair]
        if servos:
            self._bus.send(effort_packet(servos, share))

    def _group(self, register: str, value: int) -> bytes:
        ids = [servo.servo_id for servo in self._servos]
        return SyncWrite(ids, self._servos[0].table.register(register)).packet(np.full(len(ids), value))
