"""One emulated servo: a control table with the real registers' rules, turning a `Plant`.

Follows the ROBOTIS e-manual: all operating modes, profiles, turns, EEPROM lock, watchdog, hardware errors and what they
shut down. Not emulated: integral gains and feed-forward, the backup of the control table, the LED.
Torque on does not move the goal: a stale goal makes the emulated arm jump, as the worst real one would.
"""

from collections.abc import Callable
from struct import unpack_from

from drivers.clock import Clock
from drivers.dynamixel.control_table import BAUD_RATES, EEPROM_END, MODELS, Register
from drivers.dynamixel.wire import ERROR_ACCESS, ERROR_LENGTH, ERROR_LIMIT, ERROR_RANGE, ERROR_RESULT
from drivers.sim.indirect import IndirectBlock
from drivers.sim.plant import Plant
from drivers.sim.register_span import GOALS, SCALING, Span
from drivers.sim.servo_motion import (
    CURRENT,
    EXTENDED_POSITION,
    POSITION,
    PRESENT,
    PRESENT_END,
    PWM,
    TORQUE_BY_GOAL_BIT,
    VELOCITY,
    ServoMotion,
)
from drivers.sim.servo_strain import ServoStrain
from drivers.sim.step_clock import StepClock

_MEMORY = 1024
_SUPPLY, _TEMPERATURE = 144, 146
_WATCHDOG_UNIT_NS = 20_000_000
_STRAIN_STEP_NS = 20_000_000
_TRIPPED = 255
_DRIVE_MODES = 0b1101  # reverse, time-based profile, torque on by goal; bit 1 belongs to the XM540's sync cable
_SHUTDOWNS = 0b111101
_FARTHEST_TICKS = 1_048_575  # extended position mode: 256 turns either way
_RESET_WITH_MODE = (
    *("velocity_i_gain", "velocity_p_gain", "position_d_gain", "position_i_gain", "position_p_gain"),
    *("feedforward_1st_gain", "feedforward_2nd_gain", "profile_velocity", "profile_acceleration"),
)


