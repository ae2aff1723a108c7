"""Registers side by side, and what a write to them sets off in a servo."""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.dynamixel.control_table import Register

DRIVING = frozenset(
    (
        "torque_enable",
        "drive_mode",
        "operating_mode",
        "homing_offset",
        "goal_position",
        "goal_pwm",
        "goal_current",
        "goal_velocity",
        "position_p_gain",
        "position_d_gain",
    )
)
SCALING = frozenset(("drive_mode", "operating_mode", "homing_offset"))
GOALS = frozenset(("goal_position", "goal_pwm", "goal_current", "goal_velocity"))


@dataclass(frozen=True)
class Span:
    """`drives`: the shaft is driven otherwise. `scales`: positions are counted otherwise. `goals`: there is a goal."""

    registers: tuple[Register, ...]
    drives: bool
    scales: bool
    goals: bool

    @classmethod
    def of(cls, registers: Sequence[Register]) -> "Span":
        names = {register.name for register in registers}
        return cls(tuple(registers), bool(names & DRIVING), bool(names & SCALING), bool(names & GOALS))
