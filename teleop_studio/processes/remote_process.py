"""Entry point of the process that lets another machine train a run: `python -m teleop_studio.processes.remote_process`.

It stands where the trainer of a run would: the run's folder tells through it how the training elsewhere is getting on.
When it is ended, the training there goes on; resuming the run finds it again.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from recorders.errors import RecorderError
from teleop_studio.remote.assignment import read_assignment
from teleop_studio.remote.errors import HostRefused, HostSilent, RemoteError
from teleop_studio.remote.far_run import FarRun, Told
from teleop_studio.remote.hosts import find_host
from teleop_studio.remote.link import opened
from teleop_studio.remote.mirror import Mirror
from teleop_studio.training.episodes import choose_episodes
from teleop_studio.training.errors import StopRequested, TrainingError
from teleop_studio.training.run_folder import (
    AT_WORK,
    FAILED,
    FINISHED,
    PREPARING,
    STOPPED,
    TRAINING,
    RunConfig,
    RunState,
    clear_stop,
    pause_requested,
    read_config,
    read_state,
    stop_requested,
    write_config,
    write_state,
)

_NICENESS = 10
_LOOK_EVERY_S = 2.0
_FETCH_EVERY_S = 0.2
_TRY_AGAIN_S = 5.0
_WAIT_FOR_STOP_S = 60.0  # a host that is silent for so long after a stop was wished is left to itself


class Detached(Exception):
    """This process was asked to end; the training elsewhere goes on."""


def main() -> int:
    """0 when the run finished or was stopped there and everything is here, 1 otherwise; the run's folder says more."""
    parser = argparse.ArgumentParser(description="Let another machine train a run. Started by `teleop-studio train`.")
    parser.add_argument("--run", type=Path, required=True)
    run = parser.parse_args().run
    os.nice(_NICENESS)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    return Watch(run, ended).work()


