"""An arm of another process as control sees it: the newest reading, the next goal, and orders that are answered."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.dynamixel.bus_statistics import BusStatistics
from drivers.errors import DriverError, ServoAlert, ServoSilent
from drivers.samples import JointState, ServoReading
from teleop_studio.processes.arm_rings import ArmRings, ArmRingSpecs, Order, order_row, to_text

UNKNOWN_EFFORT = "none"
_LOOK_S = 0.001
_ANSWER_S = 3.0  # LeRobot powers servo by servo, and may have to connect first
_LIMP_S = 1.5
_PATIENCE_NS = 250_000_000
_PATIENCE_TURNS = 5
_ROUNDING = 1e-6


class RingArm:
    """What `ControlLoop` needs of a leader or follower, at the near end of `ArmRings`.

    `reading` ages by itself: its stamp is when LeRobot had read the arm. A reading older than `patience_ms`, or five
    turns of the process, is `ServoSilent` with LeRobot's own words. LeRobot measures no velocity and tells no effort:
    the velocity is a smoothed difference, the effort 0 with the unit "none".
    """

    def __init__(self, model: ArmModel, rings: ArmRings, rate_hz: float) -> None:
        self.model = model
        self.statistics = BusStatistics()
        self._rings = rings
        self._patience_ns = max(_PATIENCE_NS, round(_PATIENCE_TURNS * 1e9 / rate_hz))
        self._lower, self._upper = model.lower, model.upper
        joints = len(model.joints)
        self._no_age, self._no_alert = np.zeros(joints, np.int64), np.zeros(joints, np.bool_)
        self._no_effort = np.zeros(joints)
        self._closed = False
        self._powered_in: int | None = None  # the session of the arm's process that has the torque on for us

    @classmethod
    def attach(cls, model: ArmModel, specs: ArmRingSpecs, rate_hz: float) -> "RingArm":
        return cls(model, ArmRings.attach(specs), rate_hz)

    def connect(self) -> None:
        """The process has connected the arm before control began. Raises `ServoSilent` when there is no reading."""
        self.read()

    def read(self) -> JointState:
        """The newest reading. Raises `ServoSilent` for one too old, `ServoAlert` after a restart that cost torque."""
        row = self._newest()
        if self._powered_in is not None and int(row["session"]) != self._powered_in:
            raise ServoAlert(
                f"The LeRobot process of {self.model.name} was restarted, and the arm's torque may have gone. Support "
                "the arm, take the torque off, then start again."
            )
        age_ns = time.monotonic_ns() - int(row["read_ns"])
        # Where limp means disconnected nobody can be asked; the age says how old the pose is.
        if age_ns > self._patience_ns and bool(row["connected"]):
            raise self._silent(age_ns, to_text(row["trouble"]))
        self.statistics.exchanges, self.statistics.retries = self._rings.readings.written, int(row["lost"])
        return JointState(
            stamp_ns=int(row["read_ns"]),
            position=row["position"].copy(),
            velocity=row["velocity"].copy(),
            effort=self._no_effort,
            effort_unit=(UNKNOWN_EFFORT,) * len(self._no_effort),
            age_ns=self._no_age,
            alert=self._no_alert,
        )

    def command(self, position: NDArray[np.float64]) -> None:
        """The goals (D,) of the process's next turn. Raises `ValueError` for goals beyond the joint limits."""
        # nan fails this comparison too.
        if not np.all((position >= self._lower - _ROUNDING) & (position <= self._upper + _ROUNDING)):
            raise ValueError(f"goals {np.asarray(position).tolist()} of {self.model.name} leave its joint limits")
        self._rings.goals.push(position, time.monotonic_ns())

    def command_and_read(self, position: NDArray[np.float64]) -> JointState:
        """`command`, then `read`: the reading is of the process's last turn."""
        self.command(position)
        return self.read()

    def hold(self) -> None:
        """Goals := where the joints are now, or were when last read. Raises `ServoSilent`, after telling the arm."""
        row = self._newest()
        self.command(np.clip(row["position"], self._lower, self._upper))
        self.read()

    def torque_on(self) -> None:
        """Power the arm where it stands. Waits for LeRobot to have done it, at most 3 s.

        Raises `DriverError` with LeRobot's words; the order is taken back then.
        """
        self._powered_in = None
        self.read()
        answer = self._ask(Order.TORQUE_ON, _ANSWER_S)
        refused = "it gave no answer" if answer is None else to_text(answer["refused"])
        if refused or answer is None:
            self._rings.orders.push(order_row(Order.TORQUE_OFF), time.monotonic_ns())  # not a second later after all
            raise DriverError(
                f"{self.model.name} could not be powered by LeRobot: {refused}. Its torque is being taken off again, "
                "until you start once more."
            )
        self._powered_in = int(answer["session"])

    def torque_off(self) -> list[str]:
        """Make the arm limp; returns the joints that may still be powered: all, when LeRobot does not answer."""
        self._powered_in = None
        answer = self._ask(Order.TORQUE_OFF, _LIMP_S)
        if answer is None:
            return list(self.model.names)
        return [joint for joint in to_text(answer["refused"]).split(", ") if joint]

    def set_effort_limit(self, share: float) -> None:
        """At most `share` 0..1 of the effort, where LeRobot knows how (DYNAMIXEL); other arms go on as they are."""
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"effort limit {share:g} is no share: give 0 to 1")
        self._rings.orders.push(order_row(Order.EFFORT, share), time.monotonic_ns())

    def watchdog(self, ms: int) -> None:
        """LeRobot knows none. Its process sends no goal that is older than 0.3 s, so the arm holds where it was."""

    def slow_read(self) -> None:
        """LeRobot's robots tell only positions."""

    def health(self) -> tuple[ServoReading, ...]:
        """LeRobot's robots tell nothing of their servos."""
        return ()

    def alerts(self) -> dict[str, str]:
        """LeRobot's robots do not tell why they refuse."""
        return {}

    def fingerprint(self) -> str:
        """LeRobot compares its own calibration file with the servos when it connects."""
        return ""

    def power_springs(self) -> None:
        """LeRobot's own configuration powers the gripper of a leader."""

    def begin_reboot(self, joint: str) -> None:
        """Raises `DriverError`: LeRobot has no verb for it."""
        raise DriverError(
            f"{joint} of {self.model.name} can not be restarted: LeRobot offers no way to. Take the torque off, "
            "support the arm, then switch its power off and on."
        )

    def reboot_step(self) -> str | None:
        return None

    def close(self) -> None:
        """Leave the arm to its process, which goes on holding or lying limp as it is. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._rings.orders.push(order_row(Order.END), time.monotonic_ns())
            self._rings.close()

    def _newest(self) -> NDArray[Any]:
        newest = self._rings.readings.latest()
        if newest is None or not int(newest[2]["read_ns"]):
            raise ServoSilent(
                f"{self.model.name} has given no reading yet. LeRobot is still connecting, or the arm does not answer: "
                "check its power and the log of its process."
            )
        return newest[2]

    def _silent(self, age_ns: int, trouble: str) -> ServoSilent:
        why = trouble or "its process does not answer"
        return ServoSilent(
            f"{self.model.name} has given no reading for {age_ns * 1e-6:.0f} ms ({why}). Check its cables and power; "
            "when it does not come back by itself, support the arm and resume: LeRobot's process is started again, and "
            "LeRobot takes the torque off when it connects."
        )

    def _ask(self, order: Order, patience_s: float) -> NDArray[Any] | None:
        """The reading that says the order was dealt with; None when none came."""
        number = self._rings.orders.push(order_row(order), time.monotonic_ns())
        end_s = time.monotonic() + patience_s
        while time.monotonic() < end_s:
            newest = self._rings.readings.latest()
            if newest is not None and int(newest[2]["done"]) > number:
                return newest[2]
            time.sleep(_LOOK_S)
        return None
