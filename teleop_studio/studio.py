"""The scriptable face of the whole app: window, command line and tests drive this and nothing below it."""

from pathlib import Path
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from drivers.arms import ARMS
from recorders.importers.foreign import ImportWish
from teleop_studio import jobs
from teleop_studio.display import Display
from teleop_studio.episode_view import EpisodeView
from teleop_studio.evaluation.trials import TrialResult, TrialSheetError
from teleop_studio.learning_status import HostInfo, PairPrompt, PolicyRow
from teleop_studio.lesson_plan import LessonPlan
from teleop_studio.lessons import Lessons
from teleop_studio.library import Library
from teleop_studio.live import LiveRig, Notices
from teleop_studio.operation import DEFAULT_TASK, Operation
from teleop_studio.pair_recording import PairRecording
from teleop_studio.pictures_ahead import PicturesAhead
from teleop_studio.policies.checkpoint_folder import checkpoint_path
from teleop_studio.policy_tables import PolicyTables, rows
from teleop_studio.processes import messages as m
from teleop_studio.processes.lockstep_plan import EvaluateJob, RecordJob
from teleop_studio.processes.supervisor import RigProcesses, limit_threads
from teleop_studio.remembered import read_operator, remember_operator
from teleop_studio.remote.errors import RemoteError
from teleop_studio.remote.hosts import TrainingHost
from teleop_studio.rig import RigConfig, RigError
from teleop_studio.rig_setup import RigSetup
from teleop_studio.session import StudioError
from teleop_studio.spare_time import may_prepare, work_waits
from teleop_studio.status import EpisodeRow, FormatInfo, History, Overlay, RunInfo, StudioStatus
from teleop_studio.studio_status import take_status
from teleop_studio.tasks import Tasks
from teleop_studio.train_choices import PolicyInfo, TrainChoices
from teleop_studio.training_hosts import TrainingHosts
from teleop_studio.trainings import Trainings
from teleop_studio.transfer import export_formats, export_plan, import_formats, import_plan
from teleop_studio.trial_watch import TrialWatch
from teleop_studio.workspace import Workspace


