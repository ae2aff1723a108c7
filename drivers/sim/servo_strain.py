"""What wears a servo and what it protects itself from: heat, a load that lasts, a wrong supply voltage.

Limits are the servo's registers. How fast it heats and how long it bears a load are our estimates: the e-manual gives
no figures for either.
"""

from math import exp

from drivers.dynamixel.control_table import ControlTable

VOLTAGE_BIT, HEAT_BIT, ENCODER_BIT, SHOCK_BIT, OVERLOAD_BIT = 0, 2, 3, 4, 5

_HEATING_S = 90.0  # time constant
_RISE_C = 80.0  # above the room, at stall torque, after a long time
_FULL_LOAD = 0.9  # share of stall torque that counts as overload
_BEARS_S = 1.5


class ServoStrain:
    """Temperature and supply of one servo; starts at the values that its control table has after power-on.

    `supply_v` is the voltage at its plug, `room_c` what it cools down to; both may be set.
    """

    def __init__(self, table: ControlTable, now_ns: int) -> None:
        self.supply_v = table.register("present_input_voltage").initial / 10
        self.temperature_c = float(table.register("present_temperature").initial)
        self.room_c = self.temperature_c
        self._overloaded_s = 0.0
        self._at_ns = now_ns

    def relieve(self) -> None:
        """A restart: the overload starts to count anew. The heat stays."""
        self._overloaded_s = 0.0

    def step(self, now_ns: int, effort: float) -> None:
        """`effort` share of stall torque since the last step."""
        elapsed_s = (now_ns - self._at_ns) * 1e-9
        self._at_ns = now_ns
        end_c = self.room_c + _RISE_C * effort * effort
        self.temperature_c = end_c + (self.temperature_c - end_c) * exp(-elapsed_s / _HEATING_S)
        if abs(effort) >= _FULL_LOAD:
            self._overloaded_s += elapsed_s
        else:
            self._overloaded_s = max(0.0, self._overloaded_s - elapsed_s)

    def errors(self, temperature_limit_c: int, min_voltage: int, max_voltage: int) -> int:
        """Bits of Hardware Error Status. The limits as in the registers: degrees and 0.1 V."""
        found = 0
        if not min_voltage <= self.supply_v * 10 <= max_voltage:
            found |= 1 << VOLTAGE_BIT
        if self.temperature_c > temperature_limit_c:
            found |= 1 << HEAT_BIT
        if self._overloaded_s >= _BEARS_S:
            found |= 1 << OVERLOAD_BIT
        return found
