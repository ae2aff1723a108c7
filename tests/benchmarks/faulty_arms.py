"""Emulated studio arms on two ptys in a process of their own: faults on request, and a truth to compare readings with.

A hand moves two joints of the leader up and down at a constant speed, so that a reading one cycle old shows.
"""

import multiprocessing
import select
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.arms.studio_arm import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import MonotonicClock
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hosts import PtyHost
from teleop_studio.processes.child import raise_scheduling

MOVED = {"waist": 0.25, "elbow": 0.45}  # joint: half of its way, rad
SPEED = 0.5  # rad/s
_HAND_NS = 2_000_000
_SPAWN = multiprocessing.get_context("spawn")

Lines = dict[str, EmulatedBus]
# What happens to the lines; picklable: a module's function and its arguments.
Happening = tuple[Callable[..., None], tuple[Any, ...]]


class FaultyArms:
    """The process; `ports` are its two stable paths. End it with `close`."""

    def __init__(self, folder: Path) -> None:
        self._connection, far_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_serve, args=(far_end, folder), daemon=True)
        self._process.start()
        far_end.close()
        self.ports: dict[str, str] = self._connection.recv()

    def happen(self, happening: Happening) -> int:
        """Let it happen; returns when it did, monotonic ns."""
        self._connection.send(happening)
        moment_ns: int = self._connection.recv()
        return moment_ns

    def close(self) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
        """When the hand moved, and where it put each joint, rad."""
        self._connection.send(None)
        truth: tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]] = self._connection.recv()
        self._process.join()
        return truth


def hand_at(joint: str, time_s: float) -> float:
    """Where the hand has the joint: a triangle wave about its home."""
    home = STUDIO_LEADER.home[STUDIO_LEADER.names.index(joint)]
    way = MOVED[joint]
    phase = (time_s * SPEED / way) % 4
    return home + way * (phase if phase < 1 else 2 - phase if phase < 3 else phase - 4)


def _serve(connection: Connection, folder: Path) -> None:
    raise_scheduling()
    clock = MonotonicClock()
    lines = {
        "leader": emulated_arm(STUDIO_LEADER, clock, wire_time=True),
        "follower": emulated_arm(STUDIO_FOLLOWER, clock, wire_time=True),
    }
    hosts = {port: PtyHost(line, folder / port) for port, line in lines.items()}
    connection.send({port: str(host.client_end()) for port, host in hosts.items()})
    start_ns = next_ns = clock.now_ns()
    stamps: list[int] = []
    places: dict[str, list[float]] = {joint: [] for joint in MOVED}
    while True:
        due = [next_ns, *(due for host in hosts.values() if (due := host.due_ns()) is not None)]
        ends = [end for host in hosts.values() if (end := host.fileno()) >= 0]
        select.select(ends, [], [], max(0, min(due) - clock.now_ns()) * 1e-9)
        now_ns = clock.now_ns()
        for host in hosts.values():
            host.service(now_ns)
        if now_ns < next_ns:
            continue
        next_ns = now_ns + _HAND_NS
        stamps.append(now_ns)
        for joint, way in places.items():
            way.append(hand_at(joint, (now_ns - start_ns) * 1e-9))
            lines["leader"].hand(joint).put(way[-1])
        if connection.poll(0):
            happening = connection.recv()
            if happening is None:
                break
            happening[0]({"lines": lines, "hosts": hosts}, *happening[1])
            connection.send(clock.now_ns())
    for host in hosts.values():
        host.close()
    connection.send((np.array(stamps, np.int64), {joint: np.array(way) for joint, way in places.items()}))
