"""Cameras as sources of stamped pictures. To add one: a file with its class, and a `case` where rigs are opened."""

from typing import Protocol

from drivers.samples import CameraImage


class Camera(Protocol):
    """A running camera. `width`, `height` px and `fps` as it really delivers."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> float: ...

    def read(self) -> CameraImage:
        """The next picture; waits for it. Raises `CameraError` when none comes."""

    def close(self) -> None:
        """Give the device back. A second call does nothing."""
