"""The policy as a process: answers a wish for a chunk first, then draws what it was thinking."""

import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from drivers.kinematics import Chain, known
from teleop_studio.chunk import Observation
from teleop_studio.insight.overlay import overlay_of_trace
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Pipe, raise_share
from teleop_studio.processes.observation import require_fit, take_observation
from teleop_studio.processes.rings import OVERLAY_SAMPLES, RigRings, RingSpecs, chunk_row, overlay_row
from teleop_studio.rig import RigConfig

if TYPE_CHECKING:
    from teleop_studio.policies.player import PolicyPlayer

_GLANCE_S = 0.001  # while a run is loaded: how late a wish may be seen
_GLANCES = 20  # at the ring for one at the pipe, which costs several times as much


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs) -> None:
    """Answer wishes until the supervisor closes the pipe."""
    # Two torch threads on a loaded machine made one call 55 times slower. Must be said before the import.
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    raise_share(rig.realtime)  # the arm waits for its chunk, the window can wait
    rings = RigRings.attach(specs)
    inference = _Inference(pipe, rig, rings)
    pipe.send(m.Ready())
    try:
        inference.run()
    finally:
        rings.close()


class _Inference:
    def __init__(self, pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
        from teleop_studio.policies.player import PolicyPlayer

        self._load_player = PolicyPlayer.load
        self._player: PolicyPlayer | None = None
        self._pipe, self._rig, self._rings = pipe, rig, rings
        # Without known lengths the policy drives all the same, only nobody can draw where it will go.
        self._tip_of = Chain(rig.follower.model).forward if known(rig.follower.model) else None
        self._joints = len(rig.follower.model.joints)
        self._solver_steps = 10
        self._executed_steps = 8
        self._task = ""
        self._answered = rings.wishes.written

    def run(self) -> None:
        while True:
            for message in self._pipe.receive(0.1 if self._player is None else 0.0):
                self._obey(message)
            for _ in range(_GLANCES):
                written = self._rings.wishes.written
                if written > self._answered:
                    self._answered = written  # of several wishes only the newest still matters
                    self._answer(written - 1)
                if self._player is None:
                    break
                time.sleep(_GLANCE_S)

    def _obey(self, message: object) -> None:
        match message:
            case m.LoadRun(run):
                self._load(run)
            case m.SetSolverSteps(steps):
                self._solver_steps = steps
            case m.SetExecutedSteps(steps):
                self._executed_steps = steps
            case m.SetTask(text):
                self._task = text
            case m.SeedNoise(seed):
                if self._player is not None:
                    self._player.seed(seed)

    def _load(self, run: Path) -> None:
        try:
            player = self._load_player(run)
            require_fit(player, self._rig)
            self._player = player
            tasks = player.config.tasks
            if self._task not in tasks:
                self._task = tasks[0] if tasks else ""
            self._warm_up()
        except Exception as error:  # whatever is wrong with a run: the operator reads why, the process lives on
            self._player = None
            self._pipe.send(m.RunRefused(run, str(error)))
            return
        config = player.config
        self._executed_steps = config.executed_steps
        self._pipe.send(
            m.RunLoaded(
                run,
                config.executed_steps,
                config.solver_steps,
                player.policy_name,
                player.step,
                player.device,
                config.tasks,
                self._task,
            )
        )

    def _warm_up(self) -> None:
        """The first calls allocate and are several times slower: not while the arm waits."""
        assert self._player is not None
        taken = self._look(self._player)
        if taken is None:
            return
        for samples in (1, OVERLAY_SAMPLES, 1):
            self._player.sample(self._player.encode(taken[0]), samples, self._solver_steps)
        gc.collect()
        gc.freeze()

    def _answer(self, index: int) -> None:
        wish = self._rings.wishes.read(index)
        player = self._player
        if wish is None or player is None:
            return
        request, asked_ns = int(wish[1]["request"]), int(wish[1]["asked_ns"])
        taken = self._look(player)
        if taken is None:
            self._refuse(request, "A camera gives no pictures, or no joint reading has arrived yet.")
            return
        observation, row = taken
        try:
            encoded = player.encode(observation)
            chunk, _ = player.sample(encoded, 1, self._solver_steps)
            self._rings.chunks.push(chunk_row(request, chunk, self._joints), time.monotonic_ns())
            chunk_ms = (time.monotonic_ns() - asked_ns) * 1e-6
            if self._tip_of is None:
                self._pipe.send(m.ChunkTimes(chunk_ms, chunk_ms))
                return
            _, trace = player.sample(encoded, OVERLAY_SAMPLES, self._solver_steps)
        except Exception as error:  # a policy that fails on one picture must not take the process with it
            self._refuse(request, f"{type(error).__name__}: {error}")
            return
        overlay = overlay_of_trace(
            trace,
            self._tip_of,
            row["follower_position"],
            row["action"],
            self._executed_steps,
            observation.stamp_ns,
        )
        self._rings.overlays.push(overlay_row(overlay), observation.stamp_ns)
        self._pipe.send(m.ChunkTimes(chunk_ms, (time.monotonic_ns() - asked_ns) * 1e-6))

    def _look(self, player: "PolicyPlayer") -> tuple[Observation, NDArray[Any]] | None:
        return take_observation(self._rings, self._task, player.config.observations, player.config.chunk_dt_s)

    def _refuse(self, request: int, why: str) -> None:
        self._rings.chunks.push(chunk_row(request, None, self._joints), time.monotonic_ns())
        self._pipe.send(m.ChunkFailed(why))
