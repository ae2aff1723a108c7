"""What an emulated servo turns: the seam between register tables and physics."""

from typing import Protocol


class Plant(Protocol):
    """One servo's output shaft. Angles are servo radians, zero at 2048 ticks, sign as the servo counts.

    The emulated servo calls `drive` whenever goal, torque or gains change, and reads the rest at each status.
    """

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        """Position servo with register gains; torque off means limp. `effort_limit` is a share 0..1 of stall torque."""

    def position_rad(self) -> float:
        """Shaft angle, rad."""

    def velocity_rad_s(self) -> float:
        """Shaft speed, rad/s."""

    def effort(self) -> float:
        """Torque as a share of stall torque, -1..1."""


class FreeShaft:
    """A plant without physics: when driven it follows its goal at once, when limp it stays where it was put.

    Used for leader arms (moved by a hand) and for bus tests.
    """

    def __init__(self, position_rad: float = 0.0) -> None:
        self._position_rad = position_rad
        self._velocity_rad_s = 0.0

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        if torque_on:
            self._position_rad = goal_rad

    def put(self, position_rad: float, velocity_rad_s: float = 0.0) -> None:
        """A hand moves the shaft."""
        self._position_rad = position_rad
        self._velocity_rad_s = velocity_rad_s

    def position_rad(self) -> float:
        return self._position_rad

    def velocity_rad_s(self) -> float:
        return self._velocity_rad_s

    def effort(self) -> float:
        return 0.0
