"""A joint without a scene: motors that pull it to their goals, its weight, its end stops, a hand that may hold it.

    effort = duty - speed / no-load speed          duty = clip(gain (goal - angle), +-limit)
    speed  = no-load speed (duty - load)           all torques as shares of stall torque

The motor's inertia is left out, so the motion between two changes is known in closed form: whoever asks, and however
often, the joint is where it is at that instant of the clock.
"""

from dataclasses import dataclass
from math import copysign, exp, log, pi

from drivers.clock import Clock
from drivers.dynamixel.control_table import FULL_PWM, TICKS_PER_TURN

_FRICTION = 0.05  # share of stall torque below which a limp joint stays where it is
_DUTY_PER_RAD_AND_GAIN = TICKS_PER_TURN / (2 * pi) / 128 / FULL_PWM  # P register / 128 PWM counts per tick (e-manual)


@dataclass
class _Motor:
    """What one servo on the joint was last told, in the joint's own direction."""

    goal_rad: float = 0.0
    gain: float = 0.0
    limit: float = 0.0
    on: bool = False


class JointShaft:
    """Angles in rad of its first servo's shaft, zero at 2048 ticks; turns from `lowest_rad` to `highest_rad`.

    `no_load_rad_s` speed without load. `load` is the torque of weight or push that the motors have to hold, as a share
    of stall torque, positive where it pulls towards smaller angles. `stuck` True: nothing moves it but `put`.
    """

    def __init__(
        self,
        clock: Clock,
        no_load_rad_s: float,
        lowest_rad: float,
        highest_rad: float,
        position_rad: float = 0.0,
        motors: int = 1,
    ) -> None:
        self.no_load_rad_s = no_load_rad_s
        self._clock = clock
        self._band = (lowest_rad, highest_rad)
        self._motors = [_Motor() for _ in range(motors)]
        self._position_rad = position_rad
        self._at_ns = clock.now_ns()
        self._load = 0.0
        self._held = False
        self._stuck = False
        self._hand_rad_s = 0.0

    @property
    def load(self) -> float:
        return self._load

    @load.setter
    def load(self, share: float) -> None:
        self._catch_up()
        self._load = share

    @property
    def stuck(self) -> bool:
        return self._stuck

    @stuck.setter
    def stuck(self, stuck: bool) -> None:
        self._catch_up()
        self._stuck = stuck

    def put(self, position_rad: float, velocity_rad_s: float = 0.0, hold: bool = False) -> None:
        """A hand brings the joint there; with `hold` it stays against the motors until `let_go`."""
        self._catch_up()
        self._position_rad = position_rad
        self._hand_rad_s = velocity_rad_s
        self._held = hold

    def let_go(self) -> None:
        """The hand leaves; weight and motors have the joint again."""
        self._catch_up()
        self._held = False
        self._hand_rad_s = 0.0

    def drive(self, motor: int, goal_rad: float, gain: float, limit: float, on: bool) -> None:
        """Servo `motor` of this joint was told something; `gain` duty per rad, `limit` largest duty."""
        self._catch_up()
        self._motors[motor] = _Motor(goal_rad, gain, limit, on)
        if on:
            self._hand_rad_s = 0.0

    def position_rad(self) -> float:
        self._catch_up()
        return self._position_rad

    def velocity_rad_s(self) -> float:
        self._catch_up()
        return self._speed()

    def effort(self, motor: int) -> float:
        """Share of stall torque that servo `motor` gives, -1..1."""
        self._catch_up()
        drive = self._motors[motor]
        if not drive.on:
            return 0.0
        duty = _clip(drive.gain * (drive.goal_rad - self._position_rad), drive.limit)
        return duty - self._speed() / self.no_load_rad_s

    def _catch_up(self) -> None:
        now_ns = self._clock.now_ns()
        elapsed_s = (now_ns - self._at_ns) * 1e-9
        if elapsed_s <= 0:
            return
        self._at_ns = now_ns
        if self._held or self._stuck:
            return
        goal_rad, gain, limit = self._together()
        load = self._load
        if limit <= 0:
            if abs(load) > _FRICTION:
                self._position_rad -= self.no_load_rad_s * load * elapsed_s
        else:
            error = goal_rad - self._position_rad
            self._position_rad = goal_rad - _error_after(error, elapsed_s, gain, limit, load, self.no_load_rad_s)
        lowest, highest = self._band
        self._position_rad = min(max(self._position_rad, lowest), highest)

    def _speed(self) -> float:
        if self._held or self._stuck:
            return self._hand_rad_s
        goal_rad, gain, limit = self._together()
        if limit <= 0 and abs(self._load) <= _FRICTION:
            return self._hand_rad_s
        speed = self.no_load_rad_s * (_clip(gain * (goal_rad - self._position_rad), limit) - self._load)
        lowest, highest = self._band
        if (self._position_rad <= lowest and speed < 0) or (self._position_rad >= highest and speed > 0):
            return 0.0
        return speed

    def _together(self) -> tuple[float, float, float]:
        """(goal, gain, limit) of all motors as one: what each of them adds is its share."""
        on = [motor for motor in self._motors if motor.on and motor.gain > 0]
        if not on:
            return 0.0, 0.0, 0.0
        share = 1 / len(self._motors)
        gain = share * sum(motor.gain for motor in on)
        goal_rad = share * sum(motor.gain * motor.goal_rad for motor in on) / gain
        return goal_rad, gain, share * sum(motor.limit for motor in on)


class ShaftMotor:
    """`Plant` of one servo on a joint. `mount` -1 where it is screwed on the other way round than the first one."""

    def __init__(self, joint: JointShaft, motor: int = 0, mount: int = 1) -> None:
        self._joint = joint
        self._motor = motor
        self._mount = mount

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        gain = p_gain * _DUTY_PER_RAD_AND_GAIN
        self._joint.drive(self._motor, self._mount * goal_rad, gain, effort_limit, torque_on)

    def position_rad(self) -> float:
        return self._mount * self._joint.position_rad()

    def velocity_rad_s(self) -> float:
        return self._mount * self._joint.velocity_rad_s()

    def effort(self) -> float:
        return self._mount * self._joint.effort(self._motor)


def _clip(duty: float, limit: float) -> float:
    return min(max(duty, -limit), limit)


def _error_after(error: float, wait_s: float, gain: float, limit: float, load: float, speed: float) -> float:
    """goal - angle after `wait_s` of  d error / dt = -speed (clip(gain error, +-limit) - load)."""
    edge = limit / gain  # beyond it the motor gives all it may
    if abs(error) > edge:
        side = copysign(1.0, error)
        closing = speed * (limit - side * load)
        if closing <= 0:
            return error - side * closing * wait_s
        inside_s = wait_s - (abs(error) - edge) / closing
        if inside_s <= 0:
            return error - side * closing * wait_s
        error, wait_s = side * edge, inside_s
    rest = load / gain
    if abs(load) <= limit:
        return rest + (error - rest) * exp(-gain * speed * wait_s)
    # Too heavy: it leaves the range in which the motor can still add something, then sags at a constant speed.
    end = copysign(edge, load)
    leaving_s = log((error - rest) / (end - rest)) / (gain * speed)
    if leaving_s >= wait_s:
        return rest + (error - rest) * exp(-gain * speed * wait_s)
    return end + speed * (load - copysign(limit, load)) * (wait_s - leaving_s)
