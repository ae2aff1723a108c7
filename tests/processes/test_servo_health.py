"""From slow registers to a level and plain words; the limits are those of each servo model."""

import math

import pytest

from drivers.samples import ServoReading
from teleop_studio.processes.servo_health import health_of, judge


def reading(servo: str = "xl330-m288", **values: object) -> ServoReading:
    well = {"temperature_c": 40.0, "voltage_v": 5.0 if servo.startswith("xl330") else 12.0, "load": 0.3}
    return ServoReading("elbow", 3, servo, **{**well, "torque": True, "age_ns": 100_000_000, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("servo", ["xl330-m288", "xl430-w250", "xm430-w350"])
def test_a_servo_in_normal_use_is_well(servo: str) -> None:
    assert judge(reading(servo)) == ("ok", "")


@pytest.mark.parametrize(
    ("values", "level", "words"),
    [
        ({"temperature_c": 61.9}, "ok", ""),
        ({"temperature_c": 62.0}, "warn", "is 62 °C hot and switches itself off at 70 °C: let it rest"),
        ({"temperature_c": 67.0}, "bad", "is 67 °C hot"),
        ({"voltage_v": 3.6}, "warn", "gets 3.6 V and bears 3.5 to 7 V: check the power supply"),
        ({"voltage_v": 3.4}, "bad", "gets 3.4 V"),
        ({"voltage_v": 7.1}, "bad", "gets 7.1 V"),
        ({"load": 1.0}, "warn", "gives all it may (100%)"),
        ({"age_ns": 6_000_000_000}, "warn", "has told nothing about itself for 6 s"),
        ({"errors": ("overload",), "temperature_c": 69.0}, "bad", "protects itself: overload"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(values: dict[str, object], level: str, words: str) -> None:
    found, text = judge(reading(**values))
    assert found == level
    assert text.startswith(words)


def test_a_servo_that_has_not_told_anything_yet_is_not_called_bad() -> None:
    nothing = ServoReading("elbow", 3, "xl330-m288")
    assert judge(nothing) == ("ok", "")
    health = health_of(nothing)
    assert math.isnan(health.age_s)
    assert health.level == "ok"


def test_the_window_gets_all_that_is_known() -> None:
    health = health_of(reading(errors=("overload",), missed=3, current_ma=250.0))
    assert (health.joint, health.servo_id, health.torque, health.missed, health.level) == ("elbow", 3, True, 3, "bad")
    assert (health.current_ma, health.age_s) == (250.0, 0.1)
