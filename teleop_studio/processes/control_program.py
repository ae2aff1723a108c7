"""What the control process does in each cycle: hear whoever wants it to stop, obey, tick, tell, care for the servos."""

import socket
from typing import Any, Protocol

from drivers.clock import Clock
from drivers.dynamixel.arm import DynamixelArm
from drivers.errors import DriverError
from teleop_studio.control.chunk_link import ChunkLink, ChunkService
from teleop_studio.control.chunk_player import ChunkPlayer
from teleop_studio.control.follow_watch import FollowWatch
from teleop_studio.control.leader_mirror import LeaderMirror
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import (
    HOLD,
    ActionSource,
    HoldSource,
    LeaderSource,
    ReplaySource,
    RestSource,
    StartSource,
)
from teleop_studio.control.workspace_limit import WorkspaceLimit
from teleop_studio.processes import arm_messages as a
from teleop_studio.processes import messages as m
from teleop_studio.processes.arm_rings import ArmRingSpecs
from teleop_studio.processes.arms import Arm
from teleop_studio.processes.bring_down import at_rest, rest_pose
from teleop_studio.processes.lines import Lines
from teleop_studio.processes.port_return import PortReturn
from teleop_studio.processes.rings import RigRings
from teleop_studio.processes.servo_care import ServoCare
from teleop_studio.processes.stop_ways import Stop, StopWays
from teleop_studio.processes.tick_row import TickRow
from teleop_studio.rig import RigConfig

_FAULT_NS = 250_000_000  # a few lost replies are retried and forgotten; the loop holds meanwhile
_WATCHDOG_MS = 300
_REST_PATIENCE_S = 3.0


class ControlPipe(Protocol):
    """The end of the pipe to the studio: both raise `ParentGone` when nobody is there any more."""

    def receive(self, timeout_s: float = 0.0) -> list[Any]: ...
    def send(self, message: Any) -> None: ...


class RequestedChunks(ChunkService, Protocol):
    """A chunk service that knows the number of the last wish, also of the process before this one."""

    @property
    def last_request(self) -> int: ...


