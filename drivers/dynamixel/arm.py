"""An arm of DYNAMIXEL servos: joint units in and out, whatever hangs on the line."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.arm_checks import AT_LIMIT, near_limits, refuse_alerts, refuse_silence
from drivers.dynamixel.arm_goals import ArmGoals
from drivers.dynamixel.arm_servos import arm_servos
from drivers.dynamixel.arm_watch import WATCHDOG_UNIT_MS, ArmWatch
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.bus_statistics import BusStatistics
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.fingerprint import check_fingerprint, find_servos, fingerprint
from drivers.dynamixel.joint_reader import JointReader, ServoStates
from drivers.dynamixel.servo_repair import JointRepair, effort_packet, engage_steps
from drivers.dynamixel.servo_setup import prepare_servo
from drivers.dynamixel.slow_ring import SlowRing, error_words
from drivers.dynamixel.sync import SyncWrite
from drivers.dynamixel.torque_off import take_torque_off
from drivers.dynamixel.transport import Transport
from drivers.errors import BusError, DriverError, PortLost, ServoAlert, ServoSilent
from drivers.samples import JointState, ServoReading

_LOG = logging.getLogger(__name__)
_LONGEST_WATCHDOG = 127
_MODEL_NUMBER = 0, 2  # address and length


class DynamixelArm:
    """One arm on one bus.

    `connect` first; it never turns torque on. A servo that misses an exchange keeps its last values with growing
    `age_ns`; at the third miss in a row `ServoSilent` is raised until it answers again. A servo that restarted while
    powered has lost its torque: `ServoAlert` until `torque_on`, `torque_off` or its `begin_reboot`. Call `slow_read`
    once per control tick: it finds what the joint reading does not show.
    """

    def __init__(self, model: ArmModel, bus: DynamixelBus, clock: Clock) -> None:
        self.model = model
        self._bus, self._clock = bus, clock
        self.servos = arm_servos(model)
        bus.names = {servo.servo_id: servo.name for servo in self.servos}
        bus.baud = model.baud
        self._goals = ArmGoals(model, self.servos)
        self._reader = JointReader(self.servos, bus, clock)
        self._ring = SlowRing(self.servos, bus, clock)
        self._watch = ArmWatch(model, self.servos, bus, self._reader, self._ring)
        self._pairs = len(self.servos) > len(model.joints)
        self._last: JointState | None = None
        self._effort = 1.0
        self._repair: JointRepair | None = None
        self._power: Iterator[None] | None = None
        self._under_repair: list[int] = []

    @property
    def statistics(self) -> BusStatistics:
        return self._bus.statistics

    @property
    def calibration(self) -> Calibration:
        """Ticks to joint units, in the turns that multi-turn servos stand in now."""
        return self._goals.calibration

    def fingerprint(self) -> str:
        """What tells this arm from another of its kind; see `drivers.dynamixel.fingerprint`. Needs no `connect`.

        Raises `ServoSilent`, `PortLost`.
        """
        return fingerprint(self._bus, [servo.servo_id for servo in self.servos])

    def connect(self, expected_fingerprint: str = "") -> None:
        """Find every servo, check its model, set it up. An arm found holding goes on holding where it can.

        Raises `ServoSilent`, `WrongServo`, `WrongArm` (also for another fingerprint than the expected one), before
        anything is changed; then `ServoRefused`, `NotCalibrated` (a joint that may be in several turns), `ServoAlert`
        (two servos of one joint disagree), `PortLost`.
        """
        find_servos(self._bus, self.model, self.servos)
        if expected_fingerprint:
            ids = [servo.servo_id for servo in self.servos]
            check_fingerprint(self._bus, self.model, ids, expected_fingerprint)
        for servo in self.servos:
            prepare_servo(self._bus, servo, self._goals.limits(servo))
        self._end_repair()
        self._watch.forget()
        self._watch.unprepared.clear()
        self._watch.watchdog = 0
        self._reader.forget()
        self._last = None
        states = self._servos_fresh()
        for row in range(len(self.model.joints)):
            self._goals.find_turn(row, int(states.values["position"][row]))
        self._goals.refuse_disagreement(states.values)
        self.read()

    def reconnect(self, transport: Transport, expected_fingerprint: str = "") -> None:
        """Go on at a line that was opened again after `PortLost`; torque stays as the servos have it.

        Raises as `connect` does; soon, when nobody is there to answer.
        """
        self._bus.move_to(transport)
        first = self.servos[0]
        if self._bus.ask(first.servo_id, *_MODEL_NUMBER) is None:
            raise ServoSilent(f"{self._bus.label(first.servo_id)} on {self._bus.port} does not answer yet.")
        self.connect(expected_fingerprint)

    def read(self) -> JointState:
        """The state of all joints. Raises `ServoSilent`, `ServoAlert`, `PortLost`."""
        return self._exchange(b"")

    def command(self, position: NDArray[np.float64]) -> None:
        """Send goals (D,) in joint units. Raises `ValueError` for goals beyond the joint limits, `PortLost`."""
        self._bus.send(self._goals.packet(position))

    def command_and_read(self, position: NDArray[np.float64]) -> JointState:
        """`command` and `read` in one trip over the line."""
        return self._exchange(self._goals.packet(position))

    def slow_read(self) -> None:
        """Ask one servo for its slow registers; whatever is wrong there is raised by the next `read`.

        One short transaction. A restart of any servo is found within two rounds of 2 x S calls. Raises `PortLost`.
        """
        look = self._ring.step(self._reader.lost.union(self._under_repair))
        if look is None:
            return
        if self._watch.note(look):
            self._free_from_watchdog()
        elif look.watchdog not in (None, self._watch.watchdog):
            # It restarted, or missed the order.
            self.watchdog(self._watch.watchdog * WATCHDOG_UNIT_MS)

    def health(self) -> tuple[ServoReading, ...]:
        """What `slow_read` has found, of every servo. Asks nothing."""
        return self._ring.readings(self._clock.now_ns())

    def torque_on(self) -> None:
        """Power every joint where it stands, with full effort.

        Raises `DriverError`: a silent or protecting servo, a joint beyond its limits, two servos of a joint that
        disagree. Some joints may be powered then.
        """
        self._end_repair()
        armed_ms = self._watch.watchdog * WATCHDOG_UNIT_MS
        self.watchdog(0)
        for index in sorted(self._watch.unprepared):
            prepare_servo(self._bus, self.servos[index], self._goals.limits(self.servos[index]))
        self._reader.ask_everybody()
        states = self._servos_fresh()
        for row in {self.servos[index].row for index in self._watch.unprepared}:
            self._goals.find_turn(row, int(states.values["position"][row]))
        self._watch.forget()
        self._watch.unprepared.clear()
        if states.alert.any():
            refuse_alerts(self.model, self.alerts())
        self._goals.refuse_disagreement(states.values)
        self._goals.set_apart(states.values)
        goals = self._goals.servo_ticks(near_limits(self.model, self._joints(states).position))
        # First the goal: at torque-on a servo turns to whatever goal it has, however old.
        for servo, goal in zip(self.servos, goals, strict=True):
            self._bus.write(servo.servo_id, servo.table.register("goal_position"), int(goal))
        self.set_effort_limit(1.0)
        # All at once, so that the arm does not stiffen joint by joint; then each has to confirm.
        self._bus.send(self._group("torque_enable", 1))
        self._watch.powered.update(range(len(self.servos)))
        for servo in self.servos:
            self._bus.write(servo.servo_id, servo.table.register("torque_enable"), 1)
        self.watchdog(armed_ms)

    def begin_power(self, share: float) -> None:
        """Power every joint where it stands, softly and with at most `share` 0..1 of its effort: see `power_step`.

        Raises `DriverError`: a silent servo, a joint beyond its limits.
        """
        self._end_repair()
        goals = self._goals.servo_ticks(near_limits(self.model, self.read().position))
        self._effort = share
        self._power = engage_steps(self._bus, self._clock, self.servos, goals.tolist(), share)

    def power_step(self) -> str | None:
        """The next short step of `begin_power`: None while it is under way, then "" or the sentence why it failed.

        Raises `PortLost`.
        """
        if self._power is None:
            return ""
        try:
            with self._bus.hurried():
                next(self._power)
        except StopIteration:
            self._power = None
            self._watch.powered.update(range(len(self.servos)))
            return ""
        except PortLost:
            raise
        except DriverError as error:
            return str(error)
        return None

    def torque_off(self) -> list[str]:
        """Make every servo limp; one that fails does not keep the others powered.

        Returns the joints that did not confirm. Never raises for a servo or the port.
        """
        self._end_repair()
        self._watch.forget()
        self._watch.watchdog = 0
        missed = take_torque_off(self._bus, self.servos)
        if missed:
            names = ", ".join(servo.name for servo in missed)
            _LOG.warning("%s: %s did not confirm torque off", self.model.name, names)
        with suppress(BusError):
            self.watchdog(0)
        return [name for name in self.model.names if any(servo.joint.name == name for servo in missed)]

    def hold(self) -> None:
        """Goals := where the joints are now, or were when last seen.

        Raises `ServoSilent`, `ServoAlert` when the reading fails, but only after every joint that listens was told.
        """
        failure: BusError | None = None
        try:
            self._exchange(b"")
        except (ServoSilent, ServoAlert) as error:
            failure = error
        if self._last is not None:
            request = self._goals.clipped_packet(self._last.position)
            # Nobody confirms a Sync Write, so it goes twice.
            self._bus.send(request)
            self._bus.send(request)
        if failure is not None:
            raise failure

    def set_effort_limit(self, share: float) -> None:
        """Let each joint use at most `share` 0..1 of its allowed effort (Goal PWM, Goal Current). Raises `PortLost`."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"effort limit {share:g} is no share: give 0 to 1")
        self._effort = share
        present = [servo for index, servo in enumerate(self.servos) if index not in self._under_repair]
        if present:
            self._bus.send(effort_packet(present, share))

    def limit_joint(self, joint_name: str, share: float) -> None:
        """As `set_effort_limit`, for one joint, as a share 0..1 of what all have. Raises `PortLost`, `KeyError`."""
        row = {name: row for row, name in enumerate(self.model.names)}[joint_name]
        indices = [index for index, servo in enumerate(self.servos) if servo.row == row]
        if not set(indices) & set(self._under_repair):
            self._bus.send(effort_packet([self.servos[index] for index in indices], share * self._effort))

    def power_springs(self) -> None:
        """On a leader: joints with `spring_ma` are held open by that current, the others stay limp.

        Raises `ServoSilent`, `ServoRefused`, `PortLost`.
        """
        self.set_effort_limit(1.0)  # mirroring may have left less
        for index, servo in enumerate(self.servos):
            if servo.joint.spring_ma is None or servo.second:
                continue
            opened = int(self.calibration.to_ticks(self.model.upper)[servo.row])
            current = servo.table.current_counts(servo.joint.spring_ma)
            self._bus.write(servo.servo_id, servo.table.register("goal_current"), current)
            self._bus.write(servo.servo_id, servo.table.register("goal_position"), opened)
            self._bus.write(servo.servo_id, servo.table.register("torque_enable"), 1)
            self._watch.powered.add(index)

    def watchdog(self, ms: int) -> None:
        """From now on a servo that hears no instruction for `ms` stops where it is; 0 switches that off.

        Only with torque on. `connect`, `torque_off` and `close` switch it off: they are pauses that were meant.
        Raises `ValueError` beyond 0..2540, `PortLost`.
        """
        units = -(-ms // WATCHDOG_UNIT_MS)
        if not 0 <= units <= _LONGEST_WATCHDOG:
            longest_ms = _LONGEST_WATCHDOG * WATCHDOG_UNIT_MS
            raise ValueError(f"a bus watchdog of {ms} ms is not possible: give 0 (off) to {longest_ms}")
        self._watch.watchdog = units
        self._bus.send(self._group("bus_watchdog", units))

    def outside(self) -> tuple[str, ...]:
        """A sentence for each joint that the last reading saw beyond its limits, further than it may sag."""
        if self._last is None:
            return ()
        found = []
        for joint, value in zip(self.model.joints, self._last.position.tolist(), strict=True):
            if not joint.lower - AT_LIMIT <= value <= joint.upper + AT_LIMIT:
                found.append(
                    f"{joint.name} of {self.model.name} stands at {value:.2f}, outside its limits {joint.lower:g} .. "
                    f"{joint.upper:g}. Move it inside by hand; if it looks right, its home is wrong: calibrate the arm."
                )
        return tuple(found)

    def alerts(self) -> dict[str, str]:
        """Why joints protect themselves: {joint: "overload"}. Asks the servos. Raises `ServoSilent`."""
        found = {}
        for servo in self.servos:
            bits = self._bus.read(servo.servo_id, servo.table.register("hardware_error_status"))
            if bits:
                found[servo.name] = ", ".join(error_words(bits))
        return found

    def begin_reboot(self, joint_name: str) -> None:
        """Restart the servo (or both) of a joint; `reboot_step` once per tick does it, the other joints go on.

        Raises `KeyError` for a joint that the arm does not have. One that is under way already is given up.
        """
        row = {name: row for row, name in enumerate(self.model.names)}[joint_name]
        self._end_repair()
        indices = [index for index, servo in enumerate(self.servos) if servo.row == row]
        holding = bool(self._watch.powered)
        self._watch.powered.difference_update(indices)
        self._watch.unprepared.update(indices)
        self._watch.forgive(indices)
        for index in indices:
            self._ring.forget(index)
        self._leave_out(indices)
        servos = [self.servos[index] for index in indices]
        self._repair = JointRepair(self._bus, self._clock, self._goals, servos, holding, self._effort)

    def reboot_step(self) -> str | None:
        """The next short step of the restart: None while it is under way, then "" or the sentence why it failed.

        While the others are powered the joint gets its torque back where it stands, softly; its next goal must start
        from there. Raises `PortLost`.
        """
        if self._repair is None:
            return ""
        problem = self._repair.step()
        if problem is None:
            return None
        indices, repair = self._under_repair, self._repair
        self._end_repair()
        if not problem:
            self._watch.unprepared.difference_update(indices)
            if repair.holding:
                self._watch.powered.update(indices)
            self.watchdog(self._watch.watchdog * WATCHDOG_UNIT_MS)
        elif repair.holding and not repair.protecting:
            # An alert shows for itself in every reading; this joint would only be limp.
            self._watch.keeps_limp(indices)
        return problem

    def close(self) -> None:
        """Give the port back. Torque stays as it is; the bus watchdog goes off, for nobody will feed it."""
        if self._watch.watchdog:
            try:
                self.watchdog(0)
            except BusError as error:
                _LOG.warning("%s: the bus watchdog could not be switched off: %s", self.model.name, error)
        self._bus.close()

    def _exchange(self, write: bytes) -> JointState:
        states = self._reader.read(write)
        notice = self._goals.follow_turns(states) if self._goals.multi_turn else ""
        state = self._joints(states)
        if not states.clean:
            if self._last is None:
                refuse_silence(self._bus, self.servos, ~self._reader.unseen)
            self._watch.look_closer()
        self._last = state
        if notice:
            self._watch.notice(notice)
        if self._pairs and self._watch.powered and (notice := self._goals.disagreement(states.values)):
            self._watch.notice(notice)
        if self._reader.lost:
            refuse_silence(self._bus, self.servos, self._reader.present)
        self._watch.raise_faults()
        return state

    def _joints(self, states: ServoStates) -> JointState:
        values, age_ns, alert = states.values, states.age_ns, states.alert
        if self._pairs:
            count = len(self.model.joints)
            values, age_ns, alert = values[:count], age_ns[:count], self._goals.any_of_pair(alert)
        calibration = self._goals.calibration
        return JointState(
            stamp_ns=states.stamp_ns,
            position=calibration.to_radians(values["position"]),
            velocity=calibration.to_velocity(values["velocity"]),
            effort=calibration.to_effort(values["effort"]),
            effort_unit=calibration.effort_unit,
            age_ns=age_ns,
            alert=alert,
        )

    def _servos_fresh(self) -> ServoStates:
        states = self._reader.read()
        refuse_silence(self._bus, self.servos, states.fresh)
        return states

    def _free_from_watchdog(self) -> None:
        """Let stopped servos listen again: off, goals := where they are, armed anew."""
        units = self._watch.watchdog
        packets = self._group("bus_watchdog", 0)
        if self._last is not None:
            packets += self._goals.clipped_packet(self._last.position)
        self._bus.send(packets + self._group("bus_watchdog", units))

    def _leave_out(self, indices: Sequence[int]) -> None:
        self._under_repair = list(indices)
        self._reader.leave_out(indices)
        self._goals.address([index for index in range(len(self.servos)) if index not in indices])

    def _end_repair(self) -> None:
        self._power = None
        if self._repair is not None:
            self._repair = None
            self._leave_out(())

    def _group(self, register: str, value: int) -> bytes:
        ids = [servo.servo_id for servo in self.servos]
        return SyncWrite(ids, self.servos[0].table.register(register)).packet(np.full(len(ids), value))
