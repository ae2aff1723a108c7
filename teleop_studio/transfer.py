"""Exports and imports as the studio sees them: a process that does one, and which episodes go out by default."""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from recorders.catalog import EpisodeInfo, episode_info, list_episodes
from recorders.errors import RecorderError
from recorders.exporters import EXPORTERS, Exporter, export
from recorders.exporters.export import Exported
from recorders.importers import IMPORTERS, Importer, importing
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import Imported
from recorders.schema import FILE_SUFFIX
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.transfer_plan import ExportPlan, ImportPlan, TransferEnded, TransferProgress
from teleop_studio.session import StudioError
from teleop_studio.status import FormatInfo, JobStatus
from teleop_studio.training.episodes import OUTCOMES, SOURCES

_NAMED = 3  # refused episodes that one sentence names


def export_formats() -> tuple[FormatInfo, ...]:
    """Everything that episodes can be written to."""
    return _formats(EXPORTERS)


def import_formats() -> tuple[FormatInfo, ...]:
    """Everything that episodes can be read from."""
    return _formats(IMPORTERS)


def choose(data: Iterable[Path], outcomes: tuple[str, ...] = ()) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The episodes to export out of files and folders, and those left out with the reason of each.

    Without `outcomes`: those that a training would learn from. Raises `RecorderError`.
    """
    infos: list[EpisodeInfo] = []
    for path in data:
        infos += [episode_info(path)] if path.suffix == FILE_SUFFIX else list_episodes(path)
    left_out = [(info.path, why) for info in infos if (why := _left_out(info, outcomes))]
    without = {path for path, _ in left_out}
    return [info.path for info in infos if info.path not in without], left_out


def export_plan(format: str, episodes: Iterable[Path], out: Path, fps: int = 0) -> ExportPlan:
    """Raises `StudioError` for what is known at once: an unknown format, a package missing, a folder that is taken."""
    try:
        export.check_wish(format, out)
    except RecorderError as error:
        raise StudioError(str(error)) from error
    plan = ExportPlan(format, tuple(episodes), out.absolute(), fps)
    if not plan.episodes:
        raise StudioError("There is no episode to export. Choose at least one.")
    return plan


def import_plan(format: str, source: Path, folder: Path, wish: ImportWish) -> ImportPlan:
    """Raises `StudioError` as `export_plan`."""
    try:
        importing.check_wish(format, source, wish)
    except RecorderError as error:
        raise StudioError(str(error)) from error
    return ImportPlan(format, source.absolute(), folder.absolute(), wish)


class TransferJob:
    """One export or import in a process of its own. `result` once it has succeeded."""

    def __init__(self, plan: ExportPlan | ImportPlan, logs: Path | None = None) -> None:
        self.plan = plan
        total = len(plan.episodes) if isinstance(plan, ExportPlan) else 0
        self.status = JobStatus(_title(plan), 0, total, "Starting.", takes=False)
        self.result: Exported | Imported | None = None
        self._ended: TransferEnded | None = None
        self._child = Child("transfer", "transfer_process", (plan,), None if logs is None else logs / "transfer.log")

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def poll(self) -> JobStatus:
        """Hear the process; `finished` is true once it has ended."""
        alive = self._child.alive  # asked first: what it said last has then been heard
        for message in self._child.receive():
            match message:
                case TransferProgress(done, total, detail):
                    self.status = replace(self.status, done=done, total=total, detail=detail)
                case TransferEnded():
                    self._ended = message
                case ChildFailed(operator, _):
                    self._ended = TransferEnded(error=operator)
        if not alive and not self.status.finished:
            self._finish(self._ended or TransferEnded(error="The transfer process ended without a word."))
        return self.status

    def cancel(self) -> None:
        """End it soon; what is not finished is not kept."""
        self._child.send(m.CancelJob())

    def close(self) -> None:
        """End it now, and leave nothing unfinished behind."""
        self._child.stop(timeout_s=2.0)
        self._tidy()

    def _finish(self, ended: TransferEnded) -> None:
        self._tidy()
        self.result = ended.result
        match ended.result:
            case Exported(folder, episodes, rows, fps):
                rate = f"{fps} per second" if fps else "as recorded"
                detail = f"{episodes} episodes with {rows} rows, {rate}, are in {folder}."
                self.status = replace(self.status, finished=True, done=episodes, total=episodes, detail=detail)
            case Imported(episodes, refused, _):
                told = _refusals(refused)
                detail = f"{len(episodes)} episodes were imported."
                self.status = replace(self.status, finished=True, done=len(episodes), detail=detail, error=told)
            case None:
                detail = "Ended early." if ended.error else "Cancelled."
                self.status = replace(self.status, finished=True, detail=detail, error=ended.error)

    def _tidy(self) -> None:
        """A process that was killed could not remove what it had begun."""
        if isinstance(self.plan, ExportPlan):
            export.remove_leftovers(self.plan.out)
        else:
            importing.remove_leftovers(self.plan.folder)


def _formats(registry: Mapping[str, Exporter] | Mapping[str, Importer]) -> tuple[FormatInfo, ...]:
    importlib.invalidate_caches()  # a package may have been installed since
    return tuple(FormatInfo(name, entry.title, entry.description, entry.missing()) for name, entry in registry.items())


def _left_out(info: EpisodeInfo, outcomes: tuple[str, ...]) -> str:
    """Why an episode is not exported; empty when it is."""
    if info.problem:
        return f"damaged: {info.problem}"
    if outcomes:
        return "" if info.outcome in outcomes else f"labelled {info.outcome}"
    if info.source not in SOURCES:
        return f"driven by {info.source}"
    return "" if info.outcome in OUTCOMES else f"labelled {info.outcome}"


def _title(plan: ExportPlan | ImportPlan) -> str:
    if isinstance(plan, ExportPlan):
        return f"Exporting {len(plan.episodes)} episodes as {plan.format}"
    return f"Importing {plan.source.name} as {plan.format}"


def _refusals(refused: tuple[tuple[str, str], ...]) -> str:
    if not refused:
        return ""
    named = " ".join(f"{name}: {why}" for name, why in refused[:_NAMED])
    more = f" And {len(refused) - _NAMED} more." if len(refused) > _NAMED else ""
    return f"{len(refused)} episodes were not imported. {named}{more}"
