"""Makes episodes of foreign ones: each becomes a whole episode file or leaves nothing, and it is told which."""

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from recorders.aside import made_aside
from recorders.episode import SOURCES
from recorders.errors import DiskError, RecorderError, TransferCancelled, TransferRefused, disk_errors
from recorders.importers import IMPORTERS, Importer
from recorders.importers.foreign import (
    UNITS,
    Cancelled,
    ForeignSet,
    ImportJob,
    ImportWish,
    Progress,
    damage_reported,
)
from recorders.importers.storing import Place, store

STAGING = ".importing"


@dataclass(frozen=True)
class Imported:
    """What an import has brought: the new files, (name, why) of each episode that was left out, what was assumed."""

    episodes: tuple[Path, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def import_episodes(
    kind: str,
    source: Path,
    folder: Path,
    wish: ImportWish | None = None,
    progress: Progress = lambda done, total, detail: None,
    cancelled: Cancelled = lambda: False,
) -> Imported:
    """Episodes of format `kind` at `source` into the folder of episodes `folder`.

    An episode that can not be read is left out and named; the others are imported. Raises `TransferRefused` when
    nothing can be imported as it was asked for, `TransferCancelled`, `DiskError`, and `RecorderError` for a source that
    can not be read at all; episodes that were finished before stay.
    """
    wish = wish or ImportWish()
    importer = check_wish(kind, source, wish)
    job = ImportJob(kind, source.absolute(), folder.absolute(), wish, progress, cancelled)
    done: Imported = importer.load().run(job)
    return done


def check_wish(kind: str, source: Path, wish: ImportWish) -> Importer:
    """The format `kind`. Raises `TransferRefused` when it can not be read here, or the wish makes no sense."""
    if kind not in IMPORTERS:
        raise TransferRefused(f"There is no import format {kind!r}. Known formats: {', '.join(IMPORTERS)}.")
    importer = IMPORTERS[kind]
    if importer.missing():
        raise TransferRefused(f"The format {kind} can not be read on this machine. {importer.missing()}.")
    if not source.exists():
        raise TransferRefused(f"There is no {source}. Give the file or folder that should be imported.")
    if wish.source not in SOURCES:
        raise TransferRefused(f"The source {wish.source!r} is unknown. Known sources: {', '.join(SOURCES)}.")
    if wish.unit not in ("", *UNITS):
        raise TransferRefused(f"The unit {wish.unit!r} is unknown. Known units: {', '.join(UNITS)}.")
    return importer


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed import into `folder` has left in it; one that still runs stays."""
    if (folder / STAGING).exists():
        with contextlib.suppress(RecorderError), _staging(folder):
            pass


def import_all(job: ImportJob, found: ForeignSet) -> Imported:
    """Every episode of `found`. Raises as `import_episodes`."""
    unit = _unit(job, found)
    if not found.names:
        raise TransferRefused(f"There is no episode in {job.source}. Is it the format {job.kind}?")
    paths: list[Path] = []
    refused: list[tuple[str, str]] = []
    remarks: dict[str, None] = {}
    with _staging(job.folder) as staging:
        for index, name in enumerate(found.names):
            job.tell(index, len(found.names), f"Reading {name}.")
            try:
                with damage_reported(name), found.open_episode(index) as foreign:
                    place = Place(staging, name, index, len(found.names))
                    paths.append(store(job, foreign, found.origin(index), unit, place))
                    remarks |= dict.fromkeys(foreign.remarks)
            except (TransferCancelled, DiskError):
                raise
            except RecorderError as error:
                refused.append((name, str(error)))
    return Imported(tuple(paths), tuple(refused), tuple(remarks))


def _unit(job: ImportJob, found: ForeignSet) -> str:
    said = str(found.export_file["position_unit"]) if found.export_file else ""
    if said and job.wish.unit not in ("", said):
        raise TransferRefused(f"The data say that they are in {said}, not {job.wish.unit}. Leave out --unit.")
    unit = said or job.wish.unit
    if not unit:
        raise TransferRefused(
            f"The format {job.kind} does not say in which unit positions are. Give it: --unit {', '.join(UNITS)} "
            "(rad, gripper as it is; deg, gripper 0 to 100; percent: kept as they are, marked as such)."
        )
    return unit


def _staging(folder: Path) -> AbstractContextManager[Path]:
    with disk_errors("make the folder of episodes", folder):
        folder.mkdir(parents=True, exist_ok=True)
    return made_aside(folder / STAGING, f"Another import into {folder} is running. Wait for it.")
