"""Control tables of the servos we know: where each register lies, and what it holds after power-on.

Addresses, sizes and names agree with ROBOTIS' own `.model` files (a test compares them with `dynamixel_easy_sdk`);
access, ranges, initial values and units are from the ROBOTIS e-manual, docs/en/dxl/x, one page per model.
Registers below address 64 are EEPROM: they survive power-off and are locked while torque is on.
"""

from dataclasses import dataclass, replace
from typing import Final

EEPROM_END: Final = 64
TICKS_PER_TURN: Final = 4096
CENTRE_TICKS: Final = 2048
RAD_S_PER_VELOCITY_UNIT: Final = 0.0239691227  # 0.229 rev/min
FULL_PWM: Final = 885  # 100 % of the supply voltage
BAUD_RATES: Final = (9_600, 57_600, 115_200, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 4_500_000)
NEVER: Final = 256  # a firmware version that no servo reaches: the register holds one byte
_MA_PER_XM_COUNT: Final = 2.69
HARDWARE_ERRORS: Final = {
    0: "input voltage out of range",
    2: "overheating",
    3: "encoder fault",
    4: "electrical shock",
    5: "overload",
}


@dataclass(frozen=True)
class Register:
    """One register. `low`, `high`: the values a servo accepts, None where it takes any."""

    name: str
    address: int
    size: int
    signed: bool = False
    writable: bool = True
    initial: int = 0
    low: int | None = None
    high: int | None = None

    @property
    def eeprom(self) -> bool:
        return self.address < EEPROM_END

    def encode(self, value: int) -> bytes:
        """Raises `OverflowError` for a value that does not fit the register."""
        return value.to_bytes(self.size, "little", signed=self.signed)

    def decode(self, data: bytes | bytearray) -> int:
        return int.from_bytes(data, "little", signed=self.signed)


@dataclass(frozen=True)
class ControlTable:
    """One servo model.

    `effort_register` is what lies at 126: Present Current or, for servos that do not measure it, Present Load;
    `effort_unit` its unit, of which one count is `effort_scale`. `stall_ma` stall current (for load servos the
    datasheet's, only the emulation uses it). `operating_modes` accepted by register 11. `fast_read_firmware` first
    version that knows Fast Sync Read, `NEVER` for models that do not. `indirect_slots` entries of the indirect address
    list, whose data begin at `indirect_data_1`. The table is that of version `firmware`; see `at_firmware`.
    """

    name: str
    model_number: int
    registers: dict[str, Register]
    effort_unit: str
    stall_ma: int
    operating_modes: tuple[int, ...]
    fast_read_firmware: int
    firmware: int
    indirect_slots: int
    effort_scale: float = 1.0

    def register(self, name: str) -> Register:
        """Raises `KeyError` naming the model and its registers."""
        try:
            return self.registers[name]
        except KeyError:
            raise KeyError(f"{self.name} has no register {name!r}; it has {', '.join(self.registers)}") from None

    @property
    def measures_current(self) -> bool:
        """True for models with Present Current, Goal Current and Current Limit."""
        return "goal_current" in self.registers

    def current_counts(self, current_ma: float) -> int:
        """`current_ma` as Current Limit and Goal Current count it. Raises `KeyError` for a servo without them."""
        limit = self.register("current_limit")
        counts = round(current_ma / self.effort_scale)
        return counts if limit.high is None else min(counts, limit.high)

    def at_firmware(self, version: int) -> "ControlTable":
        """The table of a servo that says it runs firmware `version`.

        Up to version 51 the X330 keep their indirect data at 224, from 52 on at 208 (ROBOTIS' `_fw52.model` files).
        """
        registers = dict(self.registers)
        if self.firmware >= _X330_FIRMWARE > version and self.indirect_slots == _X330_SLOTS:
            registers["indirect_data_1"] = replace(registers["indirect_data_1"], address=224)
        return replace(self, firmware=version, registers=registers)


def _ro(name: str, address: int, size: int, signed: bool = False, initial: int = 0) -> Register:
    return Register(name, address, size, signed, False, initial)


