"""The session and the live rig together: verbs go through the state machine and become messages to the processes."""

import time
from pathlib import Path

from teleop_studio.live import LiveRig
from teleop_studio.live_arms import LIMP, STOPPED
from teleop_studio.policies.checkpoint_folder import run_of
from teleop_studio.processes import messages as m
from teleop_studio.processes.arm_messages import Closing, GoToRest, RebootServo
from teleop_studio.processes.disk_room import LEAST_S
from teleop_studio.processes.rings import check_solver_steps
from teleop_studio.processes.supervisor import INFERENCE
from teleop_studio.rig import RigConfig
from teleop_studio.session import Effect, Session, StudioError
from teleop_studio.status import State
from teleop_studio.workspace import Workspace

# Effects that are one word to the control process.
_ORDERS = {
    Effect.ENGAGE_HOLD: m.EngageHold(),
    Effect.ENGAGE_LEADER: m.EngageLeader(),
    Effect.HOLD: m.Hold(),
    Effect.GO_TO_REST: GoToRest(),
    Effect.RELEASE: m.Release(),
}

DEFAULT_TASK = {
    "bottle": "Pick up the bottle behind the carton",
    "fork": "Pick up the bottle behind the tall box",
    "fork-close": "Pick up the bottle behind the tall box",
}


