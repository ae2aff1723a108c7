"""The range of one joint while a hand sweeps it: pure counting, and what makes a range implausible."""

from dataclasses import dataclass
from math import tau

from drivers.arms.model import EXTENDED_POSITION_MODE, JointModel
from drivers.dynamixel.control_table import TICKS_PER_TURN

_UNMOVED = 30  # ticks: less is noise and a loose horn
_SHARE = 0.15  # of the model's range; less was no sweep
_PAIR_TICKS = 120  # the two servos of one joint may differ by this


@dataclass
class JointRange:
    """`present`, `lowest`, `highest` in ticks since `start`; `pair` the present position of a second servo."""

    joint: JointModel
    present: int = 0
    lowest: int = 0
    highest: int = 0
    pair: int | None = None

    def start(self, ticks: int) -> None:
        """Forget the range."""
        self.present = self.lowest = self.highest = ticks

    def feed(self, ticks: int, pair: int | None = None) -> None:
        self.present, self.pair = ticks, pair
        self.lowest, self.highest = min(self.lowest, ticks), max(self.highest, ticks)

    @property
    def all_round(self) -> bool:
        """It turns all the way round, as the waist and the wrist roll of some arms do."""
        return self.highest - self.lowest >= TICKS_PER_TURN - 1

    @property
    def ends(self) -> tuple[int, int]:
        """What is written down. One that turns all the way round has its servo's whole turn."""
        return (0, TICKS_PER_TURN - 1) if self.all_round else (self.lowest, self.highest)

    @property
    def problem(self) -> str:
        """Why the range can not be used yet, one sentence; empty when it can."""
        travel = self.highest - self.lowest
        if self.pair is not None and abs(self.present - self.pair) > _PAIR_TICKS:
            return (
                f"Its two servos differ by {abs(self.present - self.pair)} ticks: one is put on the wrong way round, "
                "or its drive mode is wrong."
            )
        if travel < _UNMOVED:
            return "Not moved yet."
        expected = min(
            TICKS_PER_TURN, (self.joint.upper - self.joint.lower) * self.joint.servo_rad_per_unit / tau * 4096
        )
        if travel < _SHARE * expected:
            return f"Moved by {travel} ticks only: go to both of its ends."
        beyond = self.lowest < 0 or self.highest >= TICKS_PER_TURN
        if beyond and not self.all_round and self.joint.operating_mode != EXTENDED_POSITION_MODE:
            return (
                "Its range runs over the servo's seam, so the middle pose was not in its middle: start again. "
                "If it turns all the way round, turn it once round."
            )
        return ""