_COMMON: Final = (
    _ro("model_number", 0, 2),
    _ro("model_information", 2, 4),
    _ro("firmware_version", 6, 1),
    Register("id", 7, 1, initial=1, low=0, high=252),
    Register("baud_rate", 8, 1, initial=1, low=0, high=7),
    Register("return_delay_time", 9, 1, initial=250, low=0, high=254),
    Register("drive_mode", 10, 1),
    Register("operating_mode", 11, 1, initial=3),
    Register("secondary_shadow_id", 12, 1, initial=255),
    Register("protocol_type", 13, 1, initial=2, low=2, high=2),
    Register("homing_offset", 20, 4, signed=True, low=-1_044_479, high=1_044_479),
    Register("moving_threshold", 24, 4, initial=10, low=0, high=1023),
    Register("temperature_limit", 31, 1, initial=72, low=0, high=100),
    Register("max_voltage_limit", 32, 2, initial=140, low=31, high=160),
    Register("min_voltage_limit", 34, 2, initial=60, low=31, high=160),
    Register("pwm_limit", 36, 2, initial=FULL_PWM, low=0, high=FULL_PWM),
    Register("velocity_limit", 44, 4, initial=265, low=0, high=2047),
    Register("max_position_limit", 48, 4, initial=4095, low=0, high=4095),
    Register("min_position_limit", 52, 4, initial=0, low=0, high=4095),
    Register("shutdown", 63, 1, initial=52),
    Register("torque_enable", 64, 1, low=0, high=1),
    Register("led", 65, 1, low=0, high=1),
    Register("status_return_level", 68, 1, initial=2, low=0, high=2),
    _ro("registered_instruction", 69, 1),
    _ro("hardware_error_status", 70, 1),
    Register("velocity_i_gain", 76, 2, initial=1000, low=0, high=16383),
    Register("velocity_p_gain", 78, 2, initial=100, low=0, high=16383),
    Register("position_d_gain", 80, 2, initial=4000, low=0, high=16383),
    Register("position_i_gain", 82, 2, low=0, high=16383),
    Register("position_p_gain", 84, 2, initial=640, low=0, high=16383),
    Register("feedforward_2nd_gain", 88, 2, low=0, high=16383),
    Register("feedforward_1st_gain", 90, 2, low=0, high=16383),
    Register("bus_watchdog", 98, 1, low=0, high=127),
    Register("goal_pwm", 100, 2, signed=True, initial=FULL_PWM),
    Register("goal_velocity", 104, 4, signed=True),
    Register("profile_acceleration", 108, 4, low=0, high=32767),
    Register("profile_velocity", 112, 4, low=0, high=32767),
    Register("goal_position", 116, 4, signed=True),
    _ro("realtime_tick", 120, 2),
    _ro("moving", 122, 1),
    _ro("moving_status", 123, 1),
    _ro("present_pwm", 124, 2, signed=True),
    _ro("present_velocity", 128, 4, signed=True),
    _ro("present_position", 132, 4, signed=True),
    _ro("velocity_trajectory", 136, 4, signed=True),
    _ro("position_trajectory", 140, 4, signed=True),
    _ro("present_input_voltage", 144, 2),
    _ro("present_temperature", 146, 1, initial=31),
    Register("indirect_address_1", 168, 2),
    Register("indirect_data_1", 224, 1),
)
_LOAD: Final = (_ro("present_load", 126, 2, signed=True),)
_EXTERNAL_PORT: Final = (
    *(Register(f"external_port_mode_{k}", 55 + k, 1, initial=3, low=0, high=3) for k in (1, 2, 3)),
    *(Register(f"external_port_data_{k}", 150 + 2 * k, 2) for k in (1, 2, 3)),
)
_X330_FIRMWARE: Final = 52
_X330_SLOTS: Final = 20


def _current(limit: int) -> tuple[Register, ...]:
    return (
        Register("current_limit", 38, 2, initial=limit, low=0, high=limit),
        Register("goal_current", 102, 2, signed=True, initial=limit),
        _ro("present_current", 126, 2, signed=True),
    )


def _registers(extra: tuple[Register, ...], voltage: tuple[int, int], **initial: int) -> dict[str, Register]:
    """`voltage` lowest and highest value of both voltage limits, 0.1 V."""
    merged = {register.name: register for register in sorted(_COMMON + extra, key=lambda r: r.address)}
    for name in ("min_voltage_limit", "max_voltage_limit"):
        merged[name] = replace(merged[name], low=voltage[0], high=voltage[1])
    for name, value in initial.items():
        merged[name] = replace(merged[name], initial=value)
    return merged


def _x330(
    name: str,
    model_number: int,
    stall_ma: int,
    current_limit: int,
    volts: int,
    **initial: int,
) -> ControlTable:
    """X330 servos for a supply of `volts` 5 or 12, whose pulse width rises with a slope of their own."""
    slope = Register("pwm_slope", 62, 1, initial=140, low=1, high=255)
    voltage = (31, 70) if volts == 5 else (55, 140)
    limits = {"max_voltage_limit": voltage[1], "min_voltage_limit": 35 if volts == 5 else 55}
    supply = {"temperature_limit": 70, "present_input_voltage": 10 * volts}
    registers = _registers((*_current(current_limit), slope), voltage, **limits, **supply, **initial)
    registers["indirect_data_1"] = replace(registers["indirect_data_1"], address=208)
    registers["baud_rate"] = replace(registers["baud_rate"], high=6)
    return ControlTable(
        name=name,
        model_number=model_number,
        registers=registers,
        effort_unit="mA",
        stall_ma=stall_ma,
        operating_modes=(0, 1, 3, 4, 5, 16),
        fast_read_firmware=46,
        firmware=_X330_FIRMWARE,
        indirect_slots=_X330_SLOTS,
    )


