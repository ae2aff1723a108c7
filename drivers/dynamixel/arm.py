"""An arm of DYNAMIXEL servos: joint units in and out, whatever hangs on the line."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.clock import Clock
from drivers.dynamixel.arm_checks import AT_LIMIT, near_limits, refuse_alerts, refuse_silence
from drivers.dynamixel.arm_goals import ArmGoals
from drivers.dynamixel.arm_power import ArmPower
from drivers.dynamixel.arm_servos import arm_servos
from drivers.dynamixel.arm_watch import WATCHDOG_UNIT_MS, ArmWatch
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.bus_statistics import BusStatistics
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.fingerprint import check_fingerprint, find_servos, fingerprint
from drivers.dynamixel.joint_reader import JointReader, ServoStates
from drivers.dynamixel.servo_setup import prepare_servo
from drivers.dynamixel.slow_ring import SlowRing, error_words
from drivers.dynamixel.transport import Transport
from drivers.errors import BusError, ServoAlert, ServoSilent
from drivers.samples import JointState, ServoReading

_LOG = logging.getLogger(__name__)
_MODEL_NUMBER = 0, 2  # address and length
_PATIENCE_NS = 150_000_000  # with a line that is slow for a moment, where no cycle waits for it


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
        self._power = ArmPower(model, self.servos, bus, clock, self._goals, self._watch)
        self._pairs = len(self.servos) > len(model.joints)
        self._last: JointState | None = None

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
        self._power.give_up()
        self._watch.forget()
        self._watch.unprepared.clear()
        self._watch.watchdog = 0
        self._reader.forget()
        self._leave_out(())
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
        look = self._ring.step(self._reader.lost.union(self._power.under_repair))
        if look is None:
            return
        if self._watch.note(look):
            self._power.free_from_watchdog(None if self._last is None else self._last.position)
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
        armed_ms = self._watch.watchdog * WATCHDOG_UNIT_MS
        self._power.arm_watchdog(0)
        self._power.on(self._goals_here())
        self._power.arm_watchdog(armed_ms)

    def begin_power(self, share: float) -> None:
        """Power every joint where it stands, softly and with at most `share` 0..1 of its effort: see `power_step`.

        Raises as `torque_on` does; nothing is powered then.
        """
        self._power.begin_soft(self._goals_here(), share)

    def power_step(self) -> str | None:
        """The next short step of `begin_power`: None while it is under way, then "" or the sentence why it failed.

        Raises `PortLost`.
        """
        return self._power.step(repair=False)

    def torque_off(self) -> list[str]:
        """Make every servo limp; one that fails does not keep the others powered.

        Returns the joints that did not confirm. Never raises for a servo or the port.
        """
        missed = self._power.off()
        self._leave_out(())
        return missed

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
        self._power.limit_effort(share)

    def limit_joint(self, joint_name: str, share: float) -> None:
        """As `set_effort_limit`, for one joint, as a share 0..1 of what all have. Raises `PortLost`, `KeyError`."""
        self._power.limit_joint(self._row(joint_name), share)

    def power_springs(self) -> None:
        """On a leader: joints with `spring_ma` are held open by that current, the others stay limp.

        Raises `ServoSilent`, `ServoRefused`, `PortLost`.
        """
        self._power.springs()

    def watchdog(self, ms: int) -> None:
        """From now on a servo that hears no instruction for `ms` stops where it is; 0 switches that off.

        Only with torque on. `connect`, `torque_off` and `close` switch it off: they are pauses that were meant.
        Raises `ValueError` beyond 0..2540, `PortLost`.
        """
        self._power.arm_watchdog(ms)

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
        indices = self._power.begin_repair(self._row(joint_name))
        for index in indices:
            self._ring.forget(index)
        self._leave_out(indices)

    def reboot_step(self) -> str | None:
        """The next short step of the restart: None while it is under way, then "" or the sentence why it failed.

        While the others are powered the joint gets its torque back where it stands, softly; its next goal must start
        from there. Raises `PortLost`.
        """
        problem = self._power.step(repair=True)
        if problem is not None:
            self._leave_out(())
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
        """A reading in which everybody answered. Nobody's cycle waits for it, so a slow line gets some time."""
        start_ns = self._clock.now_ns()
        states = self._reader.read()
        while not states.fresh.all() and self._clock.now_ns() - start_ns < _PATIENCE_NS:
            states = self._reader.read()
        refuse_silence(self._bus, self.servos, states.fresh, (self._clock.now_ns() - start_ns) * 1e-6)
        return states

    def _goals_here(self) -> NDArray[np.int32]:
        """Goal Position (S,) where every servo stands now, once all are fit to be powered."""
        self._power.give_up()
        self._leave_out(())
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
        return self._goals.servo_ticks(near_limits(self.model, self._joints(states).position))

    def _leave_out(self, indices: Sequence[int]) -> None:
        self._reader.leave_out(indices)
        self._goals.address([index for index in range(len(self.servos)) if index not in indices])

    def _row(self, joint_name: str) -> int:
        return {name: row for row, name in enumerate(self.model.names)}[joint_name]