class EmulatedServo:
    """A servo of model `model` (a key of `MODELS`) with id `servo_id`; `plant` is its shaft.

    With `protects` it watches its temperature, load and supply (`strain`) and shuts down; without, only `fail` does
    that. After a restart it is deaf for `boot_ns`. `steps` as of `ServoMotion`.
    """

    def __init__(
        self,
        servo_id: int,
        model: str,
        plant: Plant,
        clock: Clock,
        baud: int = 1_000_000,
        protects: bool = False,
        boot_ns: int = 0,
        steps: StepClock | None = None,
    ) -> None:
        self.table = MODELS[model]
        self._clock = clock
        self._memory = bytearray(_MEMORY)
        self._motion = ServoMotion(self._memory, self.table, plant, clock, steps)
        self._indirect = IndirectBlock(self._memory, self.table)
        self.strain = ServoStrain(self.table, clock.now_ns()) if protects else None
        self._strained_ns = clock.now_ns()
        self._boot_ns = boot_ns
        self.awake_ns = 0
        self._register_at = {register.address: register for register in self.table.registers.values()}
        self._spans: dict[tuple[int, int], Span | None] = {}
        self._staged: tuple[int, bytes] | None = None
        for register in self.table.registers.values():
            self._store(register, register.initial)
        self.poke("model_number", self.table.model_number)
        self.poke("firmware_version", self.table.firmware)
        self.poke("id", servo_id)
        self.poke("baud_rate", BAUD_RATES.index(baud))
        self._checks: dict[str, Callable[[int], int]] = {
            "goal_position": self._check_goal,
            "goal_pwm": lambda value: self._check_within(value, "pwm_limit"),
            "goal_current": lambda value: self._check_within(value, "current_limit"),
            "goal_velocity": lambda value: self._check_within(value, "velocity_limit"),
            "operating_mode": lambda value: 0 if value in self.table.operating_modes else ERROR_RANGE,
            "drive_mode": lambda value: ERROR_RANGE if value & ~_DRIVE_MODES else 0,
            "shutdown": lambda value: ERROR_RANGE if value & ~_SHUTDOWNS else 0,
            "torque_enable": lambda value: ERROR_RESULT if value and self._shut_down else 0,
        }
        self._power_on()

    @property
    def plant(self) -> Plant:
        """What the servo turns; may be changed for another."""
        return self._motion.plant

    @plant.setter
    def plant(self, plant: Plant) -> None:
        self._motion.plant = plant

    @property
    def servo_id(self) -> int:
        return self._memory[7]

    @property
    def second_id(self) -> int | None:
        """The id to which it listens beside its own, without answering; None when there is none."""
        shadow = self._memory[12]
        return shadow if shadow <= 252 and shadow != self._memory[7] else None

    @property
    def baud(self) -> int:
        return BAUD_RATES[self._memory[8]]

    @property
    def return_delay_ns(self) -> int:
        return self._memory[9] * 2_000

    @property
    def status_return_level(self) -> int:
        return self._memory[68]

    @property
    def torque_on(self) -> bool:
        return self._memory[64] == 1

    @property
    def alert(self) -> bool:
        return self._memory[70] != 0

    @property
    def knows_fast_read(self) -> bool:
        return self._memory[6] >= self.table.fast_read_firmware

    def peek(self, name: str) -> int:
        """A register's value, for tests."""
        register = self.table.register(name)
        if PRESENT <= register.address < PRESENT_END:
            self._motion.refresh()
        return register.decode(self._memory[register.address : register.address + register.size])

    def poke(self, name: str, value: int) -> None:
        """Set a register past all rules, as the factory or a fault would."""
        self._store(self.table.register(name), value)
        if name in SCALING:
            self._motion.rescale()

    def identity(self) -> tuple[int, bytes]:
        """(0, model number and firmware) as a ping asks for."""
        return 0, bytes((self._memory[0], self._memory[1], self._memory[6]))

    def read(self, address: int, length: int) -> tuple[int, bytes]:
        """(error, data) of a read instruction."""
        end = address + length
        if end > _MEMORY or length == 0:
            return ERROR_ACCESS, b""
        if address < PRESENT_END and end > PRESENT:
            self._motion.refresh()
        indirect = self._indirect
        if end <= indirect.data_start or address >= indirect.data_end:
            return 0, bytes(self._memory[address:end])
        self._motion.refresh()
        return 0, bytes(self._memory[indirect.target(byte)] for byte in range(address, end))

    def write(self, address: int, data: bytes) -> int:
        """The error number of a write instruction; 0 when it was carried out. All or nothing."""
        if self._indirect.data_start <= address < self._indirect.data_end:
            return self._write_indirect(address, data)
        if self._indirect.list_start <= address < self._indirect.list_end:
            return self._write_indirect_list(address, data)
        span = self._span(address, len(data))
        if span is None:
            return ERROR_ACCESS if address not in self._register_at else ERROR_LENGTH
        values = []
        for register in span.registers:
            start = register.address - address
            value = register.decode(data[start : start + register.size])
            error = self._judge(register, value)
            if error:
                return error
            values.append(value)
        self._carry_out(span, values)
        return 0

    def write_as_shadow(self, address: int, data: bytes) -> None:
        """A write to its second id: never answered, and the EEPROM can not be written that way."""
        if address >= EEPROM_END:
            self.write(address, data)

    def stage(self, address: int, data: bytes) -> int:
        """Reg Write: keep for `act`."""
        self._staged = (address, data)
        self._memory[69] = 1
        return 0

    def stage_as_shadow(self, address: int, data: bytes) -> None:
        """Reg Write to its second id."""
        if address >= EEPROM_END:
            self.stage(address, data)

    def act(self) -> int:
        """Action: carry out what was staged, if anything."""
        if self._staged is None:
            return 0
        (address, data), self._staged = self._staged, None
        self._memory[69] = 0
        return self.write(address, data)

    def fail(self, bit: int) -> None:
        """A hardware error, by its bit in register 70; torque goes off if register 63 says so."""
        self._memory[70] |= 1 << bit
        if self._shut_down and self._memory[64]:
            self._memory[64] = 0
            self._torque_changed()
            self._motion.drive()

    def reboot(self) -> None:
        """Restart: hardware error gone, RAM registers as after power-on, torque off, full turns forgotten."""
        for register in self.table.registers.values():
            if not register.eeprom and register.writable:
                self._store(register, register.initial)
        self._memory[70] = 0
        self._staged = None
        if self.strain is not None:
            self.strain.relieve()
        self.awake_ns = self._clock.now_ns() + self._boot_ns
        self._power_on()

    def factory_reset(self, keep_id: bool, keep_baud: bool) -> int:
        """EEPROM as it came out of the box, then a restart. The error number; refused while torque is on."""
        if self.torque_on:
            return ERROR_ACCESS
        kept = {"id"} if keep_id else set()
        kept |= {"baud_rate"} if keep_baud else set()
        for name, register in self.table.registers.items():
            if register.eeprom and register.writable and name not in kept:
                self._store(register, register.initial)
        self.reboot()
        return 0

    def clear_turns(self) -> int:
        """Clear: count within one turn. The error number; refused while the shaft turns."""
        if self.peek("moving"):
            return ERROR_RESULT
        self._motion.forget_turns()
        return 0

    def jump_turns(self, turns: int) -> None:
        """A fault: the count is off by whole turns."""
        self._motion.add_turns(turns)

    def watch(self, now_ns: int, heard_ns: int) -> None:
        """Let time pass. `heard_ns`: when the last instruction was on the line; silence trips the bus watchdog."""
        memory = self._memory
        if 0 < memory[98] < 128 and memory[64] == 1 and now_ns - heard_ns > memory[98] * _WATCHDOG_UNIT_NS:
            memory[98] = _TRIPPED
            self._motion.stop()
        self._motion.advance(now_ns)
        if self.strain is not None and now_ns - self._strained_ns >= _STRAIN_STEP_NS:
            self._strained_ns = now_ns
            self._protect(self.strain, now_ns)

    @property
    def _shut_down(self) -> bool:
        return bool(self._memory[70] & self._memory[63])

    def _protect(self, strain: ServoStrain, now_ns: int) -> None:
        memory = self._memory
        strain.step(now_ns, self.plant.effort())
        memory[_SUPPLY : _SUPPLY + 2] = round(strain.supply_v * 10).to_bytes(2, "little")
        memory[_TEMPERATURE] = min(255, max(0, round(strain.temperature_c)))
        highest, lowest = unpack_from("<HH", memory, 32)
        errors = strain.errors(memory[31], lowest, highest) & ~memory[70]
        for bit in range(8):
            if errors >> bit & 1:
                self.fail(bit)

    def _power_on(self) -> None:
        self._indirect.reset()
        self._motion.restart()
        self._reset_goals()
        self._motion.drive()

    def _reset_goals(self) -> None:
        """Stand still, with all that the limits allow. What a mode drives directly starts at 0."""
        mode = self._memory[11]
        if self.table.measures_current:
            self.poke("goal_current", 0 if mode == CURRENT else self.peek("current_limit"))
        self.poke("goal_pwm", 0 if mode == PWM else self.peek("pwm_limit"))
        self.poke("goal_velocity", 0 if mode == VELOCITY else self.peek("velocity_limit"))
        self.poke("goal_position", self._motion.position())

    def _store(self, register: Register, value: int) -> None:
        self._memory[register.address : register.address + register.size] = register.encode(value)

    def _span(self, address: int, length: int) -> Span | None:
        """The registers that a write covers exactly; None when it covers none or only part of one."""
        key = (address, length)
        if key not in self._spans:
            found, at = [], address
            while at < address + length and (register := self._register_at.get(at)) is not None:
                found.append(register)
                at += register.size
            self._spans[key] = Span.of(found) if found and at == address + length else None
        return self._spans[key]

    def _judge(self, register: Register, value: int) -> int:
        if not register.writable or (register.eeprom and self.torque_on):
            return ERROR_ACCESS
        if register.name in GOALS and self._memory[98] == _TRIPPED:
            return ERROR_RANGE
        if register.low is not None and register.high is not None and not register.low <= value <= register.high:
            return ERROR_RANGE
        check = self._checks.get(register.name)
        return check(value) if check else 0

    def _carry_out(self, span: Span, values: list[int]) -> None:
        memory = self._memory
        mode, torque = memory[11], memory[64]
        for register, value in zip(span.registers, values, strict=True):
            self._store(register, value)
        if not span.drives:
            return
        if span.scales:
            self._motion.rescale()
        if memory[11] != mode:
            self._reset_with_mode()
        if memory[64] != torque:
            self._torque_changed()
        if span.goals:
            self._goal_changed()
        self._motion.drive()

    def _check_goal(self, value: int) -> int:
        if self._memory[11] != POSITION:
            return 0 if abs(value) <= _FARTHEST_TICKS else ERROR_LIMIT
        highest, lowest = unpack_from("<II", self._memory, 48)
        return 0 if lowest <= value <= highest else ERROR_LIMIT

    def _check_within(self, value: int, limit: str) -> int:
        return 0 if abs(value) <= self.peek(limit) else ERROR_LIMIT

    def _reset_with_mode(self) -> None:
        # A change of mode resets gains, profile and goals (e-manual, Operating Mode and Goal Position).
        for name in _RESET_WITH_MODE:
            self.poke(name, self.table.register(name).initial)
        if self._memory[11] in (POSITION, EXTENDED_POSITION):
            self._motion.forget_turns()
        self._reset_goals()

    def _torque_changed(self) -> None:
        if self.torque_on and self._memory[11] == POSITION:
            self._motion.forget_turns()
        self._motion.begin()

    def _goal_changed(self) -> None:
        if self._memory[10] & TORQUE_BY_GOAL_BIT and not self.torque_on and not self._shut_down:
            self._memory[64] = 1
            self._torque_changed()
        self._motion.begin()

    def _write_indirect(self, address: int, data: bytes) -> int:
        for target, part in self._indirect.runs(address, data):
            if self._indirect.data_start <= target < self._indirect.data_end:
                return ERROR_ACCESS
            error = self.write(target, part)
            if error:
                return error
        return 0

    def _write_indirect_list(self, address: int, data: bytes) -> int:
        if address + len(data) > self._indirect.list_end:
            return ERROR_LENGTH
        if self.torque_on:
            return ERROR_ACCESS
        if not self._indirect.accepts(address, data):
            return ERROR_RANGE
        self._memory[address : address + len(data)] = data
        return 0
