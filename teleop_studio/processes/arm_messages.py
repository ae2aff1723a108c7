"""What the control process and the studio tell each other about arms beyond driving them: exits, health, repair."""

from dataclasses import dataclass

from teleop_studio.status import ServoHealth


@dataclass(frozen=True)
class Alive:
    """The window (or script) still turns its wheel. When these stop for too long, the arm holds."""


@dataclass(frozen=True)
class GoToRest:
    """Move the follower slowly to its rest pose, then take its torque off. Answered by `Rested`."""


@dataclass(frozen=True)
class Rested:
    """The follower is at rest and limp. `missed` joints that did not confirm torque off."""

    missed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Closing:
    """The rig is being closed: what the follower does once the pipe ends. `how` as `RigConfig.on_close`."""

    how: str


@dataclass(frozen=True)
class RebootServo:
    """Restart the servo of one joint, set it up again and take its torque up where it stands.

    `arm` "leader" or "follower". Answered by `ServoRebooted`.
    """

    arm: str
    joint: str


@dataclass(frozen=True)
class ServoRebooted:
    """`problem` is empty when the joint is back."""

    arm: str
    joint: str
    problem: str = ""


@dataclass(frozen=True)
class ArmHealth:
    """The slow ring's newest values of all joints of one arm, about twice a second."""

    arm: str
    servos: tuple[ServoHealth, ...]


@dataclass(frozen=True)
class StoppedElsewhere:
    """Somebody stopped the arm past the window: a pedal, `teleop-studio stop`, or the silence of the window itself.

    `limp`: its torque was taken off.
    """

    how: str
    limp: bool = False


@dataclass(frozen=True)
class Mirroring:
    """The leader is (or no longer is) being led to the follower's pose before a human takes over.

    `pushed`: the human's push ended it.
    """

    on: bool
    pushed: bool = False
