"""A run on another machine: what it needs is brought there, its trainer started and asked how it is getting on."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from teleop_studio.policies import policy_kind
from teleop_studio.remote.assignment import read_assignment, write_assignment
from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.failures import without_secrets
from teleop_studio.remote.host_check import environment, inspect, said
from teleop_studio.remote.link import Link
from teleop_studio.remote.luggage import pack, send
from teleop_studio.remote.mirror import STAGING, Mirror
from teleop_studio.remote.program import own_program, send_program
from teleop_studio.remote.requirements import PACKAGES, environment_name, requirements
from teleop_studio.training.run_folder import CONFIG, RunConfig, RunState, saved_step, write_config

_ASK = 'cd -- "$1" && shift && PYTHONPATH=$PWD exec "$@"'
_WRITE = 'mkdir -p -- "$1" && cat > "$1/$2.new" && mv -- "$1/$2.new" "$1/$2"'
_MODULE = ("-m", "teleop_studio.processes.remote_host")
_TOLD_BY_PIP = ("Collecting ", "Downloading ", "Installing ", "Building ", "Successfully ")


@dataclass(frozen=True)
class Told:
    """How the run stands on the host; see `processes.remote_host.look`."""

    running: bool
    state: RunState | None
    checkpoints: dict[str, dict[str, int]]
    stamp: str
    log: tuple[str, ...]


class FarRun:
    """One run on one host. `say` hears what is being done, in sentences, and may raise to end it.

    All verbs raise `HostSilent`, `HostRefused`.
    """

    def __init__(self, link: Link, run: Path, config: RunConfig, say: Callable[[str], None]) -> None:
        """`config` the run's own, its episodes chosen. Raises `RemoteError`."""
        self._link, self._run, self._config, self._say = link, run, config, say
        self._assignment = read_assignment(run)

    def found(self) -> Told | None:
        """The run as it stands there; None when it was never started there, or cannot be found any more."""
        if not self._assignment.program:
            return None
        try:
            return self.look()
        except HostRefused:
            return None  # what was there has been removed, or moved: it is brought again

    def prepare(self) -> None:
        """See to it that the host has all that this run needs; may be called again after it was cut off."""
        name = self._link.host.name
        self._say(f"Looking at {name}.")
        kind = policy_kind(self._config.settings.policy)
        report = inspect(self._link, (*PACKAGES.values(), *kind.packages))
        self._say(f"Sending the program to {name}.")
        place = send_program(self._link, own_program(), report.folder)
        python = report.python
        if report.missing:
            python = self._environment(report.folder, python, report.version, requirements(kind.extra))
        luggage = pack(self._config, report.folder)
        send(self._link, luggage, self._say)
        there = replace(self._assignment, folder=report.folder, program=place, python=python)
        written = self._run / STAGING / "config"
        write_config(written, luggage.config(self._config, self._link.host.device))
        self._link.run(_WRITE, there.run_folder(self._run.name), CONFIG, given=(written / CONFIG).read_bytes())
        self._assignment = there

    def start(self) -> Told:
        """Start the trainer there, unless it is at work; from here on it is found again.

        Raises `HostRefused` when what it would go on from has gone: it would begin anew.
        """
        name, saved = self._link.host.name, saved_step(self._run)
        if saved and not self.look().checkpoints:
            raise HostRefused(
                f"The folder of {self._run.name} on {name} has gone, and what is needed to go on lay only there. The "
                f"policy of step {saved} is here and can be deployed; train a new run to improve it."
            )
        self._say(f"Starting the training on {name}.")
        told = self._ask("start", "--cache", f"{self._assignment.folder}/pictures")
        write_assignment(self._run, self._assignment)
        return told

    def look(self, stop: bool = False, pause: bool = False) -> Told:
        """How it stands; hands on what the operator wishes."""
        return self._ask("look", *(["--stop"] if stop else []), *(["--pause"] if pause else []))

    def mirror(self) -> Mirror:
        """What brings the results here."""
        assignment = self._assignment
        luggage = pack(self._config, assignment.folder)
        return Mirror(self._link, assignment.run_folder(self._run.name), self._run, luggage.here)

    def _ask(self, what: str, *options: str) -> Told:
        assignment = self._assignment
        words = (assignment.python, *_MODULE, what, assignment.run_folder(self._run.name), *options)
        raw = said(self._link.run(_ASK, assignment.program, *words))
        status = raw["status"]
        names = [field.name for field in fields(RunState)]
        state = None if status is None else RunState(**{name: status[name] for name in names if name in status})
        return Told(raw["running"], state, raw["checkpoints"], raw["stamp"], tuple(raw["log"]))

    def _environment(self, folder: str, python: str, version: str, wanted: tuple[str, ...]) -> str:
        name = self._link.host.name
        self._say(f"Making a Python environment on {name}; this takes minutes, once.")

        def on_line(line: str) -> None:
            if line.startswith(_TOLD_BY_PIP):
                self._say(f"Making a Python environment on {name}: {without_secrets(line.strip())[:120]}")

        place = f"{folder}/environments/{environment_name(wanted, version)}"
        return environment(self._link, place, python, wanted, on_line)