class ControlProgram:
    """`cycle` again and again; it raises `ParentGone` when the pipe ends. `closing` how the studio wants it to end."""

    def __init__(
        self,
        pipe: ControlPipe,
        rig: RigConfig,
        lines: Lines,
        arms: tuple[Arm, Arm],
        rings: RigRings,
        clock: Clock,
        stops: StopWays,
        chunks: RequestedChunks,
        box: WorkspaceLimit | None = None,
    ) -> None:
        self._pipe, self._clock, self._stops = pipe, clock, stops
        self._leader, self._follower = arms
        model = rig.follower.model
        mirror = None
        if rig.mirror and rig.leader.model.can_mirror and isinstance(self._leader, DynamixelArm):
            mirror = LeaderMirror(self._leader, self._leader.model)
        gate = SafetyGate(model, box=box)
        self.loop = ControlLoop(*arms, gate, clock, rig.control_hz, FollowWatch(model), mirror)
        self.closing = "soften"
        self._row = TickRow(len(model.joints))
        self._ticks = rings.ticks
        self._link = ChunkLink(chunks, chunks.last_request)
        self._told_fault = ""
        self._fault_since_ns: int | None = None
        self._told_mirroring = False
        self._rest_s = 0.0
        named = {"leader": self._leader, "follower": self._follower}
        ports = {
            role: None if isinstance(line, socket.socket | ArmRingSpecs) else line for role, line in vars(lines).items()
        }
        self._care = ServoCare(named, self.loop, clock, pipe.send)
        self._ports = PortReturn(rig, named, ports, self.loop, clock, pipe.send)
        self.loop.listen(self._publish)

    def cycle(self) -> None:
        """One period. Who wants to stop the arm is heard before its tick, so that this tick holds already."""
        late_ns = self.loop.wait()
        self._hear_stops()
        for message in self._pipe.receive():
            self._obey(message)
        tick = self.loop.tick(late_ns)
        self._serve_source(tick)
        self._watch_fault()
        self._tell_news()
        self._care.step(tick, self._stops.window_listens)
        self._ports.step(_WATCHDOG_MS)

    def _publish(self, tick: Tick) -> None:
        retries = self._leader.statistics.retries + self._follower.statistics.retries
        self._ticks.push(self._row.fill(tick, retries), tick.stamp_ns)

    def _hear_stops(self) -> None:
        moving = self.loop.source.name != HOLD
        stop = self._stops.look(self.loop.period_ns * 1e-9, moving)
        if stop is not None:
            self._stop(stop)
        for text in self._stops.take_news():
            self._pipe.send(m.Warned(text))

    def _stop(self, stop: Stop) -> None:
        if stop.limp:
            self._release()
        else:
            self.loop.hold()
        self._stops.done()
        self._pipe.send(a.StoppedElsewhere(stop.how, self.loop.limp))

    def _serve_source(self, tick: Tick | None) -> None:
        source = self.loop.source
        if isinstance(source, ChunkPlayer):
            self._link.step(source, self._clock.now_ns())
        elif isinstance(source, ReplaySource):
            if tick is not None and tick.aligning:
                source.hold_start()
            elif source.finished:
                self.loop.hold()
                self._pipe.send(m.ReplayFinished())
        elif isinstance(source, RestSource) and source.finished:
            self._end_rest(tick)

    def _end_rest(self, tick: Tick | None) -> None:
        self._rest_s += self.loop.period_ns * 1e-9
        if tick is not None and at_rest(tick.action, self._follower):
            missed = self._release()
            self._pipe.send(a.Rested(tuple(missed)))
        elif self._rest_s > _REST_PATIENCE_S:
            self.loop.hold()
            self._tell_fault(
                "The follower does not get to its rest pose: its box or a blocked joint is in the way. It holds. "
                "Bring it there with the leader, or take the torque off and hold it."
            )

    def _watch_fault(self) -> None:
        # A servo that restarts on the operator's order is expected to be away.
        faulty = bool(self.loop.fault) and not self._care.rebooting
        now_ns = self._clock.now_ns()
        if not faulty:
            self._fault_since_ns = None
        elif self._fault_since_ns is None:
            self._fault_since_ns = now_ns
        lasting = self._fault_since_ns is not None and now_ns - self._fault_since_ns >= _FAULT_NS
        fault = self.loop.fault if lasting else ""
        if bool(fault) != bool(self._told_fault):
            self._tell_fault(fault)

    def _tell_fault(self, text: str) -> None:
        self._told_fault = text
        self._pipe.send(m.ControlFault(text))

    def _tell_news(self) -> None:
        for text in self.loop.news:
            self._pipe.send(m.Warned(text))
        self.loop.news.clear()
        if self.loop.mirroring != self._told_mirroring:
            self._told_mirroring = self.loop.mirroring
            pushed = self.loop.mirror is not None and self.loop.mirror.pushed
            self._pipe.send(a.Mirroring(self._told_mirroring, pushed and not self._told_mirroring))

    def _obey(self, message: Any) -> None:
        try:
            self._act(message)
        except (DriverError, ValueError) as error:  # a fault in a message must not end the loop that holds the arm
            self.loop.hold()
            self._tell_fault(str(error))

    def _act(self, message: Any) -> None:
        match message:
            case a.Alive():
                self._stops.alive()
            case m.EngageHold(at_leader):
                self._engage(StartSource() if at_leader else HoldSource())
            case m.EngageLeader():
                self._engage(LeaderSource())
            case m.EngagePolicy(executed_steps, ensembling):
                self._link.begin()
                self._engage(ChunkPlayer(executed_steps, ensembling))
            case m.EngageReplay(stamp_ns, actions):
                self._engage(ReplaySource(stamp_ns, actions))
            case a.GoToRest():
                self._rest_s = 0.0
                self._engage(RestSource(rest_pose(self._follower)))
            case _:
                self._act_aside(message)

    def _engage(self, source: ActionSource) -> None:
        # The operator has read the old fault; the same one again is news.
        self._told_fault, self._fault_since_ns = "", None
        anew = not self.loop.driving
        self.loop.engage(source)
        if anew:
            self._care.engaged()
            self._follower.watchdog(_WATCHDOG_MS)

    def _act_aside(self, message: Any) -> None:
        match message:
            case m.SetExecutedSteps(steps):
                if isinstance(self.loop.source, ChunkPlayer):
                    self.loop.source.executed_steps = steps
            case m.SetEnsembling(on):
                if isinstance(self.loop.source, ChunkPlayer):
                    self.loop.source.ensembling = on
            case m.Hold():
                self.loop.hold()
            case m.Pause(token):
                self.loop.pause()
                self._follower.watchdog(0)
                self._pipe.send(m.Paused(token))
            case m.Release():
                self._release()
            case a.RebootServo(arm, joint):
                self._care.begin_reboot(arm, joint)
            case a.Closing(how):
                self.closing = how

    def _release(self) -> list[str]:
        missed = self.loop.release()
        if missed:
            self._pipe.send(m.Warned(f"Torque could not be taken off {', '.join(missed)}. Cut the power."))
        return missed