class Watch:
    """Brings a run to its host, follows it and brings everything back. `ended` asks it to let go."""

    def __init__(self, run: Path, ended: threading.Event) -> None:
        self._run, self._ended = run, ended
        self._state = replace(read_state(run) or RunState(PREPARING, 0, 0), phase=PREPARING, error="", note="")
        self._name = ""
        self._begun = False  # a trainer may be at work there
        self._silent_since: float | None = None
        self._wished_s: float | None = None  # when a stop was first wished of the silent host
        self._fetched = ""

    def work(self) -> int:
        """The whole of it; what goes wrong is written where the window reads it."""
        clear_stop(self._run)
        try:
            self._tell()
            self._follow()
        except StopRequested:
            self._tell(phase=STOPPED, note="")
        except Detached:
            self._tell(error=self._left_alone(), note="", phase=self._state.phase if self._begun else STOPPED)
            return 1
        except Exception as error:
            traceback.print_exc()
            with contextlib.suppress(OSError):  # a full disk may have been the reason
                self._tell(phase=FAILED, error=_sentence(error), note="")
            return 1
        finally:
            clear_stop(self._run)
        return 0 if self._state.phase in (FINISHED, STOPPED) else 1

    def _follow(self) -> None:
        config = self._config()
        assignment = read_assignment(self._run)
        self._name, self._begun = assignment.host, assignment.program != ""
        host = find_host(assignment.hosts, assignment.host)
        self._tell(steps=config.settings.steps, episodes=len(config.episodes), device=f"on {host.name}")
        with opened(host, self._meanwhile) as link:
            self._say(f"Looking for {host.name}.")
            link.run("true")  # a host that is silent now is a wrong address more often than a bad line
            far = FarRun(link, self._run, config, self._say)
            told = self._patiently(far.found)
            if told is None or not (told.running or _is_done(told, config)):
                self._begun = False
                self._patiently(far.prepare)
                self._begun = True
                self._patiently(far.start)
            mirror = far.mirror()
            try:
                told = self._watch(far, mirror)
            finally:
                mirror.close()
            mirror.tidy()
        self._state = _last(self._mirrored(told), told, self._name)
        self._tell()

    def _config(self) -> RunConfig:
        """The run's configuration, its episodes chosen: a run that goes on keeps to them."""
        config = read_config(self._run)
        if not config.episodes:
            config = replace(config, episodes=tuple(choose_episodes(config.data)))
            write_config(self._run, config)
        return config

    def _watch(self, far: FarRun, mirror: Mirror) -> Told:
        """Follow it until its trainer has ended and everything it left is here."""
        while True:
            wishes = self._wishes()
            told = self._patiently(partial(far.look, *wishes))
            self._fetch(mirror, told)
            self._state = self._mirrored(told)
            self._tell()
            if not told.running:
                break
            self._wait(_LOOK_EVERY_S, wishes)
        while not self._patiently(lambda: mirror.fetch_checkpoint(told.checkpoints)):
            self._say_fetching(mirror.coming)
            self._wait(_FETCH_EVERY_S)
        return told

    def _fetch(self, mirror: Mirror, told: Told) -> None:
        """Bring what is new. What fails on this side does not concern the training there: once more, later."""
        try:
            if told.stamp != self._fetched:
                self._patiently(mirror.fetch_files)
                self._fetched = told.stamp
            self._patiently(lambda: mirror.fetch_checkpoint(told.checkpoints))
        except HostRefused as error:
            if not told.running:
                raise
            self._tell(note=f"{error} Trying again.")

    def _patiently[T](self, do: Callable[[], T]) -> T:
        """`do`, again and again while the host is silent: a training goes on there."""
        while True:
            try:
                result = do()
            except HostSilent as silence:
                self._heard_nothing(silence)
                self._wait(_TRY_AGAIN_S)
                continue
            self._silent_since = self._wished_s = None
            return result

    def _heard_nothing(self, silence: HostSilent) -> None:
        now_s = time.time()
        self._silent_since = self._silent_since or now_s
        since = time.strftime("%H:%M:%S", time.localtime(self._silent_since))
        goes_on = " The training there goes on." if self._begun else ""
        self._tell(note=f"{self._name} has been silent since {since}. {silence}{goes_on} Trying again.")
        if self._begun and stop_requested(self._run):
            self._wished_s = self._wished_s or now_s
            if now_s - self._wished_s >= _WAIT_FOR_STOP_S:
                raise RemoteError(
                    f"{self._name} could not be told to stop: it has been silent since {since}. The training there "
                    "goes on by itself. Resume the run once the host answers, then stop it."
                )

    def _mirrored(self, told: Told) -> RunState:
        """What the trainer there said, as if it were one here; at work until everything is here."""
        if told.state is None:
            return replace(self._state, note=f"Waiting for the first word of the training on {self._name}.")
        phase = told.state.phase if told.state.phase in AT_WORK else TRAINING
        device = f"{told.state.device} on {self._name}" if told.state.device else f"on {self._name}"
        return replace(told.state, phase=phase, device=device, error="")

    def _say_fetching(self, checkpoint: str) -> None:
        if checkpoint:
            self._tell(note=f"Fetching checkpoint {int(checkpoint)} from {self._name}.")

    def _say(self, note: str) -> None:
        self._meanwhile()
        if note != self._state.note:
            self._tell(note=note)

    def _meanwhile(self) -> None:
        """Hear the operator while something is waited for."""
        if self._ended.is_set():
            raise Detached
        if not self._begun and stop_requested(self._run):
            raise StopRequested

    def _wishes(self) -> tuple[bool, bool]:
        return stop_requested(self._run), pause_requested(self._run)

    def _wait(self, seconds: float, wishes: tuple[bool, bool] | None = None) -> None:
        """Wait, but not when the operator wishes something new."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s and (wishes is None or self._wishes() == wishes):
            self._ended.wait(min(seconds, _FETCH_EVERY_S))
            self._meanwhile()

    def _tell(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        write_state(self._run, self._state)

    def _left_alone(self) -> str:
        if not self._begun:
            return ""
        return f"Nobody follows the training on {self._name} from here any more; it goes on there. Resume the run."


def _is_done(told: Told, config: RunConfig) -> bool:
    """Nothing is left to do there: what it made has only to be fetched."""
    state = told.state
    return state is not None and state.phase == FINISHED and state.step >= config.settings.steps


def _last(state: RunState, told: Told, name: str) -> RunState:
    """How a run that has ended there stands here."""
    state = replace(state, note="", phase=FAILED if told.state is None else told.state.phase)
    if told.state is None:
        log = told.log[-1] if told.log else "It left no word in its log."
        return replace(state, error=f"The training on {name} could not begin. {log}")
    if told.state.phase in AT_WORK:
        saved = max((int(checkpoint) for checkpoint in told.checkpoints), default=0)
        advice = f"Resume it: it goes on there from step {saved}." if saved else "Nothing was saved: start it again."
        error = f"The training on {name} ended unexpectedly at step {state.step}. {advice}"
        return replace(state, phase=FAILED, error=error)
    return replace(state, error=f"On {name}: {told.state.error}" if told.state.error else "")


def _sentence(error: Exception) -> str:
    """Our own errors are sentences."""
    if isinstance(error, RemoteError | TrainingError | RecorderError):
        return str(error)
    if isinstance(error, OSError):
        return f"The run's folder or the recordings could not be used: {error}. Check the disk, then resume the run."
    return f"Following the training failed: {type(error).__name__}: {error}. trainer.log says more; resume the run."


if __name__ == "__main__":
    sys.exit(main())
