"""The control loop as a process: owns both arms, obeys small messages, brings the arm down when left alone."""

import gc
from typing import Any

from drivers.clock import MonotonicClock
from drivers.errors import DriverError
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_link import ChunkLink
from teleop_studio.control.chunk_player import ChunkPlayer
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import HoldSource, LeaderSource, ReplaySource
from teleop_studio.processes import messages as m
from teleop_studio.processes.arms import Arm, open_arms
from teleop_studio.processes.child import ParentGone, Pipe, raise_scheduling
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.rings import RigRings, RingSpecs, chunk_of, wish_row
from teleop_studio.processes.tick_row import TickRow
from teleop_studio.rig import RigConfig

_ENGAGE = (m.EngageHold, m.EngageLeader, m.EngagePolicy, m.EngageReplay)
_FAULT_TICKS = 5  # a single lost reply is retried and forgotten; this many in a row are a fault
_HOLD_S, _RAMP_S = 0.5, 2.0  # left alone: hold, then let the torque go softly


def main(pipe: Pipe, rig: RigConfig, lines: Lines, specs: RingSpecs) -> None:
    """Tick until the supervisor closes the pipe, then ramp the torque down and end.

    Raises a `DriverError` when an arm can not be opened.
    """
    scheduling = raise_scheduling(rig.realtime)
    leader, follower = open_arms(rig, lines)
    rings = RigRings.attach(specs)
    control = _Control(pipe, rig, leader, follower, rings)
    # A collection in the middle of a tick costs milliseconds; the loop itself makes no cycles.
    gc.collect()
    gc.freeze()
    gc.disable()
    pipe.send(m.Ready(scheduling))
    try:
        control.run()
    except ParentGone:
        control.bring_down()
    finally:
        leader.close()
        follower.close()
        rings.close()


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


class _Control:
    def __init__(self, pipe: Pipe, rig: RigConfig, leader: Arm, follower: Arm, rings: RigRings) -> None:
        self._pipe, self._leader, self._follower = pipe, leader, follower
        model = rig.follower.model
        self._gate = SafetyGate(model)
        self._clock = MonotonicClock()
        self._loop = ControlLoop(leader, follower, self._gate, self._clock, rig.control_hz)
        self._row = TickRow(len(model.joints))
        self._ticks = rings.ticks
        service = RingChunkService(rings)
        self._link = ChunkLink(service, service.last_request)
        self._told_fault = ""
        self._fault_ticks = 0
        self._loop.listen(self._publish)

    def run(self) -> None:
        while True:
            tick = self._loop.tick(self._loop.wait())
            for message in self._pipe.receive():
                self._obey(message)
            self._serve_source(tick)
            self._watch_fault()

    def bring_down(self) -> None:
        """Hold, then less and less torque, then none: nobody is there any more who could decide otherwise."""
        if self._loop.limp:
            self._loop.release()
            return
        self._loop.hold()
        rate_hz = 1e9 / self._loop.period_ns
        hold_ticks, ramp_ticks = int(_HOLD_S * rate_hz), int(_RAMP_S * rate_hz)
        try:
            for k in range(hold_ticks + ramp_ticks):
                self._loop.tick(self._loop.wait())
                # Twenty steps are smooth enough; each is one more write on the bus.
                if k >= hold_ticks and (k - hold_ticks) % max(1, ramp_ticks // 20) == 0:
                    self._follower.set_effort_limit(1.0 - (k - hold_ticks) / ramp_ticks)
        except DriverError:
            pass  # a dead line can not be ramped; torque off below still tries every servo
        self._loop.release()

    def _publish(self, tick: Tick) -> None:
        retries = self._leader.statistics.retries + self._follower.statistics.retries
        self._ticks.push(self._row.fill(tick, retries), tick.stamp_ns)

    def _serve_source(self, tick: Tick | None) -> None:
        source = self._loop.source
        if isinstance(source, ChunkPlayer):
            self._link.step(source, self._clock.now_ns())
        elif isinstance(source, ReplaySource):
            if tick is not None and tick.aligning:
                source.hold_start()
            elif source.finished:
                self._loop.hold()
                self._pipe.send(m.ReplayFinished())

    def _watch_fault(self) -> None:
        self._fault_ticks = self._fault_ticks + 1 if self._loop.fault else 0
        fault = self._loop.fault if self._fault_ticks >= _FAULT_TICKS else ""
        if bool(fault) != bool(self._told_fault):
            self._told_fault = fault
            self._pipe.send(m.ControlFault(fault))

    def _obey(self, message: Any) -> None:
        try:
            self._act(message)
        except (DriverError, ValueError) as error:  # a fault in a message must not end the loop that holds the arm
            self._loop.hold()
            self._told_fault = str(error)
            self._pipe.send(m.ControlFault(str(error)))

    def _act(self, message: Any) -> None:
        if isinstance(message, _ENGAGE):
            # The operator has read the old fault; the same one again is news.
            self._told_fault, self._fault_ticks = "", 0
        match message:
            case m.EngageHold():
                self._loop.engage(HoldSource())
            case m.EngageLeader():
                self._loop.engage(LeaderSource())
            case m.EngagePolicy(executed_steps):
                self._link.begin()
                self._loop.engage(ChunkPlayer(executed_steps))
            case m.EngageReplay(stamp_ns, actions):
                self._loop.engage(ReplaySource(stamp_ns, actions))
            case _:
                self._act_aside(message)

    def _act_aside(self, message: Any) -> None:
        match message:
            case m.SetExecutedSteps(steps):
                if isinstance(self._loop.source, ChunkPlayer):
                    self._loop.source.executed_steps = steps
            case m.Hold():
                self._loop.hold()
            case m.Pause(token):
                self._loop.pause()
                self._pipe.send(m.Paused(token))
            case m.Release():
                missed = self._loop.release()
                if missed:
                    self._pipe.send(m.Warned(f"Torque could not be taken off {', '.join(missed)}. Cut the power."))
