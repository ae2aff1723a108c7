"""A set-up without a process: emulated arms in memory on named ports, and cameras that exist only here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from drivers.arms import ARMS
from drivers.cameras import FoundCameras
from drivers.cameras.identity import UsbCameraNode
from drivers.clock import Clock, ManualClock
from drivers.dynamixel.transport import MemoryTransport, Transport
from drivers.errors import CameraBusy, PortBusy, PortMissing
from drivers.samples import CameraImage
from drivers.serial_ports import SerialPort
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from teleop_studio.processes.setup_bench import SetupBench
from teleop_studio.processes.setup_cameras import SetupCameras
from teleop_studio.processes.setup_messages import Adopted, SetupFound
from teleop_studio.setup_status import FoundPort


class GreyCamera:
    """Gives pictures of one grey; `fails` on reading."""

    name, device, remarks = "grey", "", ()

    def __init__(self, settings: Any, opened: list[str]) -> None:
        self.width, self.height, self.fps = settings.width, settings.height, settings.fps
        self._opened, self._device = opened, settings.device
        opened.append(self._device)

    def read(self) -> CameraImage:
        return CameraImage(0, np.full((self.height, self.width, 3), 90, np.uint8), 0)

    def close(self) -> None:
        if self._device in self._opened:
            self._opened.remove(self._device)


@dataclass
class SetupWorld:
    """`lines` what hangs on which port; `busy` ports that another program has; `events` all that was reported."""

    clock: ManualClock
    bench: SetupBench
    lines: dict[str, EmulatedBus]
    open_ports: list[str] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)
    cameras: FoundCameras = field(default_factory=list)
    open_cameras: list[str] = field(default_factory=list)
    events: list[Adopted] = field(default_factory=list)

    @classmethod
    def of(cls, factory: bool = False, **arms: str) -> "SetupWorld":
        """`SetupWorld.of(a="koch-leader")`: a Koch leader on the port "a"."""
        clock = ManualClock()
        lines = {path: emulated_arm(ARMS[arm], clock, factory, wire_time=True) for path, arm in arms.items()}
        world: SetupWorld

        def ports() -> list[SerialPort]:
            return [SerialPort(path, f"/dev/{path}", f"adapter {path}") for path in world.lines]

        cameras = SetupCameras(lambda: world.cameras, lambda settings, _: world.open_camera(settings), clock)
        world = cls(clock, SetupBench(lambda path, baud: world.open_line(path, baud), clock, ports, cameras), lines)
        return world

    def open_line(self, path: str, baud: int) -> Transport:
        if path not in self.lines:
            raise PortMissing(f"The port {path} can not be opened: No such file or directory. Check the USB cable.")
        if path in self.busy or path in self.open_ports:
            raise PortBusy(f"Another program uses the port {path}. Close it.")
        self.open_ports.append(path)
        self.lines[path].baud = baud
        return _Counted(self.lines[path], self.clock, path, self.open_ports.remove)

    def open_camera(self, settings: Any) -> GreyCamera:
        if "busy" in settings.device:
            raise CameraBusy(f"Camera {settings.name} is in use by another program. Close it.")
        return GreyCamera(settings, self.open_cameras)

    def add_camera(self, device: str, modes: tuple[tuple[int, int, float, str], ...], problem: str = "") -> None:
        node = UsbCameraNode("/dev/video0", "Webcam", "046d", "0825", "", "", 0, device)
        self.cameras.append((node, modes, problem))

    def do(self, *messages: object) -> SetupFound:
        """Work on `messages` until nothing is left to do; returns the view then."""
        for message in messages:
            self.bench.do(message)
        while self.bench.working:
            self.step()
        return self.bench.view

    def step(self) -> SetupFound:
        self.events += self.bench.step()
        return self.bench.view

    def port(self, path: str) -> FoundPort:
        return next(port for port in self.bench.view.ports if port.path == path)


class _Counted(MemoryTransport):
    """Tells when it is closed, so that a port that was forgotten shows."""

    def __init__(self, line: EmulatedBus, clock: Clock, path: str, closed: Callable[[str], None]) -> None:
        super().__init__(line, clock, path)
        self._closed = closed

    def close(self) -> None:
        super().close()
        if self._closed is not None:
            self._closed(self.name)
            self._closed = None  # type: ignore[assignment]
