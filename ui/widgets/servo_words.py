"""What the window says about servos: which one is worst, its figures in words, the chip on the state bar."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from teleop_studio.status import ServoHealth, StudioStatus
from ui import theme

LEVEL_COLOURS = {"ok": theme.GOOD, "warn": theme.WARN, "bad": theme.BAD}
_SILENT_S = 3.0
_WHAT_NOW = "Free the joint and support the arm, then reboot the servo."
_RANKS = {"ok": 0, "warn": 1, "bad": 2}


@dataclass(frozen=True)
class ArmServo:
    """A servo and whose it is: `arm` "leader" or "follower"."""

    arm: str
    servo: ServoHealth

    @property
    def key(self) -> tuple[str, str]:
        return self.arm, self.servo.joint


def all_servos(status: StudioStatus) -> Iterator[ArmServo]:
    """The follower's first: it is the one that moves by itself."""
    yield from (ArmServo("follower", servo) for servo in status.follower_servos)
    yield from (ArmServo("leader", servo) for servo in status.leader_servos)


def rank(servo: ServoHealth) -> int:
    """0 well, 1 to be watched, 2 needs somebody. A level that is not known counts as bad."""
    return max(_RANKS.get(servo.level, 2), 2 if servo.errors else 0)


def colour_of(servo: ServoHealth) -> str:
    return (theme.GOOD, theme.WARN, theme.BAD)[rank(servo)]


def worst_first(status: StudioStatus) -> list[ArmServo]:
    """Those that are not well."""
    troubled = [one for one in all_servos(status) if rank(one.servo)]
    return sorted(troubled, key=lambda one: -rank(one.servo))


def figure(value: float, digits: int, unit: str) -> str:
    """ "41 °C"; a dash for what has not been read or is not measured."""
    return f"{value:.{digits}f} {unit}" if math.isfinite(value) else "–"


def figures(servo: ServoHealth) -> str:
    """All values in one line."""
    parts = [figure(servo.temperature_c, 0, "°C"), figure(servo.voltage_v, 1, "V")]
    if math.isfinite(servo.load):
        parts.append(f"load {servo.load:.0%}")
    if math.isfinite(servo.current_ma):
        parts.append(f"{servo.current_ma:.0f} mA")
    return ", ".join(part for part in parts if part != "–") or "not read yet"


def short_error(error: str) -> str:
    """The error's name: what stands before its explanation."""
    for mark in (":", ". ", ", ", " ("):
        error = error.split(mark)[0]
    return error.strip(" .")


def trouble(one: ArmServo) -> tuple[str, str]:
    """(title, detail) of a servo that is not well, for a banner."""
    servo = one.servo
    title = f"{one.arm.capitalize()} {servo.joint}"
    title += f": {short_error(servo.errors[0])}" if servo.errors else f": {_why(servo)}"
    if servo.errors:
        detail = " ".join(error.rstrip(".") + "." for error in servo.errors)
        return title, f"{detail[:1].upper()}{detail[1:]} Servo {servo.servo_id}: {figures(servo)}. {_WHAT_NOW}"
    return title, f"Servo {servo.servo_id}: {figures(servo)}."


def _why(servo: ServoHealth) -> str:
    if servo.age_s > _SILENT_S:
        return f"not heard for {servo.age_s:.0f} s"
    return figures(servo)


def servo_chip(status: StudioStatus) -> tuple[str, str, str]:
    """(text, colour, tooltip)."""
    servos = list(all_servos(status))
    if not servos:
        return "servos –", theme.FAINT, "No servo has told its temperature and errors yet (J shows the table)."
    troubled = worst_first(status)
    tooltip = "\n".join(f"{one.arm} {one.servo.joint}: {figures(one.servo)}" for one in troubled) or (
        f"All {len(servos)} servos are well."
    )
    tooltip += "\nJ shows the table."
    if not troubled:
        warmest = max((s.servo.temperature_c for s in servos if math.isfinite(s.servo.temperature_c)), default=math.nan)
        text = "servos ok" + (f" {warmest:.0f} °C" if math.isfinite(warmest) else "")
        return text, theme.GOOD, tooltip
    worst = troubled[0]
    colour = colour_of(worst.servo)
    alike = [one for one in troubled if rank(one.servo) == rank(worst.servo)]
    if len(alike) > 1:
        return f"{len(alike)} servos: {worst.servo.joint} …", colour, tooltip
    said = short_error(worst.servo.errors[0]) if worst.servo.errors else figure(worst.servo.temperature_c, 0, "°C")
    return f"{worst.servo.joint} {said}", colour, tooltip
