"""The point that a servo's controller follows: its profile generator (e-manual, "What is the Profile")."""

from math import copysign, inf, sqrt

_TICKS_S_PER_VELOCITY_UNIT = 0.229 / 60 * 4096
_TICKS_S2_PER_ACCELERATION_UNIT = 214.577 / 3600 * 4096


class Trajectory:
    """Position in ticks, velocity in ticks/s. At rest until `aim` or `cruise`."""

    def __init__(self, position: float = 0.0) -> None:
        self.position = position
        self.velocity = 0.0
        self._goal = position
        self._cruise: float | None = None
        self._speed = inf
        self._acceleration = inf

    @property
    def done(self) -> bool:
        """At its goal, or at its cruising speed."""
        if self._cruise is not None:
            return self.velocity == self._cruise
        return self.position == self._goal

    @property
    def kind(self) -> int:
        """Bits 5 and 4 of Moving Status: 3 trapezoidal or triangular, 1 rectangular."""
        return 1 if self._acceleration == inf else 3

    def aim(self, goal: float, profile_velocity: int, profile_acceleration: int, time_based: bool) -> None:
        """A new goal, with the values of the two profile registers; `profile_velocity` is not 0."""
        self._goal, self._cruise = goal, None
        if time_based:
            whole_s = profile_velocity / 1000
            ramp_s = min(profile_acceleration / 1000, whole_s / 2)
            self._speed = abs(goal - self.position) / (whole_s - ramp_s)
            self._acceleration = self._speed / ramp_s if ramp_s else inf
        else:
            self._speed = profile_velocity * _TICKS_S_PER_VELOCITY_UNIT
            self._acceleration = profile_acceleration * _TICKS_S2_PER_ACCELERATION_UNIT or inf

    def cruise(self, goal_velocity: int, profile_acceleration: int) -> None:
        """Velocity control: turn at `goal_velocity` (register units) until told otherwise."""
        self._cruise = goal_velocity * _TICKS_S_PER_VELOCITY_UNIT
        self._acceleration = profile_acceleration * _TICKS_S2_PER_ACCELERATION_UNIT or inf

    def rest(self, position: float) -> None:
        """Stand at `position`."""
        self.position = self._goal = position
        self.velocity = 0.0
        self._cruise = None

    def step(self, step_s: float) -> None:
        """Let `step_s` pass."""
        most = self._acceleration * step_s
        if self._cruise is not None:
            self.velocity += min(max(self._cruise - self.velocity, -most), most)
            self.position += self.velocity * step_s
            return
        distance = self._goal - self.position
        if self._near(abs(distance), most, step_s):
            self.rest(self._goal)
            return
        wanted = min(self._speed, self._stopping_speed(abs(distance), step_s))
        change = copysign(wanted, distance) - self.velocity
        self.velocity += min(max(change, -most), most)
        self.position += self.velocity * step_s

    def _near(self, distance: float, most: float, step_s: float) -> bool:
        if self._acceleration == inf:
            return distance <= self._speed * step_s
        return distance <= max(0.5, most * step_s) and abs(self.velocity) <= 2 * most

    def _stopping_speed(self, distance: float, step_s: float) -> float:
        """The highest speed from which it still comes to rest within `distance`, in steps."""
        if self._acceleration == inf:
            return distance / step_s
        half = self._acceleration * step_s / 2
        return sqrt(half * half + 2 * self._acceleration * distance) - half
