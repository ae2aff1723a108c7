"""One emulated servo: a control table with the real registers' rules, turning a `Plant`.

Follows the ROBOTIS e-manual for position (3), extended position (4) and current-based position (5) mode. Not emulated:
current, velocity and PWM mode (refused), profiles (goals are followed at once), warming up, moving status.
Torque on does not move the goal: a stale goal makes the emulated arm jump, as the worst real one would.
"""

from collections.abc import Callable
from math import tau
from struct import pack_into, unpack_from

from drivers.clock import Clock
from drivers.dynamixel.control_table import (
    BAUD_RATES,
    CENTRE_TICKS,
    FULL_PWM,
    MODELS,
    RAD_S_PER_VELOCITY_UNIT,
    TICKS_PER_TURN,
    Register,
)
from drivers.dynamixel.wire import ERROR_ACCESS, ERROR_LENGTH, ERROR_LIMIT, ERROR_RANGE, ERROR_RESULT
from drivers.sim.plant import Plant

_TICKS_PER_RAD = TICKS_PER_TURN / tau
_MEMORY = 1024
_PRESENT, _PRESENT_END = 120, 144  # realtime tick .. position trajectory
_WATCHDOG_UNIT_NS = 20_000_000
_TRIPPED = 255
_POSITION, _EXTENDED_POSITION, _CURRENT_POSITION = 3, 4, 5
_DRIVING = frozenset(
    (
        "torque_enable",
        "operating_mode",
        "homing_offset",
        "goal_position",
        "goal_pwm",
        "goal_current",
        "position_p_gain",
        "position_d_gain",
    )
)
_GOALS = frozenset(("goal_position", "goal_pwm", "goal_current", "goal_velocity"))


