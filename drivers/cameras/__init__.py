"""Cameras as sources of stamped pictures. To add one: a file with its class, and its `case` in `open_camera`."""

from typing import Any, Protocol

from drivers.cameras.identity import UsbCameraNode as UsbCameraNode
from drivers.cameras.identity import usb_cameras
from drivers.cameras.v4l2 import Mode, capture_modes
from drivers.clock import Clock
from drivers.errors import CameraError, CameraRefused
from drivers.samples import CameraImage

FoundCameras = list[tuple[UsbCameraNode, tuple[Mode, ...], str]]


class Camera(Protocol):
    """A running camera. `width`, `height` px as it really delivers; `fps` what it agreed to.

    `device` names it exactly: with it the same one is found again, or none. `remarks` are sentences for the operator
    about how it was opened.
    """

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> float: ...

    @property
    def device(self) -> str: ...

    @property
    def remarks(self) -> tuple[str, ...]: ...

    def read(self) -> CameraImage:
        """The next picture; waits for it. Raises `CameraError` when none comes."""

    def close(self) -> None:
        """Give the device back. A second call does nothing."""


class CameraSettings(Protocol):
    """What a rig says about a camera; a `CameraConfig` is one.

    `kind` "usb", "network" or "video"; `device` its identity, address or file. `exposure`, `white_balance`, `focus` in
    the camera's own scale, None for automatic. `options` are particular to the kind; its class names them.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> float: ...

    @property
    def exposure(self) -> int | None: ...

    @property
    def white_balance(self) -> int | None: ...

    @property
    def focus(self) -> int | None: ...

    @property
    def options(self) -> dict[str, Any]: ...


def open_camera(settings: CameraSettings, clock: Clock) -> Camera:
    """The camera of `settings`, running. Raises `CameraError`; `CameraRefused` when the settings do not fit it."""
    match settings.kind, settings.device.partition(":")[0].lower():
        case "usb", _:
            from drivers.cameras.usb import UsbCamera

            return UsbCamera(settings, clock)
        case "network", "http" | "https":
            from drivers.cameras.http_mjpeg import HttpCamera

            return HttpCamera(settings, clock)
        case "network", "rtsp" | "rtsps":
            from drivers.cameras.rtsp import RtspCamera

            return RtspCamera(settings, clock)
        case "video", _:
            from drivers.cameras.video_file import VideoFileCamera

            return VideoFileCamera(settings, clock)
        case "network", scheme:
            raise CameraRefused(
                f"Camera {settings.name} has an address that can not be read: it begins with {scheme!r}. "
                "Give one that begins with http://, https:// (an MJPEG stream) or rtsp://."
            )
    raise CameraRefused(f"Camera {settings.name} is of kind {settings.kind!r}. Known: usb, network, video.")


def find_cameras() -> FoundCameras:
    """The USB cameras of this computer, the modes of each, and why it can not be asked for them ("" when it can).

    `UsbCameraNode.device` is what goes into the rig file. Empty where the system does not tell (other than Linux).
    """
    found: FoundCameras = []
    for node in usb_cameras():
        try:
            found.append((node, capture_modes(node.path), ""))
        except CameraError as error:
            found.append((node, (), str(error)))
    return found


def check_options(settings: CameraSettings, known: tuple[str, ...]) -> None:
    """Raises `CameraRefused` for an option that this kind of camera does not have."""
    for option in settings.options:
        if option not in known:
            has = f"Known: {', '.join(known)}." if known else "This kind of camera has none."
            raise CameraRefused(f"Camera {settings.name} has no option {option!r}. {has}")


def wrong_size(settings: CameraSettings, width: int, height: int, modes: str = "") -> CameraRefused:
    """The error of a camera that gives another size than it was asked for. `modes` what it offers, a sentence."""
    return CameraRefused(
        f"Camera {settings.name} gives {width}x{height} px, the rig file asks for {settings.width}x{settings.height}. "
        f"Put width = {width} and height = {height} into its section of the rig file." + (f" {modes}" if modes else "")
    )
