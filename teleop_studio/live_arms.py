"""What the control process has told about the arms: the health of their servos, restarts, stops past the window."""

from dataclasses import dataclass, field
from typing import Any

from teleop_studio.notices import Notices
from teleop_studio.processes import arm_messages as a
from teleop_studio.status import ServoHealth

STOPPED, LIMP = "stopped elsewhere", "limp elsewhere"


@dataclass
class LiveArms:
    """`servos` by arm, "leader" and "follower". `how` somebody has stopped the arm last, past the window."""

    servos: dict[str, tuple[ServoHealth, ...]] = field(default_factory=dict)
    how: str = ""

    def hear(self, message: Any, notices: Notices) -> str:
        """A word of `arm_messages`; returns the session verb that follows, or `STOPPED`, `LIMP`, or ""."""
        match message:
            case a.ArmHealth(arm, servos):
                self.servos[arm] = servos
            case a.ServoRebooted(arm, joint, ""):
                notices.add(f"The {arm}'s {joint} was restarted and is back. Resume when the arm is free to move.")
            case a.ServoRebooted(arm, joint, problem):
                notices.add(f"The {arm}'s {joint} could not be restarted. {problem}")
            case a.StoppedElsewhere(how, limp):
                self.how = how
                notices.add(how)
                return LIMP if limp else STOPPED
            case a.Rested():
                return "rested"
        return ""