class Studio:
    """One rig, one workspace, one operator. Every call returns at once; `poll` tells what has become of it.

    Verbs raise `StudioError` when they are not allowed now; what goes wrong later becomes a notice.
    """

    def __init__(self, rig: RigConfig, workspace: Workspace, seed: int = 0) -> None:
        limit_threads()
        self.rig, self.workspace = rig, workspace
        self.status = StudioStatus(rig=rig.name, simulated=rig.simulated, scene=rig.scene if rig.simulated else "")
        self.library = Library(workspace)
        self.trainings = Trainings(workspace)
        self.hosts = TrainingHosts(workspace.training_hosts)
        self.tasks = Tasks(workspace)
        self.policy_tables = PolicyTables(workspace)
        self.lessons = Lessons(workspace, self.trainings)
        # Prepares a training's pictures while nothing trains. The window turns it on; a command ends too soon for it.
        self.pictures_ahead: PicturesAhead | None = None
        self._notices = Notices()
        self._operation = Operation(rig, workspace)
        self._operation.operator = self.library.operator = read_operator(workspace.root)
        self._pairs = PairRecording(self._notices, self.new_scene)
        self._display = Display(rig)
        self._seed = seed
        self._closing: Thread | None = None
        for info in self.trainings.interrupted()[:1]:
            self._notices.add(
                f"The training {info.name} was interrupted. Resume it on the Train page: it goes on from step "
                f"{info.step}."
            )
        self.setup = RigSetup(workspace, lambda: self.rig, lambda: self._live is None and not self.closing)

    # --- which rig -------------------------------------------------------------------------------------------------

    def use_rig(self, rig: RigConfig) -> None:
        """Take another rig, while none is open; the next `open` opens it."""
        if self._live is not None:
            raise StudioError(f"The rig {self.rig.name} is open. Close it first.")
        self.rig = rig
        before, self._operation = self._operation, Operation(rig, self.workspace)
        self._operation.operator = before.operator
        self._operation.executed_steps, self._operation.solver_steps = before.executed_steps, before.solver_steps
        self._operation.chosen_steps = before.chosen_steps
        self._operation.temporal_ensembling = before.temporal_ensembling
        self._display = Display(rig)

    def rigs(self) -> list[Path]:
        """The rig files of the workspace, by name."""
        return sorted(self.workspace.rigs.glob("*.toml"))

    def known_arms(self) -> tuple[tuple[str, str, str], ...]:
        """(name, title, role) of every arm that a rig can have; role "leader", "follower", or "" for either."""
        return tuple((arm.name, arm.title or arm.name, arm.role.replace("either", "")) for arm in ARMS.values())

    # --- opening and closing ---------------------------------------------------------------------------------------

    @property
    def camera_names(self) -> tuple[str, ...]:
        return tuple(camera.name for camera in self.rig.cameras)

    def open(self) -> None:
        """Start the rig's processes; `poll` leaves CLOSED when both arms, cameras and recorder are ready."""
        if self._live is not None:
            raise StudioError("The rig is open already. Close it first.")
        if self.closing or self.setup.status.running:
            raise StudioError(f"The {'set-up' if self.setup.status.running else 'closing rig'} still has the ports.")
        folders = (self.workspace.episodes, self.workspace.trials)
        try:
            self.rig.check_openable()
            processes = RigProcesses(self.rig, folders, self.workspace.logs, self._seed)
        except RigError as error:
            raise StudioError(str(error)) from error
        self._operation.live = LiveRig(processes, self._notices)
        processes.start()

    def close_rig(self) -> None:
        """Begin to close the rig: the arm does what `on_close` says. `closing` tells when its ports are free."""
        self.tasks.cancel()
        self._pairs.drop()
        live = self._operation.close()
        if live is not None:
            self._display.watch(None)
            self._closing = Thread(target=live.processes.stop, name="closing-rig")
            self._closing.start()

    @property
    def closing(self) -> bool:
        """A rig is being closed; it takes seconds."""
        return self._closing is not None and self._closing.is_alive()

    def close(self) -> None:
        """End everything that belongs to this studio; takes seconds. Training goes on."""
        self.tasks.close()
        self.lessons.close()
        self.library.close()
        if self.pictures_ahead is not None:
            self.pictures_ahead.close()
        self.close_rig()
        self.setup.close()
        if self._closing is not None:
            self._closing.join()

    def poll(self) -> StudioStatus:
        """Hear all processes, go on with the running task, and tell how everything stands. Call at about 30 Hz."""
        self._operation.hear()
        if self._operation.stopped_elsewhere:
            self._operation.stopped_elsewhere = False
            self.tasks.cancel()
        live = self._live
        if live is not None:
            while live.takes.saved:
                self.library.saved(live.takes.saved.pop(0))
            if live.takes.recovered:
                live.takes.recovered = False
                self.library.recount()
        for text in self.library.poll():
            self._notices.add(text)
        if self.tasks.step(self._notices):
            self.library.recount()
        if self.pictures_ahead is not None:
            for text in self.pictures_ahead.poll(self.library.count, may_prepare(self._operation, self.trainings)):
                self._notices.add(text)
        self._end_failed_trial()
        self._go_on_with_lesson()
        # After the task: one that has just ended takes its rings with it.
        self._display.watch(self.tasks.lockstep_rings or (None if live is None else live.rings))
        if live is not None:
            live.rest_cameras(work_waits(self._operation, self.trainings, self.tasks, self.lessons))
        self.setup.poll()
        self.status = take_status(self, self._operation, self._display, self._notices)
        return self.status

    # --- what is shown ---------------------------------------------------------------------------------------------

    def image(self, camera: str) -> tuple[int, NDArray[np.uint8]] | None:
        """(index, rgb (h, w, 3)) of the newest picture, None while there is none."""
        return self._display.image(camera)

    def history(self, seconds: float) -> History:
        """The newest control ticks, at most half a minute of them."""
        return self._display.history(seconds)

    @property
    def overlay(self) -> Overlay | None:
        """What the policy thought at its newest chunk."""
        return self._display.overlay()

    def project(self, camera: str, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Base-frame points (..., 3) m to pixels (..., 2) of that camera as the arm stands now."""
        return self._display.project(camera, points)

    # --- driving and recording -------------------------------------------------------------------------------------

    def teleop(self) -> None:
        """The follower copies the leader, after a soft start."""
        self._operation.do("teleop")

    def record(self, task: str = "", source: str = "human", extra: dict[str, object] | None = None) -> None:
        """Begin a take. `task` what is done, in words; `source` "human" or "scripted"."""
        self._operation.record(task, source, {**self._pairs.said(source), **(extra or {})})
        if not self.rig.cameras:
            self._notices.add(
                f"{self.rig.name} has no camera: the episode holds joints only. No policy learns from it."
            )

    def accept(self, outcome: str = "success") -> None:
        """End the take and keep it as "success", "failure" or "unrated"."""
        of_pair = self._pairs.running_take(self._operation)
        self._operation.accept(outcome)
        if of_pair:
            self._pairs.ended(kept=outcome == "success")

    def discard(self) -> None:
        """End the take and throw it away."""
        of_pair = self._pairs.running_take(self._operation)
        self._operation.do("discard")
        if of_pair:
            self._pairs.ended(kept=False)

    def start_pairs(self, layouts: int, seed: int | None = None) -> None:
        """Both sides of every layout, by hand: `status.pair` says what to do until all are done or `end_pairs`.

        The simulated scene begins with layout `seed`; None: with the next one.
        """
        first = self._seed + 1 if seed is None else seed
        self._operation.opened()
        if self.tasks.running:
            raise StudioError("A task is running. Wait for it, or cancel it.")
        self._pairs.start(layouts, first if self.rig.simulated else None)

    def end_pairs(self) -> None:
        """Leave it at the pairs that are recorded so far."""
        self._pairs.end()

    @property
    def operator(self) -> str:
        """Who records, as it stands in the episodes; the workspace remembers it."""
        return self._operation.operator

    @operator.setter
    def operator(self, name: str) -> None:
        self._operation.operator = self.library.operator = remember_operator(self.workspace.root, name)

    def bookmark(self, text: str = "") -> float:
        """Mark this moment of the running take, with words or without; returns how far into it that is, s."""
        return self._operation.bookmark(text)

    def stop(self) -> None:
        """STOP: the follower holds. Allowed in every state; ends tasks; a running take is kept as "stopped"."""
        self.tasks.cancel()
        self._operation.halt("stop")

    def torque_off(self) -> None:
        """The follower goes limp: it will sink unless somebody holds it."""
        self.tasks.cancel()
        self._operation.halt("torque_off")

    def rest(self) -> None:
        """The gentle exit: the follower moves slowly to its rest pose and goes limp there. `stop` interrupts it."""
        self._operation.do("rest")

    def reboot_servo(self, arm: str, joint: str) -> None:
        """Restart the servo of `joint` on "leader" or "follower", while nothing drives; how it ended is a notice."""
        self._operation.reboot_servo(arm, joint)

    def resume(self) -> None:
        """After STOP, torque off or a fault: dead processes start again, the follower is taken up where it is."""
        self._operation.resume()

    def autonomous(self, run: Path, extra: dict[str, object] | None = None) -> None:
        """Let the newest checkpoint of `run` drive, once it is loaded."""
        self._operation.autonomous(run, extra or {})

    def set_policy_task(self, text: str) -> None:
        """What the loaded policy shall do: one of `status.inference.tasks`."""
        self._operation.set_policy_task(text)

    def take_over(self) -> None:
        """The leader takes the follower from the policy, softly; attempt and correction stay one "mixed" episode."""
        self._operation.take_over()
        self._pairs.said("mixed")

    def replay(self, episode: Path) -> None:
        """The follower repeats what a recorded episode commanded."""
        self._operation.opened()
        view = self.open_episode(episode)
        try:
            self._operation.replay(m.EngageReplay(view.stamp_ns, view.action))
        finally:
            view.close()

    @property
    def solver_steps(self) -> int:
        """S of the flow's solver."""
        return self._operation.solver_steps

    @property
    def executed_steps(self) -> int:
        """K of a chunk's H steps run before the next one is asked for."""
        return self._operation.executed_steps

    @property
    def temporal_ensembling(self) -> bool:
        """Whether a policy's chunks are averaged over time."""
        return self._operation.temporal_ensembling

    def set_temporal_ensembling(self, on: bool) -> None:
        """A chunk at every step, and their weighted mean is sent: smoother, but it averages two ways into one."""
        self._operation.set_temporal_ensembling(on)

    def set_solver_steps(self, steps: int) -> None:
        """S: more steps follow the flow more closely and take longer. Raises `ValueError` out of 1..100."""
        self._operation.set_solver_steps(steps)

    def set_executed_steps(self, steps: int) -> None:
        """K: fewer steps react sooner, but may change sides at every chunk. Raises `ValueError` out of 1..63."""
        self._operation.set_executed_steps(steps)

    # --- the simulated rig -----------------------------------------------------------------------------------------

    def new_scene(self, seed: int | None = None) -> None:
        """A new layout of the simulated scene; both arms go home."""
        live = self._operation.simulated()
        self._operation.do("hold")
        self._seed = self._seed + 1 if seed is None else seed
        live.reset_scene(self._seed)

    def scripted_operator(self, side: str, seed: int | None = None) -> None:
        """The scripted hand on the leader: one grasp from the "left" or the "right"."""
        if side not in jobs.SIDES:
            raise StudioError(f"side = {side!r}. The scripted operator grasps from {' or '.join(jobs.SIDES)}.")
        self._operation.simulated().start_operator(side, self._seed if seed is None else seed)

    @property
    def scene_ready(self) -> bool:
        return self._live is not None and not self._live.scene_busy

    @property
    def operator_busy(self) -> bool:
        return self._live is not None and self._live.operator_side != ""

    @property
    def trial_score(self) -> m.TrialScore | None:
        """How the simulated scene stands; None on a real rig, where the operator judges."""
        return None if self._live is None else self._live.score

    @property
    def newest_saved(self) -> Path | None:
        return self.library.newest

    def watch_trial(self) -> TrialWatch:
        """Measures how a policy drives from now on."""
        live = self._operation.opened()
        azimuth = live.score.straight_ahead_rad if live.score is not None else 0.0
        return TrialWatch(live.rings, live.inference, self.rig.follower.model, azimuth)

    @property
    def trial_shift(self) -> str:
        """What is not as it was recorded; only the simulated scene can be shifted on purpose."""
        return self.rig.shift

    def overlay_shares(self) -> tuple[float, float]:
        """(left, right) share of the newest samples; nan before the first."""
        overlay = self.overlay
        return (float("nan"), float("nan")) if overlay is None else (overlay.left_share, overlay.right_share)

    # --- tasks -----------------------------------------------------------------------------------------------------

    def record_scripted(
        self,
        episodes: int,
        fast: bool = False,
        seed: int = 0,
        folder: Path | None = None,
        task: str = "",
        paired: bool = False,
    ) -> None:
        """Record demonstrations by the scripted operator; `fast` in lock-step, apart from the live rig.

        `paired`: every layout from the left and from the right, `episodes` in all.
        """
        task = task or DEFAULT_TASK.get(self.rig.scene, "")
        if paired and episodes % 2:
            raise StudioError(f"{episodes} episodes are not both sides of every layout. Choose an even number.")
        if fast:
            folder = folder or self.workspace.episodes
            job = RecordJob(episodes, seed, folder, task, operator=self.operator, paired=paired)
            self.tasks.record_fast(self.rig, job)
        else:
            self._operation.simulated()
            self.tasks.record_live(self, episodes, seed, task, paired)

    def evaluate(
        self,
        runs: list[Path],
        trials: int,
        seed: int = 1000,
        fast: bool = True,
        record: bool = True,
        executed_steps: int | None = None,
        solver_steps: int | None = None,
        ensembling: bool = False,
    ) -> None:
        """Start each run from the same unseen layouts; results come into `trial_results` and the sheet on disk.

        `executed_steps`, `solver_steps` of the `fast` trials; None: those of each run's own configuration.
        `ensembling` averages their chunks over time; trials on the live rig go by `set_temporal_ensembling`.
        """
        if fast:
            folder = self.workspace.trials if record else None
            starts = tuple(range(seed, seed + trials))
            task = DEFAULT_TASK.get(self.rig.scene, "")
            job = EvaluateJob(tuple(runs), starts, folder, executed_steps, solver_steps, task, ensembling)
            self.tasks.evaluate_fast(self.rig, job)
        else:
            self._operation.simulated()
            self.tasks.evaluate_live(self, runs, trials, seed)

    def lesson(self, plan: LessonPlan | None = None, folder: Path | None = None) -> Path:
        """Why not average? Record both sides, train two policies, try both; returns the folder of its figure.

        Apart from the rig, which may do something else meanwhile; `status.lesson` tells how far it is. One that was
        not finished goes on.
        """
        return self.lessons.start(plan, folder)

    def cancel_lesson(self) -> None:
        """End the lesson; what it has done stays, and starting it again goes on from there."""
        self.lessons.cancel()

    @property
    def trial_results(self) -> list[TrialResult]:
        """All trials of this session, oldest first."""
        return self.tasks.sheet.results

    def policy_table(self, baseline: str = "") -> tuple[PolicyRow, ...]:
        """What the trials in this rig's scene say of each run; `baseline` what the others are compared with, or ""."""
        sides = {row.path: row.side for row in self.library.episodes() if row.side}
        try:
            return rows(self.policy_tables.table(self.rig.scene, baseline, sides), compared=bool(baseline))
        except TrialSheetError as error:
            raise StudioError(str(error)) from error

    def export(self, format: str, episodes: list[Path], out: Path, fps: int = 0) -> None:
        """Write `episodes` in another format into the new folder `out`; `fps` 0 for the rate of their cameras."""
        self.tasks.transfer(export_plan(format, episodes, out, fps))

    def import_episodes(self, format: str, source: Path, unit: str = "", task: str = "", fps: float = 0.0) -> None:
        """Make demonstrations of what lies at `source`; `unit` "rad", "deg" or "percent" where the data say none."""
        self.tasks.transfer(import_plan(format, source, self.workspace.episodes, ImportWish(unit, task, fps)))

    def export_formats(self) -> tuple[FormatInfo, ...]:
        return export_formats()

    def import_formats(self) -> tuple[FormatInfo, ...]:
        return import_formats()

    def cancel_job(self) -> None:
        """End the running task: at once on the live rig, after the present take in lock-step."""
        if self.tasks.cancel():
            self._operation.abandon()

    # --- training and what is on disk ------------------------------------------------------------------------------

    def train(self, choices: TrainChoices | None = None) -> Path:
        """Start training in a process that outlives the window; returns the run folder."""
        return self.trainings.start(choices or TrainChoices())

    def pause_training(self) -> None:
        """The trainer keeps what it has learnt and leaves the processor alone until `resume_training`."""
        self.trainings.pause()

    def stop_training(self) -> None:
        """Stop and keep: a last checkpoint is written, the run can be resumed."""
        self.trainings.stop()

    def resume_training(self, run: Path, steps: int | None = None) -> None:
        """Go on with a paused, stopped or interrupted run; more `steps` lengthen it, also a finished one."""
        self.trainings.resume(run, steps)

    def policy_kinds(self) -> dict[str, PolicyInfo]:
        """What can be trained, by name, the default first."""
        return self.trainings.policy_kinds()

    def training_hosts(self) -> tuple[HostInfo, ...]:
        """The machines that can train over ssh, with what the last look at each has found."""
        return self.hosts.infos()

    def add_training_host(self, name: str, address: str, folder: str = "", python: str = "") -> None:
        """Note a machine that ssh reaches without a password, and look at it; `training_hosts` tells what was found.

        `folder` where it works there, `python` an interpreter there; "" for the usual ones.
        """
        try:
            host = TrainingHost(name, address, folder or TrainingHost.folder, python)
        except RemoteError as error:
            raise StudioError(str(error)) from error
        self.hosts.add(host)

    def check_training_host(self, name: str) -> None:
        """Look at a training host again; returns at once."""
        self.hosts.check(name)

    def remove_training_host(self, name: str) -> None:
        """Forget a training host; what lies there stays."""
        self.hosts.remove(name)

    def policies(self) -> tuple[str, ...]:
        return self.trainings.policies()

    def runs(self) -> list[RunInfo]:
        """All training runs of the workspace, newest first."""
        return self.trainings.runs()

    def checkpoint(self, run: Path, step: int) -> Path:
        """What `autonomous` and `evaluate` take for that checkpoint of a run."""
        return checkpoint_path(run, step)

    def episodes(self) -> list[EpisodeRow]:
        """Demonstrations, oldest first."""
        return self.library.episodes()

    def trials(self) -> list[EpisodeRow]:
        """Episodes that a policy drove, oldest first."""
        return self.library.trials()

    def open_episode(self, path: Path) -> EpisodeView:
        """Raises `StudioError` when the file can not be read."""
        return self.library.open(path)

    def label(self, path: Path, outcome: str) -> None:
        self.library.label(path, outcome)

    def move_to_bin(self, path: Path) -> None:
        self.library.move_to_bin(path)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _end_failed_trial(self) -> None:
        failed = self._operation.end_failed_trial()
        if failed and not self.tasks.running:
            self._notices.add(f"The attempt has failed: {failed}. The follower holds; the take is kept as a failure.")

    def _go_on_with_lesson(self) -> None:
        if self.lessons.step() and self.lessons.status is not None:
            self._notices.add(self.lessons.status.error or f"The lesson has ended. {self.lessons.status.verdict}")

    @property
    def pair(self) -> PairPrompt | None:
        """What to do for the next take while both sides of every layout are recorded."""
        return self._pairs.prompt

    @property
    def _live(self) -> LiveRig | None:
        return self._operation.live
