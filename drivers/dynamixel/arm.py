"""An arm of DYNAMIXEL servos: joint units in and out, whatever hangs on the line."""

import logging

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel, JointModel
from drivers.clock import Clock
from drivers.dynamixel.bus import BusStatistics, DynamixelBus
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.control_table import FULL_PWM, HARDWARE_ERRORS, MODELS
from drivers.dynamixel.servo_setup import prepare_servo
from drivers.dynamixel.sync import SyncRead, SyncWrite
from drivers.dynamixel.wire import ALERT_BIT
from drivers.errors import BusError, DriverError, ServoAlert, ServoSilent, WrongServo
from drivers.samples import JointState

_LOG = logging.getLogger(__name__)
# Effort, velocity and position lie side by side on every X servo, so one block reads all three.
_STATE_ADDRESS = 126
_STATE_FIELDS = np.dtype([("effort", "<i2"), ("velocity", "<i4"), ("position", "<i4")])
_MISSES_ALLOWED = 3
_AT_LIMIT = 0.05  # joint units that a limp joint may sag beyond its limit and still be powered
_ROUNDING = 1e-6
_BOOT_NS = 500_000_000


class DynamixelArm:
    """One arm on one bus.

    `connect` first; it never turns torque on. A servo that misses an exchange keeps its last values with growing
    `age_ns`; at the third miss in a row `ServoSilent` is raised. A servo that restarted while powered has lost its
    torque: `ServoAlert` until `torque_on` or `torque_off`.
    """

    def __init__(self, model: ArmModel, bus: DynamixelBus, clock: Clock) -> None:
        self.model = model
        self.calibration = Calibration(model)
        self._bus, self._clock = bus, clock
        bus.names = {joint.servo_id: joint.name for joint in model.joints}
        bus.baud = model.baud
        self._tables = [MODELS[joint.servo] for joint in model.joints]
        self._servos = list(zip(model.joints, self._tables, strict=True))
        self._lower, self._upper = model.lower, model.upper
        ids = [joint.servo_id for joint in model.joints]
        self._state = SyncRead(ids, _STATE_ADDRESS, _STATE_FIELDS)
        self._goal = SyncWrite(ids, self._tables[0].register("goal_position"))
        self._torque = SyncWrite(ids, self._tables[0].register("torque_enable"))
        self._misses: NDArray[np.int64] = np.zeros(len(ids), np.int64)
        self._seen_ns = np.zeros(len(ids), np.int64)
        self._no_age = np.zeros(len(ids), np.int64)
        self._no_age.setflags(write=False)  # every complete reading shares it
        self._last: JointState | None = None
        self._powered = False
        self._restarted: list[int] = []

    @property
    def statistics(self) -> BusStatistics:
        return self._bus.statistics

    def connect(self) -> None:
        """Find every servo, check its model, set it up. An arm found holding goes on holding where it can.

        Raises `ServoSilent`, `WrongServo`, `ServoRefused`, `PortLost`.
        """
        self._find_all()
        for joint, table in self._servos:
            prepare_servo(self._bus, joint, table, self._limit_ticks(joint))
        self._powered = False
        self._misses[:] = 0
        self._last = None
        self._read_all_fresh()

    def read(self) -> JointState:
        """The state of all joints. Raises `ServoSilent`, `ServoAlert`, `PortLost`."""
        return self._exchange(b"")

    def command(self, position: NDArray[np.float64]) -> None:
        """Send goals (D,) in joint units. Raises `ValueError` for goals beyond the joint limits, `PortLost`."""
        self._bus.send(self._goal_packet(position))

    def command_and_read(self, position: NDArray[np.float64]) -> JointState:
        """`command` and `read` in one trip over the line."""
        return self._exchange(self._goal_packet(position))

    def torque_on(self) -> None:
        """Power every joint where it stands, with full effort.

        Raises `DriverError`: a silent or protecting servo, a joint beyond its limits. Some joints may be powered then.
        """
        for row in self._restarted:
            joint, table = self._servos[row]
            prepare_servo(self._bus, joint, table, self._limit_ticks(joint))
        self._restarted.clear()
        state = self._read_all_fresh()
        self._refuse_alerts(state)
        goals = self.calibration.to_ticks(self._near_limits(state.position))
        # First the goal: at torque-on a servo turns to whatever goal it has, however old.
        for (joint, table), goal in zip(self._servos, goals, strict=True):
            self._bus.write(joint.servo_id, table.register("goal_position"), int(goal))
        self.set_effort_limit(1.0)
        # All at once, so that the arm does not stiffen joint by joint; then each has to confirm.
        self._bus.send(self._torque.packet(np.ones(len(self._servos))))
        self._powered = True
        for joint, table in self._servos:
            self._bus.write(joint.servo_id, table.register("torque_enable"), 1)

    def torque_off(self) -> list[str]:
        """Make every servo limp; one that fails does not keep the others powered.

        Returns the joints that did not confirm. Never raises for a servo or the port.
        """
        self._powered = False
        self._restarted.clear()
        register = self._tables[0].register("torque_enable")
        missed = []
        try:
            # To all at once first: the arm must not go limp joint by joint.
            self._bus.write_all(register, 0)
        except BusError as error:
            _LOG.warning("%s: torque off to all failed: %s", self.model.name, error)
        for joint in self.model.joints:
            try:
                self._bus.write(joint.servo_id, register, 0)
            except BusError as error:
                _LOG.warning("%s: %s did not confirm torque off: %s", self.model.name, joint.name, error)
                missed.append(joint.name)
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
            request = self._goal_packet(np.clip(self._last.position, self._lower, self._upper))
            # Nobody confirms a Sync Write, so it goes twice.
            self._bus.send(request)
            self._bus.send(request)
        if failure is not None:
            raise failure

    def set_effort_limit(self, share: float) -> None:
        """Let each joint use at most `share` 0..1 of its allowed effort (Goal PWM, Goal Current). Raises `PortLost`."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"effort limit {share:g} is no share: give 0 to 1")
        ids = [joint.servo_id for joint in self.model.joints]
        full = SyncWrite(ids, self._tables[0].register("goal_pwm"))
        self._bus.send(full.packet(np.full(len(ids), round(share * FULL_PWM))))
        for joint, table in self._servos:
            if joint.current_limit_ma is not None and "goal_current" in table.registers:
                current = SyncWrite([joint.servo_id], table.register("goal_current"))
                self._bus.send(current.packet([round(share * joint.current_limit_ma)]))

    def alerts(self) -> dict[str, str]:
        """Why joints protect themselves: {joint: "overload"}. Asks the servos. Raises `ServoSilent`."""
        found = {}
        for joint, table in self._servos:
            bits = self._bus.read(joint.servo_id, table.register("hardware_error_status"))
            if bits:
                found[joint.name] = ", ".join(text for bit, text in HARDWARE_ERRORS.items() if bits >> bit & 1)
        return found

    def reboot(self, joint_name: str) -> None:
        """Restart the servo of a joint that protects itself, and set it up again. Its torque is off afterwards.

        Raises `ServoSilent`, `ServoRefused`, and `KeyError` for a joint that the arm does not have.
        """
        row = {name: row for row, name in enumerate(self.model.names)}[joint_name]
        joint, table = self._servos[row]
        self._bus.reboot(joint.servo_id)
        self._clock.sleep_until_ns(self._clock.now_ns() + _BOOT_NS)
        prepare_servo(self._bus, joint, table, self._limit_ticks(joint))

    def close(self) -> None:
        """Give the port back. Torque stays as it is."""
        self._bus.close()

    def _find_all(self) -> None:
        # A servo told not to confirm writes would look dead; nobody confirms this one.
        self._bus.write_all(self._tables[0].register("status_return_level"), 2)
        missing: list[str] = []
        found: list[str] = []
        for joint, table in self._servos:
            try:
                identity = self._bus.ping(joint.servo_id)
            except ServoSilent:
                missing.append(self._bus.label(joint.servo_id))
                continue
            found.append(self._bus.label(joint.servo_id))
            if identity.model_number != table.model_number:
                raise WrongServo(
                    f"{self._bus.label(joint.servo_id)} on {self._bus.port} has model number {identity.model_number}, "
                    f"{self.model.name} needs {table.model_number} ({table.name}). "
                    "Check that this is the right arm and that the servo ids are in order."
                )
            if identity.firmware < table.fast_read_firmware:
                _LOG.info("%s: firmware %d knows no Fast Sync Read", self._bus.label(joint.servo_id), identity.firmware)
                self._bus.statistics.fast_read = False
        if missing:
            raise self._silent(", ".join(missing), ", ".join(found), self._bus.patience_ms)

    def _exchange(self, write: bytes) -> JointState:
        before_ns = self._clock.now_ns()
        reply = self._bus.exchange(self._state, write)
        stamp_ns = (before_ns + self._clock.now_ns()) // 2
        values = reply.values
        state = JointState(
            stamp_ns=stamp_ns,
            position=self.calibration.to_radians(values["position"]),
            velocity=self.calibration.to_velocity(values["velocity"]),
            effort=self.calibration.to_effort(values["effort"]),
            effort_unit=self.calibration.effort_unit,
            age_ns=self._no_age,
            alert=(reply.error & ALERT_BIT) != 0,
        )
        if not reply.fresh.all():
            if self._last is None:
                raise self._silent(self._labels(~reply.fresh), self._labels(reply.fresh), self._bus.reply_timeout_ms)
            state = self._fill_gaps(state, reply.fresh, self._last)
        self._seen_ns[reply.fresh] = stamp_ns
        self._last = state
        if self._misses.any() or not reply.fresh.all():
            self._count_misses(reply.fresh)
        if self._restarted:
            names = ", ".join(self.model.names[row] for row in self._restarted)
            raise ServoAlert(
                f"{names} restarted and lost its torque. Its supply may have failed for a moment: check the power plug "
                f"of {self.model.name}. Support the arm, take the torque off, then start again."
            )
        return state

    def _count_misses(self, fresh: NDArray[np.bool_]) -> None:
        returned = np.flatnonzero(fresh & (self._misses > 0))
        self._misses = np.where(fresh, 0, self._misses + 1)
        if self._powered:
            # A servo that was away may have restarted, and then it is limp while we believe it holds.
            self._restarted += [row for row in map(int, returned) if not self._has_torque(row)]
        lost = self._misses >= _MISSES_ALLOWED
        if lost.any():
            raise self._silent(self._labels(lost), self._labels(fresh), self._bus.reply_timeout_ms)

    def _has_torque(self, row: int) -> bool:
        joint, table = self._servos[row]
        try:
            return bool(self._bus.read(joint.servo_id, table.register("torque_enable")))
        except ServoSilent:
            # Away again; its next return asks again.
            self._misses[row] = max(1, self._misses[row])
            return True

    def _fill_gaps(self, state: JointState, fresh: NDArray[np.bool_], last: JointState) -> JointState:
        return JointState(
            stamp_ns=state.stamp_ns,
            position=np.where(fresh, state.position, last.position),
            velocity=np.where(fresh, state.velocity, last.velocity),
            effort=np.where(fresh, state.effort, last.effort),
            effort_unit=state.effort_unit,
            age_ns=np.where(fresh, 0, state.stamp_ns - self._seen_ns),
            alert=np.where(fresh, state.alert, last.alert),
        )

    def _read_all_fresh(self) -> JointState:
        state = self._exchange(b"")
        if state.age_ns.any():
            missing = state.age_ns > 0
            raise self._silent(self._labels(missing), self._labels(~missing), self._bus.reply_timeout_ms)
        return state

    def _goal_packet(self, position: NDArray[np.float64]) -> bytes:
        # nan fails this comparison too.
        if not np.all((position >= self._lower - _ROUNDING) & (position <= self._upper + _ROUNDING)):
            raise ValueError(
                f"goals {np.asarray(position).tolist()} of {self.model.name} leave the joint limits "
                f"{self._lower.tolist()} .. {self._upper.tolist()}"
            )
        return self._goal.packet(self.calibration.to_ticks(position))

    def _near_limits(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.clip(position, self._lower, self._upper)
        for row in np.flatnonzero(np.abs(position - inside) > _AT_LIMIT):
            joint = self.model.joints[row]
            raise DriverError(
                f"{joint.name} of {self.model.name} stands at {position[row]:.2f}, outside its limits "
                f"{joint.lower:g} .. {joint.upper:g}. Move it inside by hand; if it looks right, its home is wrong: "
                "calibrate the arm."
            )
        return inside

    def _refuse_alerts(self, state: JointState) -> None:
        if not state.alert.any():
            return
        reasons = ", ".join(f"{name} ({why})" for name, why in self.alerts().items())
        raise ServoAlert(
            f"{reasons} of {self.model.name} protects itself and keeps its torque off. Free the joint and let it cool, "
            "then reboot the servo or switch the arm off and on."
        )

    def _limit_ticks(self, joint: JointModel) -> tuple[int, int]:
        row = self.model.joints.index(joint)
        return int(self.calibration.lower_ticks[row]), int(self.calibration.upper_ticks[row])

    def _labels(self, rows: NDArray[np.bool_]) -> str:
        return ", ".join(self._bus.label(self.model.joints[row].servo_id) for row in np.flatnonzero(rows))

    def _silent(self, silent: str, answered: str, waited_ms: float) -> ServoSilent:
        return ServoSilent(
            f"{silent} on {self._bus.port} did not answer within {waited_ms:g} ms. "
            f"Servos that did answer: {answered or 'none'}. "
            + ("Check the cable before the first silent one." if answered else "Check the power of the arm.")
        )
