"""Owns the ports and cameras while a rig is set up: obeys small messages, tells what it found, all waiting is here."""

from drivers.cameras import find_cameras, open_camera
from drivers.clock import MonotonicClock
from drivers.dynamixel.transport import open_transport
from drivers.serial_ports import find_ports
from teleop_studio.processes.child import Pipe
from teleop_studio.processes.setup_bench import SetupBench
from teleop_studio.processes.setup_cameras import SetupCameras
from teleop_studio.processes.setup_messages import CamerasFound

_WATCH_S, _IDLE_S = 0.04, 0.5


def main(pipe: Pipe) -> None:
    """Runs until the studio closes the pipe; then every port is given back."""
    clock = MonotonicClock()
    cameras = SetupCameras(find_cameras, open_camera, clock)
    bench = SetupBench(lambda path, baud: open_transport(path, baud, clock), clock, find_ports, cameras)
    told = None
    try:
        while True:
            for message in pipe.receive(0.0 if bench.working else _WATCH_S if bench.watching else _IDLE_S):
                bench.do(message)
            for event in bench.step():
                pipe.send(event)
            if cameras.changed:
                cameras.changed = False
                pipe.send(CamerasFound(cameras.found))
            view = bench.view
            if view != told:
                told = view
                pipe.send(view)
    finally:
        bench.close()
