"""What the servos of an arm are believed to do, and every sign that one does something else."""

from collections.abc import Sequence
from typing import Final

from drivers.arms.model import ArmModel
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.joint_reader import JointReader
from drivers.dynamixel.slow_ring import TRIPPED, SlowLook, SlowRing
from drivers.errors import ServoAlert, ServoSilent

WATCHDOG_UNIT_MS: Final = 20


class ArmWatch:
    """`powered` servos (by their place in the row) that were told to hold. `unprepared` those that lost their settings.

    `watchdog` is what every servo's Bus Watchdog register is to hold. `raise_faults` tells a restart until it is dealt
    with, anything else once.
    """

    def __init__(
        self, model: ArmModel, servos: Sequence[ArmServo], bus: DynamixelBus, reader: JointReader, ring: SlowRing
    ) -> None:
        self._model, self._servos, self._bus = model, servos, bus
        self._reader, self._ring = reader, ring
        self.powered: set[int] = set()
        self.unprepared: set[int] = set()
        self.watchdog = 0
        self._restarted: set[int] = set()
        self._notices: list[str] = []

    def forget(self) -> None:
        """The operator deals with the arm as a whole: nothing is left to tell."""
        self.powered.clear()
        self.forgive(range(len(self._servos)))
        self._notices.clear()

    def keeps_limp(self, indices: Sequence[int]) -> None:
        """These servos should hold and do not."""
        self._restarted.update(indices)

    def forgive(self, indices: Sequence[int]) -> None:
        """The restart of these servos is dealt with."""
        self._restarted.difference_update(indices)
        for index in indices:
            self._ring.forget_clock(index)

    def notice(self, sentence: str) -> None:
        """Tell this with the next `raise_faults`."""
        self._notices.append(sentence)

    def look_closer(self) -> None:
        """After a reading that was not as it should be: which alerts are new, and who was away?"""
        for index in self._reader.take_alerted():
            self._ring.ask_first(index)
        # A servo that was away may have restarted, and then it is limp while we believe it holds.
        for index in self._reader.take_returned():
            if index in self.powered and not self._has_torque(index):
                self._note_restart(index)

    def note(self, look: SlowLook) -> bool:
        """What the slow ring saw of one servo; True when its bus watchdog has stopped it."""
        believed = look.index in self.powered
        if believed and look.torque is False and not look.errors:
            self._note_restart(look.index)
        elif look.restarted and believed:
            self._ring.ask_first(look.index)  # whether it still holds is what counts
        elif look.restarted:
            self._note_restart(look.index)
        if look.watchdog == TRIPPED:
            self.notice(
                f"The bus watchdog stopped {self._model.name}: no instruction reached "
                f"{self._bus.label(self._servos[look.index].servo_id)} for {self.watchdog * WATCHDOG_UNIT_MS} ms. "
                "It holds where it is; the computer was too busy, or the line was cut for a moment. Go on from there."
            )
            return True
        return False

    def raise_faults(self) -> None:
        """Raises `ServoAlert` for what contradicts what the arm should do."""
        if self._restarted:
            names = ", ".join(self._servos[index].name for index in sorted(self._restarted))
            raise ServoAlert(
                f"{names} restarted and lost its torque. Its supply may have failed for a moment: check the power plug "
                f"of {self._model.name}. Support the arm, take the torque off, then start again."
            )
        if self._notices:
            sentence = " ".join(self._notices)
            self._notices.clear()
            raise ServoAlert(sentence)

    def _note_restart(self, index: int) -> None:
        self.unprepared.add(index)
        if index in self.powered:
            self._restarted.add(index)

    def _has_torque(self, index: int) -> bool:
        servo = self._servos[index]
        try:
            with self._bus.hurried():
                return bool(self._bus.read(servo.servo_id, servo.table.register("torque_enable")))
        except ServoSilent:
            # Away again; its next return asks again.
            self._reader.misses[index] = max(1, self._reader.misses[index])
            return True
