"""Keeps a squeezing gripper from cooking its servo: a heat budget that lowers its current until it lets go. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GripperLimits:
    """`sustained` share of the gripper's current limit that it may hold for ever; it is also the lowered cap.

    `time_s` the servo's thermal time constant: at the full current limit the budget is used up after
    time_s ln(1 / (1 - sustained^2)). `released` share below which the gripper counts as having let go.
    """

    sustained: float = 0.5
    time_s: float = 20.0
    released: float = 0.3
    cool: float = 0.7


class GripperGuard:
    """A first-order thermal model of the winding, driven by I^2:  d heat / dt = ((I / sustained)^2 - heat) / time.

    `heat` 1 is what the servo bears for ever. `share` is the cap to use now, 1 or `sustained`.
    """

    def __init__(self, limits: GripperLimits | None = None) -> None:
        self.limits = limits or GripperLimits()
        self.heat = 0.0
        self.share = 1.0

    def step(self, effort: float, dt_s: float) -> bool:
        """True when `share` has changed. `effort` measured, as a share of the gripper's current limit, either sign."""
        limits = self.limits
        # A reading that is no number, or beyond what the cap allows, is taken for the whole cap.
        load = min(abs(effort), 1.0) if effort == effort else 1.0
        wanted = (load / limits.sustained) ** 2
        self.heat += (wanted - self.heat) * min(1.0, max(0.0, dt_s) / limits.time_s)
        if self.share == 1.0 and self.heat >= 1.0:
            self.share = limits.sustained
            return True
        if self.share < 1.0 and load < limits.released and self.heat < limits.cool:
            self.share = 1.0
            return True
        return False
