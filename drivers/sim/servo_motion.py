"""How the registers of a servo move its shaft, and what its shaft shows in them: operating modes, profile, turns."""

from math import copysign, tau
from struct import Struct

from drivers.clock import Clock
from drivers.dynamixel.control_table import (
    CENTRE_TICKS,
    FULL_PWM,
    RAD_S_PER_VELOCITY_UNIT,
    TICKS_PER_TURN,
    ControlTable,
)
from drivers.sim.plant import Plant
from drivers.sim.step_clock import StepClock
from drivers.sim.trajectory import Trajectory

CURRENT, VELOCITY, POSITION, EXTENDED_POSITION, CURRENT_POSITION, PWM = 0, 1, 3, 4, 5, 16
REVERSE_BIT, TIME_BASED_BIT, TORQUE_BY_GOAL_BIT = 1, 4, 8
PRESENT, PRESENT_END = 120, 144  # realtime tick .. position trajectory

_TICKS_PER_RAD = TICKS_PER_TURN / tau
# Registers side by side, taken at once: goals from 100 on (PWM, current, velocity, profile acceleration and velocity,
# position), the present values from 120 on.
_GOALS, _GOALS_START = Struct("<hhiIIi"), 100
_PRESENT_VALUES = Struct("<HBBhhiiii")
_THRESHOLD, _GOAL = Struct("<I"), Struct("<i")
_OFFSET_IN_POSITION_MODE = 1024  # a larger homing offset is ignored there
_STEP_NS = 1_000_000
_STEPS = 2000  # at most at once; after a longer silence the steps are longer
_FAR_RAD = 1e4  # a goal that is never reached: all the torque that is allowed
_AHEAD_TICKS = 200.0  # as far as velocity control runs ahead of a shaft that does not follow
_VELOCITY_P_GAIN = 800
_ARRIVED_TICKS, _FOLLOWING_TICKS = 16, 200  # of Moving Status; the e-manual calls them predefined


