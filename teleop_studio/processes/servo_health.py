"""How well servos are, from what their slow registers said: a level each, and a sentence when one needs somebody."""

import math
from typing import Final

from drivers.dynamixel.control_table import MODELS
from drivers.samples import ServoReading
from teleop_studio.status import ServoHealth

OK, WARN, BAD = "ok", "warn", "bad"
_HOT_C: Final = 8.0  # below the temperature at which a servo switches itself off
_TOO_HOT_C: Final = 3.0
_VOLTAGE_EDGE: Final = 0.06  # share of the allowed voltage at its edges
_FULL_LOAD: Final = 0.95
_OLD_S: Final = 5.0


def health_of(reading: ServoReading) -> ServoHealth:
    """One servo as the window shows it."""
    age_s = math.nan if reading.age_ns is None else reading.age_ns * 1e-9
    level, _ = judge(reading)
    return ServoHealth(
        joint=reading.joint,
        servo_id=reading.servo_id,
        servo=reading.servo,
        temperature_c=reading.temperature_c,
        voltage_v=reading.voltage_v,
        load=reading.load,
        current_ma=reading.current_ma,
        torque=reading.torque,
        errors=reading.errors,
        age_s=age_s,
        missed=reading.missed,
        level=level,
    )


def judge(reading: ServoReading) -> tuple[str, str]:
    """(level, what is wrong in plain words; empty when it is ok). Limits are the servo model's own."""
    if reading.errors:
        return BAD, f"protects itself: {', '.join(reading.errors)}"
    if reading.age_ns is not None and reading.age_ns * 1e-9 > _OLD_S:
        return WARN, f"has told nothing about itself for {reading.age_ns * 1e-9:.0f} s"
    for level, text in (_heat(reading), _voltage(reading)):
        if level != OK:
            return level, text
    if reading.load > _FULL_LOAD:
        return WARN, f"gives all it may ({reading.load:.0%})"
    return OK, ""


def _heat(reading: ServoReading) -> tuple[str, str]:
    limit_c = MODELS[reading.servo].register("temperature_limit").initial
    left_c = limit_c - reading.temperature_c
    text = f"is {reading.temperature_c:.0f} °C hot and switches itself off at {limit_c} °C: let it rest"
    if left_c <= _TOO_HOT_C:
        return BAD, text
    return (WARN, text) if left_c <= _HOT_C else (OK, "")


def _voltage(reading: ServoReading) -> tuple[str, str]:
    table = MODELS[reading.servo]
    low_v = table.register("min_voltage_limit").initial / 10
    high_v = table.register("max_voltage_limit").initial / 10
    edge_v = _VOLTAGE_EDGE * (high_v - low_v)
    text = f"gets {reading.voltage_v:.1f} V and bears {low_v:g} to {high_v:g} V: check the power supply"
    if reading.voltage_v < low_v or reading.voltage_v > high_v:
        return BAD, text
    near = reading.voltage_v < low_v + edge_v or reading.voltage_v > high_v - edge_v
    return (WARN, text) if near else (OK, "")
