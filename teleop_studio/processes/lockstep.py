"""The whole rig in one process on a manual clock: seeded, deterministic, as fast as the machine allows.

The same classes as live: emulated servos and their bytes, bus, arm, control loop, safety gate, cameras, take, policy.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.clock import ManualClock
from drivers.dynamixel.transport import MemoryTransport
from drivers.kinematics import Chain, known
from drivers.sim.renderer import SceneRenderer
from drivers.sim.rig import SimulatedRig
from drivers.sim.shift import shift_named
from recorders.episode_builder import build_episode
from recorders.episode_writer import EpisodeWriter, LoopStatistics
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_link import ChunkLink
from teleop_studio.control.chunk_player import ChunkPlayer
from teleop_studio.control.loop import ControlLoop, Tick
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import HoldSource, LeaderSource, StartSource
from teleop_studio.evaluation.measures import TrialMeasures
from teleop_studio.insight.chunk_meter import ChunkMeter
from teleop_studio.insight.overlay import overlay_of_trace
from teleop_studio.processes.arms import connect_arm
from teleop_studio.processes.lockstep_plan import SIDES
from teleop_studio.processes.observation import take_observation
from teleop_studio.processes.rings import OVERLAY_SAMPLES, FrameRow, RigRings, chunk_row, overlay_row
from teleop_studio.processes.take import Take
from teleop_studio.processes.take_description import describe
from teleop_studio.processes.tick_row import TickRow
from teleop_studio.rig import RigConfig

if TYPE_CHECKING:
    from teleop_studio.policies.player import PolicyPlayer

TRIAL_LIMIT_S = 10.0
_TAIL_S = 0.3
_REST_S = 0.2
_DECIDED = 0.5  # where the ways part late, the samples at the start take no side yet


@dataclass(frozen=True)
class Outcome:
    """How one take ended. `path` its episode file, None when it was not kept. `measured` of a trial."""

    success: bool
    failed: str
    side: str
    duration_s: float
    path: Path | None
    left_samples: float = float("nan")
    right_samples: float = float("nan")
    measured: TrialMeasures = field(default_factory=TrialMeasures)


class LockstepBench:
    """One simulated rig that is stepped, not awaited. `rings` may be watched by a window."""

    def __init__(self, rig: RigConfig, rings: RigRings) -> None:
        self.rig, self.rings = rig, rings
        self.clock = ManualClock()
        self.sim = SimulatedRig(rig.scene, self.clock, shift=rig.shift)
        self.clock.on_advance(self._advance)
        self._operator_done = False
        self.leader = connect_arm(rig.leader, MemoryTransport(self.sim.leader_bus, self.clock), self.clock)
        self.follower = connect_arm(rig.follower, MemoryTransport(self.sim.follower_bus, self.clock), self.clock)
        model = rig.follower.model
        self.loop = ControlLoop(self.leader, self.follower, SafetyGate(model), self.clock, rig.control_hz)
        self.loop.wait()  # the first take begins a whole period before its first tick, as every later one does
        self._row = TickRow(len(model.joints))
        self.loop.listen(self._publish)
        self._cameras = _Cameras(self)
        self._warm: PolicyPlayer | None = None

    def close(self) -> None:
        self._cameras.close()
        self.leader.close()
        self.follower.close()

    def demonstrate(self, side: str, seed: int, folder: Path, task: str, operator: str = "") -> Outcome:
        """The scripted hand grasps from `side`; kept in `folder` when it succeeded, as an operator would."""
        take, outcome = self._attempt(side, seed, folder, task, operator)
        return _ended(take, outcome, keep=outcome.success)

    def demonstrate_pair(self, seed: int, folder: Path, task: str, operator: str = "") -> list[Outcome]:
        """The same layout and start passed on the left, then on the right; kept when both succeeded, else neither is.

        One `Outcome` when the first side failed: the other one is not tried then.
        """
        attempts = []
        for side in SIDES:
            attempts.append(self._attempt(side, seed, folder, task, operator, {"pair": f"layout-{seed}"}))
            if not attempts[-1][1].success:
                break
        keep = all(outcome.success for _, outcome in attempts)
        return [_ended(take, outcome, keep) for take, outcome in attempts]

    def approach(self, seed: int, before_fork_s: float) -> None:
        """The scripted hand goes from the layout of `seed` to `before_fork_s` before it turns to one side."""
        self._begin(seed)
        self.loop.engage(LeaderSource())
        self._run(lambda tick: not tick.aligning, limit_s=5.0)
        fork_s = self.sim.start_operator(SIDES[0], seed)
        self._run(lambda _: False, limit_s=max(fork_s - before_fork_s, 0.0))

    def _attempt(
        self, side: str, seed: int, folder: Path, task: str, operator: str, extra: dict[str, Any] | None = None
    ) -> "tuple[_OpenTake, Outcome]":
        """One scripted demonstration, neither kept nor dropped yet."""
        self._begin(seed)
        self.loop.engage(LeaderSource())
        self._run(lambda tick: not tick.aligning, limit_s=5.0)
        self.sim.start_operator(side, seed)
        self._operator_done = False
        said = {"seed": seed, "operator_side": side, **(extra or {})}
        take = self._take(folder, task, "scripted", said, operator)
        start_ns = self.clock.now_ns()
        self._run(lambda _: self._operator_done, limit_s=30.0, take=take)
        self._run(lambda _: False, limit_s=_TAIL_S, take=take)
        score = self.sim.score()
        duration_s = (self.clock.now_ns() - start_ns) * 1e-9
        take.close()
        return take, Outcome(score.success, score.failed, score.side or "", duration_s, None)

    def trial(
        self,
        player: "PolicyPlayer",
        seed: int,
        folder: Path | None,
        run: str,
        executed_steps: int | None = None,
        solver_steps: int | None = None,
        task: str = "",
        ensembling: bool = False,
    ) -> Outcome:
        """The policy drives from the layout of `seed` until it succeeds, fails or the time is over.

        The noise is seeded too: the same weights give the same trial. Steps that are not given are those the policy
        was trained for. Without `folder` nothing is recorded, and pictures are taken only when a chunk begins, unless
        the policy also looks at earlier ones. `task` what a policy that was taught several is told. With `ensembling`
        it is asked at every step.
        """
        executed_steps = 1 if ensembling else executed_steps or player.config.executed_steps
        solver_steps = solver_steps or player.config.solver_steps
        self._begin(seed)
        self._warm_up(player, solver_steps, task)
        player.seed(seed)
        see = folder is not None or player.config.observations > 1
        service = _DirectChunkService(self, player, executed_steps, solver_steps, look=not see, task=task)
        link = ChunkLink(service)
        source = ChunkPlayer(executed_steps, ensembling)
        take = self._take(folder, "", "policy", {"seed": seed, "run": run}) if folder else None
        self.loop.engage(source)
        start_ns = self.clock.now_ns()

        def done(_: Tick) -> bool:
            link.step(source, self.clock.now_ns())
            score = self.sim.score()
            return score.success or bool(score.failed)

        ended = self._run(done, limit_s=TRIAL_LIMIT_S, take=take, see=see)
        score = self.sim.score()
        failed = "" if score.success else score.failed or ("" if ended else score.out_of_time)
        path = None
        if take:
            take.close()
            path = take.build("success" if score.success else "failure", {"failed": failed})
        duration_s = (self.clock.now_ns() - start_ns) * 1e-9
        return Outcome(
            score.success, failed, score.side or "", duration_s, path, *service.first_shares, service.measured()
        )

    def look(self) -> None:
        """Take a picture with every camera now, whatever is due."""
        self._cameras.look()

    def _warm_up(self, player: "PolicyPlayer", solver_steps: int, task: str) -> None:
        """A policy's first calls allocate and are several times slower: they are not what a chunk takes."""
        taken = take_observation(self.rings, task, player.config.observations, player.config.chunk_dt_s)
        if player is self._warm or taken is None:
            return
        self._warm = player
        for samples in (1, OVERLAY_SAMPLES):
            player.sample(player.encode(taken[0]), samples, solver_steps)

    def _begin(self, seed: int) -> None:
        self.loop.pause()
        self.sim.reset(seed)
        self._cameras.look()
        # A few ticks at rest: the newest joint state must not be that of the take before.
        self.loop.engage(StartSource() if self.sim.world.scene.start_held else HoldSource())
        self._run(lambda _: False, limit_s=_REST_S)

    def _run(
        self, done: Callable[[Tick], bool], limit_s: float, take: "_OpenTake | None" = None, see: bool = True
    ) -> bool:
        """Tick until `done` or `limit_s`; returns whether it was done."""
        end_ns = self.clock.now_ns() + round(limit_s * 1e9)
        while self.clock.now_ns() < end_ns:
            self.loop.wait()
            if see:
                self._cameras.look_if_due()
            tick = self.loop.tick()
            if self.loop.fault:
                raise RuntimeError(f"the lock-step rig failed: {self.loop.fault}")
            if take is not None:
                take.follow()
            if tick is not None and done(tick):
                return True
        return False

    def _take(self, folder: Path, task: str, source: str, extra: dict[str, Any], operator: str = "") -> "_OpenTake":
        description = describe(self.rig, task, source, {"lock_step": True, **extra}, operator)
        return _OpenTake(EpisodeWriter(folder, description), self.rig, self.rings)

    def _advance(self, now_ns: int) -> None:
        if self.sim.advance_to(now_ns):
            self._operator_done = True

    def _publish(self, tick: Tick) -> None:
        self.rings.ticks.push(self._row.fill(tick), tick.stamp_ns)