class ServoMotion:
    """`memory` is the servo's control table, read and written in place. `steps` lets a profile move between looks.

    Without `steps` a profile goes on whenever the servo is looked at, which is what a stepped physics engine needs.
    """

    def __init__(
        self, memory: bytearray, table: ControlTable, plant: Plant, clock: Clock, steps: StepClock | None
    ) -> None:
        self.plant = plant
        self._memory = memory
        self._clock = clock
        self._steps = steps
        self._boot_ns = clock.now_ns()
        # Counts of Present Current or Present Load at stall torque, and mA of one count.
        self._full_effort = table.stall_ma / table.effort_scale if table.measures_current else 1000
        self._direction = 1
        self._turns = 0
        self._zero = CENTRE_TICKS
        self._trajectory = Trajectory()
        self._under_way = False
        self._stepped_ns = self._boot_ns

    def restart(self) -> None:
        """Power comes: the tick starts at 0, full turns are forgotten."""
        self._boot_ns = self._clock.now_ns()
        self._under_way = False
        self.rescale()
        self.forget_turns()

    def rescale(self) -> None:
        """Drive mode, operating mode or homing offset have changed."""
        memory = self._memory
        self._direction = -1 if memory[10] & REVERSE_BIT else 1
        offset = int.from_bytes(memory[20:24], "little", signed=True)
        if memory[11] == POSITION and abs(offset) > _OFFSET_IN_POSITION_MODE:
            offset = 0
        # The offset's sign is not reversed with the direction (e-manual, Homing Offset).
        self._zero = CENTRE_TICKS + offset - self._turns * TICKS_PER_TURN

    def position(self) -> int:
        """Present Position, ticks."""
        return round(self.plant.position_rad() * self._direction * _TICKS_PER_RAD) + self._zero

    def forget_turns(self) -> None:
        """Count within one turn from now on, as after power-on: 0..4095, plus the homing offset."""
        counted = round(self.plant.position_rad() * self._direction * _TICKS_PER_RAD) + CENTRE_TICKS
        self._turns = counted // TICKS_PER_TURN
        self.rescale()

    def add_turns(self, turns: int) -> None:
        """The count jumps by whole turns; the shaft stays."""
        self._turns -= turns
        self.rescale()

    def begin(self) -> None:
        """A goal, the torque or a profile register has changed: plan the way there."""
        memory = self._memory
        mode, was_under_way = memory[11], self._under_way
        self._under_way = False
        if memory[64] != 1:
            return
        _, _, velocity, acceleration, speed, goal = _GOALS.unpack_from(memory, _GOALS_START)
        if mode == VELOCITY:
            self._set_out(was_under_way)
            self._trajectory.cruise(velocity, acceleration)
        elif speed and mode in (POSITION, EXTENDED_POSITION, CURRENT_POSITION):
            self._set_out(was_under_way)
            self._trajectory.aim(goal, speed, acceleration, bool(memory[10] & TIME_BASED_BIT))

    def stop(self) -> None:
        """The bus watchdog: stand where the shaft is, without a profile."""
        memory, here = self._memory, self.position()
        self._under_way = False
        memory[104:116] = bytes(12)  # goal velocity, profile acceleration, profile velocity
        memory[116:120] = here.to_bytes(4, "little", signed=True)
        if memory[11] == CURRENT:
            memory[102:104] = bytes(2)
        if memory[11] == PWM:
            memory[100:102] = bytes(2)
        self.drive()

    def drive(self) -> None:
        """Hand goal, torque, gains and limits to the shaft."""
        memory = self._memory
        mode = memory[11]
        pwm, current, _, _, _, goal = _GOALS.unpack_from(memory, _GOALS_START)
        limit = abs(pwm) / FULL_PWM
        if mode in (CURRENT, CURRENT_POSITION):
            limit = min(limit, abs(current) / self._full_effort)
        limit = min(1.0, limit)
        on = memory[64] == 1
        if mode in (CURRENT, PWM):
            push = (current if mode == CURRENT else pwm) * self._direction
            self.plant.drive(copysign(_FAR_RAD, push), on, _VELOCITY_P_GAIN, 0, limit)
            return
        target = self._trajectory.position if self._under_way else goal
        goal_rad = self._direction * (target - self._zero) / _TICKS_PER_RAD
        if mode == VELOCITY:
            self.plant.drive(goal_rad, on, _VELOCITY_P_GAIN, 0, limit)
        else:
            self.plant.drive(goal_rad, on, memory[84] | memory[85] << 8, memory[80] | memory[81] << 8, limit)

    def advance(self, now_ns: int) -> None:
        """Let a profile, or velocity control, go on until `now_ns`."""
        if not self._under_way:
            return
        if self._steps is None:
            self._step((now_ns - self._stepped_ns) * 1e-9)
            self._stepped_ns = now_ns
            return
        step_ns = max(_STEP_NS, (now_ns - self._stepped_ns) // _STEPS)
        count = (now_ns - self._stepped_ns) // step_ns
        for moment_ns in self._steps.steps(self._stepped_ns, count, step_ns):
            self._stepped_ns = moment_ns
            if self._step(step_ns * 1e-9):
                return

    def refresh(self) -> None:
        """Bring the present values in the control table up to date."""
        memory, now_ns = self._memory, self._clock.now_ns()
        if self._under_way:
            self.advance(now_ns)
        plant, direction = self.plant, self._direction
        velocity = round(plant.velocity_rad_s() * direction / RAD_S_PER_VELOCITY_UNIT)
        effort = max(-1.0, min(1.0, plant.effort())) * direction
        position = self.position()
        (goal,) = _GOAL.unpack_from(memory, 116)
        target, speed, bits = goal, velocity, 0
        if self._under_way:
            target = round(self._trajectory.position)
            speed = round(self._trajectory.velocity * tau / TICKS_PER_TURN / RAD_S_PER_VELOCITY_UNIT)
            bits = self._trajectory.kind << 4 | 2
        if -_ARRIVED_TICKS <= goal - position <= _ARRIVED_TICKS:
            bits |= 1
        elif abs(target - position) > _FOLLOWING_TICKS:
            bits |= 8
        (threshold,) = _THRESHOLD.unpack_from(memory, 24)
        _PRESENT_VALUES.pack_into(
            memory,
            PRESENT,
            (now_ns - self._boot_ns) // 1_000_000 % 32768,
            self._under_way or abs(velocity) > threshold,
            bits,
            round(effort * FULL_PWM),
            round(effort * self._full_effort),
            velocity,
            position,
            speed,
            target,
        )

    def _set_out(self, was_under_way: bool) -> None:
        """Go on from where the profile is, or from the shaft when there was none."""
        self._under_way = True
        if not was_under_way:
            self._trajectory.rest(self.position())
            self._stepped_ns = self._clock.now_ns()

    def _step(self, step_s: float) -> bool:
        """True when the profile has ended."""
        trajectory = self._trajectory
        trajectory.step(step_s)
        if self._memory[11] == VELOCITY:
            here = self.position()
            trajectory.position = min(max(trajectory.position, here - _AHEAD_TICKS), here + _AHEAD_TICKS)
        elif trajectory.done:
            self._under_way = False
        self.drive()
        return not self._under_way
