"""The control loop as a process: owns both arms, obeys small messages, brings the arm down when left alone."""

import gc

import numpy as np

from drivers.clock import MonotonicClock
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.workspace_limit import WorkspaceLimit, workspace_limit
from teleop_studio.processes import messages as m
from teleop_studio.processes.arms import open_arms
from teleop_studio.processes.bring_down import bring_down
from teleop_studio.processes.child import ParentGone, Pipe, raise_scheduling
from teleop_studio.processes.control_program import ControlProgram
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.rings import RigRings, RingSpecs, chunk_of, wish_row
from teleop_studio.processes.stop_ways import open_stop_ways
from teleop_studio.rig import RigConfig, RigError


def main(pipe: Pipe, rig: RigConfig, lines: Lines, specs: RingSpecs) -> None:
    """Tick until the supervisor closes the pipe, then leave the follower as `rig.on_close` says, if that was meant.

    Raises a `DriverError` when an arm can not be opened, `RigError` for a box that can not be kept.
    """
    scheduling = raise_scheduling(rig.realtime)
    box = box_of(rig)
    leader, follower = open_arms(rig, lines)
    rings = RigRings.attach(specs)
    clock = MonotonicClock()
    stops, news = open_stop_ways(clock, rig.stop_device)
    program = ControlProgram(pipe, rig, lines, (leader, follower), rings, clock, stops, RingChunkService(rings), box)
    # A collection in the middle of a tick costs milliseconds; the loop itself makes no cycles.
    gc.collect()
    gc.freeze()
    gc.disable()
    pipe.send(m.Ready(scheduling))
    for text in news:
        pipe.send(m.Warned(text))
    try:
        while True:
            program.cycle()
    except ParentGone:
        bring_down(program.loop, follower, program.closing)
    finally:
        stops.close()
        leader.close()
        follower.close()
        rings.close()


def box_of(rig: RigConfig) -> WorkspaceLimit | None:
    """The box that the follower's gripper has to stay in, None when the rig has none. Raises `RigError`."""
    if rig.box is None:
        return None
    sides = (rig.box.x, rig.box.y, rig.box.z)
    lower = np.array([-np.inf if low is None else low for low, _ in sides])
    upper = np.array([np.inf if high is None else high for _, high in sides])
    try:
        return workspace_limit(rig.follower.model, lower, upper)
    except ValueError as error:
        raise RigError(str(error)) from error


class RingChunkService:
    """`ChunkService` through shared memory: survives the death and restart of the process at the other end."""

    def __init__(self, rings: RigRings) -> None:
        self._wishes, self._chunks = rings.wishes, rings.chunks
        self._read = rings.chunks.written

    @property
    def last_request(self) -> int:
        newest = self._wishes.latest()
        return 0 if newest is None else int(newest[2]["request"])

    def ask(self, request: int, now_ns: int) -> None:
        self._wishes.push(wish_row(request, now_ns), now_ns)

    def answers(self) -> list[tuple[int, ActionChunk | None]]:
        found: list[tuple[int, ActionChunk | None]] = []
        while self._read < self._chunks.written:
            item = self._chunks.read(self._read)
            self._read += 1
            if item is not None:
                found.append((int(item[1]["request"]), chunk_of(item[1])))
        return found