class _OpenTake:
    """A writer and the take that fills it."""

    def __init__(self, writer: EpisodeWriter, rig: RigConfig, rings: RigRings) -> None:
        self.writer = writer
        # The bench's clock does not run beside that on the wall: there is nothing to anchor.
        self._take = Take(writer, rig, rings, rings.ticks.written, clocks=None)
        self._loop: LoopStatistics | None = None

    def follow(self) -> None:
        self._take.follow()

    def close(self) -> None:
        """Nothing that comes later belongs to the take."""
        self._loop = self._take.close()

    def build(self, outcome: str, extra: dict[str, Any] | None = None) -> Path | None:
        if self._take.frames == 0:
            self.writer.discard()
            return None
        return build_episode(self.writer.finish(outcome, extra or {}, loop=self._loop))


def _ended(take: _OpenTake, outcome: Outcome, keep: bool) -> Outcome:
    """The take as a file, or gone."""
    if keep:
        return replace(outcome, path=take.build("success"))
    take.writer.discard()
    return outcome


@dataclass
class _Cameras:
    """Pictures when they are due in the bench's own time."""

    bench: LockstepBench
    _renderers: dict[tuple[int, int], SceneRenderer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = {c.name: FrameRow(c.width, c.height) for c in self.bench.rig.cameras}
        self._due_ns = {c.name: self.bench.clock.now_ns() for c in self.bench.rig.cameras}
        self._sequence = dict.fromkeys(self._rows, 0)
        for camera in self.bench.rig.cameras:
            size = (camera.width, camera.height)
            if size not in self._renderers:
                self._renderers[size] = SceneRenderer(self.bench.rig.scene, *size, shift_named(self.bench.rig.shift))

    def look_if_due(self) -> None:
        now_ns = self.bench.clock.now_ns()
        for camera in self.bench.rig.cameras:
            if now_ns >= self._due_ns[camera.name]:
                self._due_ns[camera.name] += round(1e9 / camera.fps)
                self._shoot(camera.name, camera.width, camera.height)

    def look(self) -> None:
        now_ns = self.bench.clock.now_ns()
        for camera in self.bench.rig.cameras:
            self._due_ns[camera.name] = now_ns + round(1e9 / camera.fps)
            self._shoot(camera.name, camera.width, camera.height)

    def close(self) -> None:
        for renderer in self._renderers.values():
            renderer.close()

    def _shoot(self, name: str, width: int, height: int) -> None:
        rgb = self._renderers[width, height].render(self.bench.sim.snapshot(), name)
        row = self._rows[name].fill(self._sequence[name], rgb)
        self._sequence[name] += 1
        self.bench.rings.frames[name].push(row, self.bench.clock.now_ns())


class _DirectChunkService:
    """`ChunkService` with the policy in the same process: the answer is there in no simulated time."""

    def __init__(
        self,
        bench: LockstepBench,
        player: "PolicyPlayer",
        executed_steps: int,
        solver_steps: int,
        look: bool,
        task: str,
    ) -> None:
        self._bench, self._player, self._task = bench, player, task
        self._executed_steps, self._solver_steps, self._look = executed_steps, solver_steps, look
        model = bench.rig.follower.model
        self._tip_of = Chain(model).forward if known(model) else None
        self._meter = ChunkMeter(self._tip_of, bench.sim.score().straight_ahead_rad)
        self._chunk_ms: list[float] = []
        self._samples_ms: list[float] = []
        self._ready: list[tuple[int, ActionChunk | None]] = []
        self.first_shares = (float("nan"), float("nan"))

    def ask(self, request: int, now_ns: int) -> None:
        if self._look:
            self._bench.look()
        config = self._player.config
        taken = take_observation(self._bench.rings, self._task, config.observations, config.chunk_dt_s)
        if taken is None:
            raise RuntimeError("the lock-step rig has no picture or joint state to show the policy")
        observation, row = taken
        asked_s = time.perf_counter()
        encoded = self._player.encode(observation)
        chunk, _ = self._player.sample(encoded, 1, self._solver_steps)
        self._chunk_ms.append(_ms_since(asked_s))
        if self._tip_of is not None:
            _, trace = self._player.sample(encoded, OVERLAY_SAMPLES, self._solver_steps)
            self._samples_ms.append(_ms_since(asked_s))
            overlay = overlay_of_trace(
                trace,
                self._tip_of,
                row["follower_position"],
                row["action"],
                self._executed_steps,
                observation.stamp_ns,
            )
            shares = (overlay.left_share, overlay.right_share)
            if self._meter.chunks == 0 or sum(self.first_shares) < _DECIDED <= sum(shares):
                self.first_shares = shares
            self._bench.rings.overlays.push(overlay_row(overlay), observation.stamp_ns)
        self._meter.add(chunk, np.array(row["action"]), now_ns)
        self._bench.rings.chunks.push(chunk_row(request, chunk, chunk.actions.shape[1]), now_ns)
        self._ready.append((request, chunk))

    def answers(self) -> list[tuple[int, ActionChunk | None]]:
        ready, self._ready = self._ready, []
        return ready

    def measured(self) -> TrialMeasures:
        """Of the trial so far."""
        meter = self._meter
        return TrialMeasures(
            step=self._player.step,
            chunks=meter.chunks,
            flips=meter.flips,
            chunk_side=meter.first_side,
            boundary_jump=meter.boundary_jump,
            boundary_jump_mrad=meter.boundary_jump_mrad,
            chunk_ms=tuple(self._chunk_ms),
            samples_ms=tuple(self._samples_ms),
            executed_steps=self._executed_steps,
            solver_steps=self._solver_steps,
        )


def _ms_since(start_s: float) -> float:
    return round(1e3 * (time.perf_counter() - start_s), 2)