class EmulatedServo:
    """A servo of model `model` (a key of `MODELS`) with id `servo_id`; `plant` is its shaft."""

    def __init__(self, servo_id: int, model: str, plant: Plant, clock: Clock, baud: int = 1_000_000) -> None:
        self.table = MODELS[model]
        self.plant = plant
        self._clock = clock
        self._memory = bytearray(_MEMORY)
        self._register_at = {register.address: register for register in self.table.registers.values()}
        self._spans: dict[tuple[int, int], tuple[Register, ...] | None] = {}
        self._indirect_list = self.table.register("indirect_address_1").address
        self._indirect_data = self.table.register("indirect_data_1").address
        self._staged: tuple[int, bytes] | None = None
        self._fed_ns = clock.now_ns()
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
            "operating_mode": self._check_mode,
            "torque_enable": lambda value: ERROR_RESULT if value and self._shut_down else 0,
        }
        self._power_on()

    @property
    def servo_id(self) -> int:
        return self._memory[7]

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
        return self.peek("firmware_version") >= self.table.fast_read_firmware

    def peek(self, name: str) -> int:
        """A register's value, for tests."""
        register = self.table.register(name)
        if _PRESENT <= register.address < _PRESENT_END:
            self._refresh()
        return register.decode(self._memory[register.address : register.address + register.size])

    def poke(self, name: str, value: int) -> None:
        """Set a register past all rules, as the factory or a fault would."""
        self._store(self.table.register(name), value)

    def read(self, address: int, length: int) -> tuple[int, bytes]:
        """(error, data) of a read instruction."""
        end = address + length
        if end > _MEMORY or length == 0:
            return ERROR_ACCESS, b""
        if address < _PRESENT_END and end > _PRESENT:
            self._refresh()
        if end <= self._indirect_data or address >= self._indirect_data + self.table.indirect_slots:
            return 0, bytes(self._memory[address:end])
        self._refresh()
        return 0, bytes(self._memory[self._target(byte)] for byte in range(address, end))

    def write(self, address: int, data: bytes) -> int:
        """The error number of a write instruction; 0 when it was carried out. All or nothing."""
        if self._indirect_data <= address < self._indirect_data + self.table.indirect_slots:
            return self._write_indirect(address, data)
        registers = self._span(address, len(data))
        if registers is None:
            return self._write_indirect_list(address, data)
        values = []
        for register in registers:
            start = register.address - address
            value = register.decode(data[start : start + register.size])
            error = self._judge(register, value)
            if error:
                return error
            values.append(value)
        for register, value in zip(registers, values, strict=True):
            self._store(register, value)
            self._after(register.name, value)
        if not _DRIVING.isdisjoint(register.name for register in registers):
            self._drive()
        return 0

    def stage(self, address: int, data: bytes) -> int:
        """Reg Write: keep for `act`."""
        self._staged = (address, data)
        self._memory[69] = 1
        return 0

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
        if self._shut_down:
            self._memory[64] = 0
            self._drive()

    def reboot(self) -> None:
        """Restart: hardware error gone, RAM registers as after power-on, torque off."""
        for register in self.table.registers.values():
            if not register.eeprom and register.writable:
                self._store(register, register.initial)
        self._memory[70] = 0
        self._staged = None
        self._power_on()

    def feed_watchdog(self, now_ns: int) -> None:
        """An instruction was seen on the line."""
        self._fed_ns = now_ns

    def watch(self, now_ns: int) -> None:
        """Let time pass for the bus watchdog: silence stops the motion, torque stays on."""
        limit = self._memory[98]
        if 0 < limit < 128 and self.torque_on and now_ns - self._fed_ns > limit * _WATCHDOG_UNIT_NS:
            self._memory[98] = _TRIPPED
            self.poke("goal_position", self._position())
            self._drive()

    @property
    def _shut_down(self) -> bool:
        return bool(self._memory[70] & self._memory[63])

    def _power_on(self) -> None:
        for slot in range(self.table.indirect_slots):
            at = self._indirect_list + 2 * slot
            self._memory[at : at + 2] = (self._indirect_data + slot).to_bytes(2, "little")
        if "goal_current" in self.table.registers:
            self.poke("goal_current", self.peek("current_limit"))
        self.poke("goal_pwm", self.peek("pwm_limit"))
        self.poke("goal_velocity", self.peek("velocity_limit"))
        self.poke("goal_position", self._position())
        self._drive()

    def _store(self, register: Register, value: int) -> None:
        self._memory[register.address : register.address + register.size] = register.encode(value)

    def _span(self, address: int, length: int) -> tuple[Register, ...] | None:
        """The registers that a write covers exactly; None when it covers none or only part of one."""
        key = (address, length)
        if key not in self._spans:
            found, at = [], address
            while at < address + length and (register := self._register_at.get(at)) is not None:
                found.append(register)
                at += register.size
            self._spans[key] = tuple(found) if found and at == address + length else None
        return self._spans[key]

    def _judge(self, register: Register, value: int) -> int:
        if not register.writable or (register.eeprom and self.torque_on):
            return ERROR_ACCESS
        if register.name in _GOALS and self._memory[98] == _TRIPPED:
            return ERROR_RANGE
        if register.low is not None and register.high is not None and not register.low <= value <= register.high:
            return ERROR_RANGE
        check = self._checks.get(register.name)
        return check(value) if check else 0

    def _check_goal(self, value: int) -> int:
        if self._memory[11] != _POSITION:
            return 0
        highest, lowest = unpack_from("<II", self._memory, 48)
        return 0 if lowest <= value <= highest else ERROR_LIMIT

    def _check_within(self, value: int, limit: str) -> int:
        return 0 if abs(value) <= self.peek(limit) else ERROR_LIMIT

    def _check_mode(self, value: int) -> int:
        emulated = value in (_POSITION, _EXTENDED_POSITION, _CURRENT_POSITION)
        return 0 if emulated and value in self.table.operating_modes else ERROR_RANGE

    def _after(self, name: str, value: int) -> None:
        if name == "operating_mode":
            # A change of mode resets the goals (e-manual, Operating Mode).
            self.poke("goal_position", self._position())
            self.poke("goal_pwm", self.peek("pwm_limit"))

    def _drive(self) -> None:
        memory = self._memory
        goal_ticks = int.from_bytes(memory[116:120], "little", signed=True)
        offset = int.from_bytes(memory[20:24], "little", signed=True)
        limit = abs(int.from_bytes(memory[100:102], "little", signed=True)) / FULL_PWM
        if memory[11] == _CURRENT_POSITION:
            current_ma = abs(int.from_bytes(memory[102:104], "little", signed=True))
            limit = min(limit, current_ma / self.table.stall_ma)
        p_gain = memory[84] | memory[85] << 8
        d_gain = memory[80] | memory[81] << 8
        goal_rad = (goal_ticks - offset - CENTRE_TICKS) / _TICKS_PER_RAD
        self.plant.drive(goal_rad, memory[64] == 1, p_gain, d_gain, min(1.0, limit))

    def _position(self) -> int:
        offset = int.from_bytes(self._memory[20:24], "little", signed=True)
        return round(self.plant.position_rad() * _TICKS_PER_RAD) + CENTRE_TICKS + offset

    def _refresh(self) -> None:
        memory = self._memory
        velocity = round(self.plant.velocity_rad_s() / RAD_S_PER_VELOCITY_UNIT)
        effort = max(-1.0, min(1.0, self.plant.effort()))
        full = self.table.stall_ma if self.table.effort_unit == "mA" else 1000
        goal = int.from_bytes(memory[116:120], "little", signed=True)
        pack_into(
            "<HBBhhiiii",
            memory,
            _PRESENT,
            self._clock.now_ns() // 1_000_000 % 32768,
            abs(velocity) > memory[24],
            0,
            round(effort * FULL_PWM),
            round(effort * full),
            velocity,
            self._position(),
            velocity,
            goal,
        )

    def _target(self, address: int) -> int:
        """Where an address of the indirect data really lies."""
        slot = address - self._indirect_data
        if not 0 <= slot < self.table.indirect_slots:
            return address
        at = self._indirect_list + 2 * slot
        return self._memory[at] | self._memory[at + 1] << 8

    def _write_indirect(self, address: int, data: bytes) -> int:
        # Consecutive slots that point at consecutive bytes are one write, so that whole registers are checked.
        targets = [self._target(address + k) for k in range(len(data))]
        start = 0
        for k in range(1, len(targets) + 1):
            if k < len(targets) and targets[k] == targets[k - 1] + 1:
                continue
            if self._indirect_data <= targets[start] < self._indirect_data + self.table.indirect_slots:
                return ERROR_ACCESS
            error = self.write(targets[start], data[start:k])
            if error:
                return error
            start = k
        return 0

    def _write_indirect_list(self, address: int, data: bytes) -> int:
        end = address + len(data)
        if not self._indirect_list <= address < end <= self._indirect_list + 2 * self.table.indirect_slots:
            return ERROR_ACCESS if address not in self._register_at else ERROR_LENGTH
        if self.torque_on:
            return ERROR_ACCESS
        self._memory[address:end] = data
        return 0