def _xl330(name: str, model_number: int, velocity_limit: int) -> ControlTable:
    gains = {"velocity_i_gain": 1600, "velocity_p_gain": 180, "position_d_gain": 0, "position_p_gain": 400}
    return _x330(name, model_number, 1470, 1750, 5, velocity_limit=velocity_limit, shutdown=53, **gains)


def _xc330(
    name: str,
    model_number: int,
    stall_ma: int,
    current_limit: int,
    volts: int,
    velocity_limit: int,
    gains: tuple[int, ...],
) -> ControlTable:
    names = ("velocity_i_gain", "velocity_p_gain", "position_d_gain", "position_p_gain")
    slope = 140 if volts == 5 else 255
    initial = dict(zip(names, gains, strict=True)) | {"velocity_limit": velocity_limit, "pwm_slope": slope}
    return _x330(name, model_number, stall_ma, current_limit, volts, **initial)


def _load_servo(name: str, model_number: int, registers: dict[str, Register], fast: int) -> ControlTable:
    """XL430 and XC430: no current sensor, so neither a current limit nor a current mode."""
    return ControlTable(
        name=name,
        model_number=model_number,
        registers=registers,
        effort_unit="0.1%",
        stall_ma=1400,
        operating_modes=(1, 3, 4, 16),
        fast_read_firmware=fast,
        firmware=47,
        indirect_slots=28,
    )


def _xm(
    name: str,
    model_number: int,
    stall_ma: int,
    current_limit: int,
    velocity_limit: int,
    extra: tuple[Register, ...] = (),
) -> ControlTable:
    """XM430 and XM540: current counted in 2.69 mA."""
    return ControlTable(
        name=name,
        model_number=model_number,
        registers=_registers(
            _current(current_limit) + extra,
            (95, 160),
            temperature_limit=80,
            max_voltage_limit=160,
            min_voltage_limit=95,
            velocity_limit=velocity_limit,
            velocity_i_gain=1920,
            position_d_gain=0,
            position_p_gain=800,
            present_input_voltage=120,
        ),
        effort_unit="mA",
        stall_ma=stall_ma,
        operating_modes=(0, 1, 3, 4, 5, 16),
        fast_read_firmware=45,
        firmware=47,
        indirect_slots=28,
        effort_scale=_MA_PER_XM_COUNT,
    )


XL430_W250: Final = _load_servo("xl430-w250", 1060, _registers(_LOAD, (60, 140), present_input_voltage=120), fast=45)
XL430_W250_2: Final = _load_servo("2xl430-w250", 1090, XL430_W250.registers, fast=NEVER)  # two shafts, an id each
XC430_W150: Final = _load_servo(
    "xc430-w150",
    1070,
    _registers(
        _LOAD,
        (60, 160),
        moving_threshold=20,
        temperature_limit=80,
        max_voltage_limit=160,
        velocity_limit=460,
        velocity_i_gain=1920,
        position_d_gain=0,
        position_p_gain=460,
        present_input_voltage=120,
    ),
    fast=45,
)
XL330_M288: Final = _xl330("xl330-m288", 1200, velocity_limit=445)
XL330_M077: Final = _xl330("xl330-m077", 1190, velocity_limit=1620)
XC330_T181: Final = _xc330("xc330-t181", 1210, 800, 910, 12, 510, (1200, 40, 0, 900))
XC330_T288: Final = _xc330("xc330-t288", 1220, 800, 910, 12, 320, (1200, 40, 0, 900))
XC330_M181: Final = _xc330("xc330-m181", 1230, 1800, 2352, 5, 545, (1400, 100, 500, 1200))
XC330_M288: Final = _xc330("xc330-m288", 1240, 1800, 2352, 5, 350, (1600, 50, 500, 1100))
XM430_W350: Final = _xm("xm430-w350", 1020, 2300, 1193, 350)
XM430_W210: Final = _xm("xm430-w210", 1030, 2300, 1193, 330)
XM540_W270: Final = _xm("xm540-w270", 1120, 4400, 2047, 128, _EXTERNAL_PORT)
XM540_W150: Final = _xm("xm540-w150", 1130, 4400, 2047, 230, _EXTERNAL_PORT)

_TABLES: Final = (
    (XL430_W250, XL430_W250_2, XC430_W150)
    + (XL330_M288, XL330_M077, XC330_T181, XC330_T288, XC330_M181, XC330_M288)
    + (XM430_W350, XM430_W210, XM540_W270, XM540_W150)
)
MODELS: Final[dict[str, ControlTable]] = {table.name: table for table in _TABLES}
MODEL_NUMBERS: Final[dict[int, str]] = {table.model_number: table.name for table in _TABLES}
