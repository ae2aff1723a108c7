"""Control tables of the servos we know: where each register lies, and what it holds after power-on.

Addresses, sizes and names agree with ROBOTIS' own `.model` files (a test compares them with `dynamixel_easy_sdk`);
access, ranges and initial values are from the ROBOTIS e-manual (XL430-W250, XL330-M288, XL330-M077).
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
    `effort_unit` its unit. `stall_ma` stall current (for load servos the datasheet's, only the emulation uses it).
    `operating_modes` accepted by register 11. `fast_read_firmware` first version that knows Fast Sync Read.
    `indirect_slots` entries of the indirect address list, whose data begin at `indirect_data_1`.
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

    def register(self, name: str) -> Register:
        """Raises `KeyError` naming the model and its registers."""
        try:
            return self.registers[name]
        except KeyError:
            raise KeyError(f"{self.name} has no register {name!r}; it has {', '.join(self.registers)}") from None


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
_XL430_ONLY: Final = (_ro("present_load", 126, 2, signed=True),)
_XL330_ONLY: Final = (
    Register("current_limit", 38, 2, initial=1750, low=0, high=1750),
    Register("pwm_slope", 62, 1, initial=140, low=1, high=255),
    Register("goal_current", 102, 2, signed=True, initial=1750),
    _ro("present_current", 126, 2, signed=True),
)


def _registers(extra: tuple[Register, ...], **initial: int) -> dict[str, Register]:
    merged = {register.name: register for register in sorted(_COMMON + extra, key=lambda r: r.address)}
    for name, value in initial.items():
        merged[name] = replace(merged[name], initial=value)
    return merged


def _xl330(name: str, model_number: int, velocity_limit: int, stall_ma: int) -> ControlTable:
    registers = _registers(
        _XL330_ONLY,
        temperature_limit=70,
        max_voltage_limit=70,
        min_voltage_limit=35,
        velocity_limit=velocity_limit,
        shutdown=53,
        velocity_i_gain=1600,
        velocity_p_gain=180,
        position_d_gain=0,
        position_p_gain=400,
        present_input_voltage=50,
    )
    # Firmware 52 moved the indirect data from 224 to 208 (ROBOTIS' xl330_m288_fw52.model).
    registers["indirect_data_1"] = replace(registers["indirect_data_1"], address=208)
    return ControlTable(
        name=name,
        model_number=model_number,
        registers=registers,
        effort_unit="mA",
        stall_ma=stall_ma,
        operating_modes=(0, 1, 3, 4, 5, 16),
        fast_read_firmware=46,
        firmware=52,
        indirect_slots=20,
    )


XL430_W250: Final = ControlTable(
    name="xl430-w250",
    model_number=1060,
    registers=_registers(_XL430_ONLY, present_input_voltage=120),
    effort_unit="0.1%",
    stall_ma=1400,
    operating_modes=(1, 3, 4, 16),
    fast_read_firmware=45,
    firmware=47,
    indirect_slots=28,
)
XL330_M288: Final = _xl330("xl330-m288", 1200, velocity_limit=445, stall_ma=1470)
XL330_M077: Final = _xl330("xl330-m077", 1190, velocity_limit=1620, stall_ma=1470)

MODELS: Final[dict[str, ControlTable]] = {table.name: table for table in (XL430_W250, XL330_M288, XL330_M077)}
