"""The simulated rig as a process of its own: emulated servos on two byte lines, physics in real time."""

import gc
import select
import socket
from typing import Any

from drivers.clock import MonotonicClock
from drivers.sim.hosts import PtyHost, SocketHost
from drivers.sim.rig import SimulatedRig
from teleop_studio.processes.child import ParentGone, Pipe, raise_scheduling
from teleop_studio.processes.messages import (
    OperatorFinished,
    Ready,
    ResetScene,
    SceneReset,
    StartOperator,
    TrialScore,
)
from teleop_studio.processes.rings import snapshot_row
from teleop_studio.processes.shared_ring import RingSpec, SharedRing

_STEP_NS = 4_000_000  # physics and snapshot at least this often
_GRACE_NS = 4_000_000_000  # a killed window: control still needs the line to bring the arm down gently


def main(
    pipe: Pipe,
    scene: str,
    snapshots: RingSpec,
    ends: tuple[socket.socket, socket.socket] | None,
    seed: int,
    realtime: bool = True,
    shift: str = "none",
) -> None:
    """Serve leader and follower on `ends`, or on two ptys when it is None, until the supervisor closes the pipe.

    Ready.note carries the two pty paths, separated by a line feed, or the scheduling class.
    """
    scheduling = raise_scheduling(realtime)
    clock = MonotonicClock()
    rig = SimulatedRig(scene, clock, wire_time=True, seed=seed, shift=shift)
    ring = SharedRing.attach(snapshots)
    hosts: list[Any]
    if ends is None:
        hosts = [PtyHost(rig.leader_bus), PtyHost(rig.follower_bus)]
        note = "\n".join(str(host.client_end()) for host in hosts)
    else:
        hosts = [SocketHost(rig.leader_bus, ends[0]), SocketHost(rig.follower_bus, ends[1])]
        note = scheduling
    gc.collect()
    gc.freeze()
    pipe.send(Ready(note))
    try:
        _Server(pipe, rig, ring, hosts, clock).run()
    finally:
        for host in hosts:
            host.close()
        ring.close()


class _Server:
    """One thread, one poll loop: whoever is due next is served."""

    def __init__(self, pipe: Pipe, rig: SimulatedRig, ring: SharedRing, hosts: list[Any], clock: MonotonicClock):
        self._pipe, self._rig, self._ring, self._hosts, self._clock = pipe, rig, ring, hosts, clock
        self._score: TrialScore | None = None
        self._end_ns: int | None = None

    def run(self) -> None:
        lines = {host.fileno(): host for host in self._hosts}
        next_step_ns = self._clock.now_ns()
        next_pipe_ns = next_step_ns
        while True:
            due_ns = min([next_step_ns, *(due for host in lines.values() if (due := host.due_ns()) is not None)])
            # select, not poll: replies are due in microseconds, and poll counts in milliseconds.
            select.select(list(lines), [], [], max(0, due_ns - self._clock.now_ns()) * 1e-9)
            now_ns = self._clock.now_ns()
            for fd, host in list(lines.items()):
                host.service(now_ns)
                if host.fileno() < 0:  # the other end was closed, or the line was unplugged
                    del lines[fd]
            if now_ns >= next_step_ns:
                next_step_ns = max(next_step_ns + _STEP_NS, now_ns)
                self._step(now_ns)
            if now_ns >= next_pipe_ns:
                next_pipe_ns = now_ns + 5_000_000
                self._listen(now_ns)
                if self._end_ns is not None and (now_ns >= self._end_ns or not lines):
                    return

    def _step(self, now_ns: int) -> None:
        finished = self._rig.advance_to(now_ns)
        self._ring.push(snapshot_row(self._rig.snapshot()), now_ns)
        if self._end_ns is not None:
            return
        if finished:
            self._pipe.send(OperatorFinished(finished))
        score = self._rig.score()
        news = TrialScore(score.success, score.failed, score.side or "", score.out_of_time, score.straight_ahead_rad)
        if news != self._score:
            self._score = news
            self._pipe.send(news)

    def _listen(self, now_ns: int) -> None:
        if self._end_ns is not None:
            return
        try:
            messages = self._pipe.receive()
        except ParentGone:
            self._end_ns = now_ns + _GRACE_NS
            return
        for message in messages:
            if isinstance(message, ResetScene):
                self._rig.reset(message.seed)
                self._score = None
                self._ring.push(snapshot_row(self._rig.snapshot()), now_ns)
                self._pipe.send(SceneReset(message.token))
            elif isinstance(message, StartOperator):
                self._rig.start_operator(message.side, message.seed)
