"""Exposure, white balance and focus held at a value, so that the light of every episode is the same."""

from typing import Any

import cv2

from drivers.cameras import CameraSettings
from drivers.cameras.v4l2 import control_range

_MANUAL_EXPOSURE, _AUTOMATIC_EXPOSURE = 1, 3  # V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_APERTURE_PRIORITY
_CONTROLS = {  # its automatic, (off, on), the value itself
    "exposure": (cv2.CAP_PROP_AUTO_EXPOSURE, (_MANUAL_EXPOSURE, _AUTOMATIC_EXPOSURE), cv2.CAP_PROP_EXPOSURE),
    "white_balance": (cv2.CAP_PROP_AUTO_WB, (0, 1), cv2.CAP_PROP_WB_TEMPERATURE),
    "focus": (cv2.CAP_PROP_AUTOFOCUS, (0, 1), cv2.CAP_PROP_FOCUS),
}


def lock(capture: Any, settings: CameraSettings, path: str) -> tuple[str, ...]:
    """Set what `settings` hold fast and leave the rest automatic; `capture` is a `cv2.VideoCapture` that sends.

    Returns a sentence for each value that the camera did not take, read back from it.
    """
    wanted = {"exposure": settings.exposure, "white_balance": settings.white_balance, "focus": settings.focus}
    said = (_hold(capture, settings.name, control, value, path) for control, value in wanted.items())
    return tuple(sentence for sentence in said if sentence)


def _hold(capture: Any, name: str, control: str, value: int | None, path: str) -> str:
    automatic, (off, on), setting = _CONTROLS[control]
    if value is None:
        capture.set(automatic, on)  # a camera keeps what the last program locked until it loses power
        return ""
    capture.set(automatic, off)
    capture.set(setting, value)
    present, still_automatic = capture.get(setting), capture.get(automatic) == on
    if present == value and not still_automatic:
        return ""
    if present < 0:
        found = "it has no such control"
    elif still_automatic:
        found = "it goes on choosing it by itself"
    else:
        found = f"it says {present:g}"
    limits = control_range(path, control)
    takes = f"It takes {limits[0]} to {limits[1]} in steps of {limits[2]}. " if limits is not None else ""
    return (
        f"Camera {name} did not take {control} = {value}: {found}. {takes}"
        f"Correct {control} in its section of the rig file, or take it out."
    )