class Operation:
    """What is being done with the arm. `live` is None while no rig is open.

    Verbs raise `StudioError` when they are not allowed now.
    """

    def __init__(self, rig: RigConfig, workspace: Workspace) -> None:
        self.rig, self._workspace = rig, workspace
        self.live: LiveRig | None = None
        self.active_run = ""
        # Until the operator chooses, those of the policy that was loaded last.
        self.executed_steps, self.solver_steps = 8, 10
        self.chosen_steps: set[str] = set()  # which of the two the operator has chosen
        self.temporal_ensembling = False
        self._session = Session()
        self._wanted_run: tuple[Path, dict[str, object]] | None = None
        self._task, self._source = "", "human"
        self._extra: dict[str, object] = {}
        self._outcome = "unrated"
        self._cause: tuple[int, str, dict[str, str]] | None = None  # stamp, kind and detail of what ends the take
        self.operator = ""
        self.stopped_elsewhere = False  # until whoever runs a task has ended it
        self._replay: m.EngageReplay | None = None
        self._failed_before = ""  # what had failed in the scene before the policy began

    @property
    def state(self) -> State:
        return self._session.state

    @property
    def loading(self) -> str:
        """The run that will drive as soon as it is loaded, "" while there is none."""
        return run_of(self._wanted_run[0]).name if self._wanted_run else ""

    def opened(self) -> LiveRig:
        """Raises `StudioError` while no rig is open."""
        if self.live is None:
            raise StudioError("No rig is open. Open one first.")
        return self.live

    def simulated(self) -> LiveRig:
        """Raises `StudioError` unless a simulated rig is open."""
        live = self.opened()
        if not self.rig.simulated:
            raise StudioError(
                f"{self.rig.name} is a real rig. Only a simulated one has scenes and a scripted operator."
            )
        return live

    def close(self) -> LiveRig | None:
        """End what is going on; returns the rig, whose processes the caller stops."""
        live = self.live
        if live is not None and self._session.allows("closed"):
            self._end_by("closed", "interrupted")
            self._carry_out(live, self._session.apply("closed"))
            live.command(Closing(self.rig.on_close))
        self.live = None
        self._session = Session()
        return live

    def hear(self) -> None:
        """Act on what the processes have said."""
        if self.live is not None:
            self.live.alive()
            for verb in self.live.receive():
                self._on_event(self.live, verb)

    def do(self, verb: str) -> None:
        """One verb of the session's table."""
        live = self.opened()
        self._check_scene(verb)
        self._carry_out(live, self._session.apply(verb))

    def record(self, task: str, source: str, extra: dict[str, object]) -> None:
        self._session.check("record")
        self._require_room("record")
        self._task, self._source, self._extra = task or DEFAULT_TASK.get(self.rig.scene, ""), source, extra
        self.do("record")

    def accept(self, outcome: str) -> None:
        self._cause = None
        self._outcome = outcome
        self.do("accept")

    def bookmark(self, text: str) -> float:
        """Mark this moment of the running take; returns how far into it that is, s (0 during the soft start)."""
        live = self.opened()
        self._session.apply("bookmark")
        now_ns, started_ns = time.monotonic_ns(), live.takes.progress.started_ns
        live.record(m.MarkEvent(now_ns, "bookmark", {"text": text} if text else {}))
        return (now_ns - started_ns) * 1e-9 if started_ns else 0.0

    def halt(self, verb: str) -> None:
        """ "stop" or "torque_off": whatever is going on, also while the scene is put back."""
        self._wanted_run = None
        if self._session.state is State.CLOSED and verb == "stop":
            return
        self._end_by(verb.replace("_", " "), "stopped")
        self._carry_out(self.opened(), self._session.apply(verb))

    def reboot_servo(self, arm: str, joint: str) -> None:
        """Raises `StudioError` for an arm or joint that the rig does not have."""
        live, names = self.opened(), self.rig.follower.model.names
        if arm not in ("leader", "follower") or joint not in names:
            raise StudioError(f"There is no joint {joint!r} of a {arm!r}. The arms have {', '.join(names)}.")
        self._session.apply("reboot_servo")
        live.command(RebootServo(arm, joint))

    def resume(self) -> None:
        live = self.opened()
        if not self._session.allows("resume"):
            raise StudioError(f"There is nothing to resume while {self._session.state}. Press Esc to stop.")
        if live.processes.restart_dead():
            # The session goes on when the new processes are ready: `receive` says "opened" then.
            self._session = Session()
            return
        self.do("resume")

    def set_policy_task(self, text: str) -> None:
        self.opened().set_policy_task(text)

    def autonomous(self, run: Path, extra: dict[str, object]) -> None:
        live = self.opened()
        self._check_scene("autonomous")
        self._session.check("autonomous")
        self._require_room("run a policy")
        self._wanted_run = (run, extra)
        live.load(run)

    def end_failed_trial(self) -> str:
        """A policy whose attempt on the simulated scene has just failed holds at once; returns why, else "".

        After a failure a policy meets pictures that nobody has shown it, and wanders.
        """
        live = self.live
        failed = live.score.failed if live is not None and live.score is not None else ""
        if live is None or self._session.state is not State.POLICY:
            self._failed_before = failed
            return ""
        if failed in ("", self._failed_before):
            return ""
        self._end_by("failed", "failure", failed)
        self._carry_out(live, self._session.apply("accept"))
        return failed

    def take_over(self) -> None:
        live = self.opened()
        self.do("take_over")
        live.record(m.MarkEvent(time.monotonic_ns(), m.TAKEOVER, {}))

    def replay(self, actions: m.EngageReplay) -> None:
        self._replay = actions
        self.do("replay")

    def abandon(self) -> None:
        """After a cancelled task: no take goes on, the arm holds."""
        live = self.opened()
        for verb in ("discard", "hold"):
            if self._session.allows(verb):
                self._carry_out(live, self._session.apply(verb))

    def set_solver_steps(self, steps: int) -> None:
        self.solver_steps = check_solver_steps(steps)
        self.chosen_steps.add("solver")
        if self.live is not None:
            self.live.processes.send(INFERENCE, m.SetSolverSteps(steps))

    def set_executed_steps(self, steps: int) -> None:
        if not 1 <= steps <= 63:
            raise ValueError(f"executed steps = {steps}: at least 1 and at most the chunk's last but one step")
        self.executed_steps = steps
        self.chosen_steps.add("executed")
        if self.live is not None:
            self.live.command(m.SetExecutedSteps(steps))
            self.live.processes.send(INFERENCE, m.SetExecutedSteps(self._steps_between_chunks))

    def set_temporal_ensembling(self, on: bool) -> None:
        self.temporal_ensembling = on
        if self.live is not None:
            self.live.command(m.SetEnsembling(on))
            self.live.processes.send(INFERENCE, m.SetExecutedSteps(self._steps_between_chunks))

    @property
    def _steps_between_chunks(self) -> int:
        return 1 if self.temporal_ensembling else self.executed_steps

    def _start_take(self, live: LiveRig, effect: Effect) -> None:
        folder = self._workspace.episodes if effect is Effect.START_TAKE else self._workspace.trials
        first_tick = live.rings.ticks.written
        live.record(m.StartTake(folder, self._task, self._source, first_tick, self._extra, self.operator))

    def _finish_take(self, live: LiveRig) -> None:
        if self._cause is not None:
            live.record(m.MarkEvent(*self._cause))
        live.record(m.FinishTake(self._outcome))

    def _end_by(self, kind: str, outcome: str, text: str = "") -> None:
        """What ends the running take, if there is one, and when: it is sent once the arm has been told to hold."""
        self._cause = (time.monotonic_ns(), kind, {"text": text} if text else {})
        self._outcome = outcome

    def _require_room(self, doing: str) -> None:
        """Raises `StudioError` when a take would have to be ended within a minute."""
        left_s = float("inf") if self.live is None else self.live.takes.left_s
        if left_s < LEAST_S:
            raise StudioError(
                f"Can not {doing}: the disk is nearly full. It has room for {left_s:.0f} s, a take needs "
                f"{LEAST_S:.0f} s. Free some space, or choose another workspace."
            )

    def _check_scene(self, verb: str) -> None:
        if self.live is not None and self.live.scene_busy:
            raise StudioError(f"Can not {verb} yet. The scene is being put back; that takes a moment.")

    def _on_event(self, live: LiveRig, verb: str) -> None:
        if verb == "run_loaded":
            self._start_wanted_run(live)
        elif verb == "run_refused":
            self._wanted_run = None
        elif verb in (STOPPED, LIMP):
            self._on_stop_elsewhere(live, "torque_off" if verb == LIMP else "stop")
        elif self._session.allows(verb):
            if verb == "fault":
                self._end_by("fault", "interrupted", live.fault)
                self._wanted_run = None
            self._carry_out(live, self._session.apply(verb))
            if verb == "opened" and live.start_held:
                live.command(m.EngageHold(at_leader=True))

    def _on_stop_elsewhere(self, live: LiveRig, verb: str) -> None:
        """The arm holds, or is limp, already; what was going on ends as with the window's own STOP."""
        self.stopped_elsewhere = True
        self._wanted_run = None
        if self._session.allows(verb):
            self._end_by(verb.replace("_", " "), "stopped", live.arms.how)
            self._carry_out(live, self._session.apply(verb))

    def _start_wanted_run(self, live: LiveRig) -> None:
        wanted, self._wanted_run = self._wanted_run, None
        if wanted is None or not self._session.allows("autonomous"):
            return
        run, extra = wanted
        self.active_run = run_of(run).name
        self._take_steps_of(live.inference.loaded)
        live.processes.send(INFERENCE, m.SetSolverSteps(self.solver_steps))
        live.processes.send(INFERENCE, m.SetExecutedSteps(self._steps_between_chunks))
        if isinstance(seed := extra.get("seed"), int):
            live.processes.send(INFERENCE, m.SeedNoise(seed))
        told = live.inference.loaded.task if live.inference.loaded is not None else ""
        self._task, self._source = told or DEFAULT_TASK.get(self.rig.scene, ""), "policy"
        self._extra = {**extra, "run": run_of(run).name}
        self._carry_out(live, self._session.apply("autonomous"))

    def _take_steps_of(self, loaded: m.RunLoaded | None) -> None:
        if loaded is not None and loaded.solver_steps and "solver" not in self.chosen_steps:
            self.solver_steps = loaded.solver_steps
        if loaded is not None and loaded.executed_steps and "executed" not in self.chosen_steps:
            self.executed_steps = loaded.executed_steps

    def _carry_out(self, live: LiveRig, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            self._effect(live, effect)

    def _effect(self, live: LiveRig, effect: Effect) -> None:
        match effect:
            case Effect.ENGAGE_POLICY:
                live.command(m.EngagePolicy(self.executed_steps, self.temporal_ensembling))
            case Effect.ENGAGE_REPLAY if self._replay is not None:
                live.command(self._replay)
            case Effect.START_TAKE | Effect.START_TRIAL:
                self._start_take(live, effect)
            case Effect.FINISH_TAKE:
                self._finish_take(live)
            case Effect.DISCARD_TAKE:
                live.record(m.DiscardTake())
            case _ if effect in _ORDERS:
                live.command(_ORDERS[effect])
