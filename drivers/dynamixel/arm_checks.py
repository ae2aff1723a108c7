"""What an arm refuses to do, and the sentence it says then."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.arms.model import ArmModel
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.errors import DriverError, ServoAlert, ServoSilent

AT_LIMIT: Final = 0.05  # joint units that a limp joint may sag beyond its limit and still be powered


def refuse_silence(
    bus: DynamixelBus, servos: Sequence[ArmServo], fresh: NDArray[np.bool_], waited_ms: float | None = None
) -> None:
    """Raises `ServoSilent` naming every servo whose `fresh` (S,) is False."""
    if not fresh.all():
        missing, answered = labels(bus, servos, ~fresh), labels(bus, servos, fresh)
        raise silent(bus, missing, answered, bus.reply_timeout_ms if waited_ms is None else waited_ms)


def silent(bus: DynamixelBus, missing: str, answered: str, waited_ms: float) -> ServoSilent:
    """The error for servos that did not answer, by their labels."""
    return ServoSilent(
        f"{missing} on {bus.port} did not answer within {waited_ms:.0f} ms. "
        f"Servos that did answer: {answered or 'none'}. "
        + ("Check the cable before the first silent one." if answered else "Check the power of the arm.")
    )


def labels(bus: DynamixelBus, servos: Sequence[ArmServo], chosen: NDArray[np.bool_]) -> str:
    """The servos where `chosen` (S,) is True, as the operator knows them."""
    return ", ".join(bus.label(servos[index].servo_id) for index in np.flatnonzero(chosen))


def refuse_alerts(model: ArmModel, reasons: Mapping[str, str]) -> None:
    """`reasons` {joint: why it protects itself}. Raises `ServoAlert` when there are any."""
    if reasons:
        joints = ", ".join(f"{name} ({why})" for name, why in reasons.items())
        raise ServoAlert(
            f"{joints} of {model.name} protects itself and keeps its torque off. Free the joint and let it cool, "
            "then reboot the servo or switch the arm off and on."
        )


def near_limits(model: ArmModel, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """`position` (D,), at a limit where it is a little beyond it. Raises `DriverError` where it is far beyond."""
    inside = np.clip(position, model.lower, model.upper)
    for row in np.flatnonzero(np.abs(position - inside) > AT_LIMIT):
        joint = model.joints[row]
        raise DriverError(
            f"{joint.name} of {model.name} stands at {position[row]:.2f}, outside its limits "
            f"{joint.lower:g} .. {joint.upper:g}. Move it inside by hand; if it looks right, its home is wrong: "
            "calibrate the arm."
        )
    return inside
