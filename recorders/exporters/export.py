"""Exports episodes: written aside, verified, brought to the disk, and only then renamed to the wished name."""

import contextlib
import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recorders.aside import made_aside
from recorders.disk import sync_folder, write_synced
from recorders.errors import RecorderError, TransferRefused, disk_errors
from recorders.exporters import EXPORTERS, Exporter
from recorders.exporters.export_file import EXPORT_FILE, common_entries, episode_entry
from recorders.exporters.job import Cancelled, ExportJob, Progress, checked_fps, common_rig

_CONTENT = "content"


@dataclass(frozen=True)
class Exported:
    """A finished export. `rows` of all episodes together, `fps` of them a second; 0 for the recorded ticks."""

    folder: Path
    episodes: int
    rows: int
    fps: int


def export(
    name: str,
    episodes: Sequence[Path],
    out: Path,
    fps: int = 0,
    progress: Progress = lambda done, total, detail: None,
    cancelled: Cancelled = lambda: False,
) -> Exported:
    """The episodes in format `name`, in the new folder `out`, which appears whole and on the disk or not at all.

    `fps` rows per second, 0 for the rate of the fastest camera. Raises `TransferRefused` when the episodes do not go
    together, `out` is taken or a package is missing; `TransferCancelled`; `RecorderError` for what can not be read or
    written.
    """
    exporter = check_wish(name, out)
    out = out.absolute()
    rig = common_rig(tuple(episodes))
    job = ExportJob(tuple(episodes), rig, checked_fps(fps, rig), progress, cancelled)
    with disk_errors("make the folder of the export", out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
    with _aside(out) as aside:
        folder = aside / _CONTENT
        with disk_errors("write the export", out):
            done = _write(name, exporter, job, folder)
            job.tell(len(episodes), "Bringing it to the disk.")
            _sync_all(folder)
        if out.exists():
            raise TransferRefused(f"Somebody has made {out} meanwhile. Nothing was overwritten; choose another name.")
        with disk_errors("give the export its name", out):
            os.rename(folder, out)
            sync_folder(out.parent)
    return replace(done, folder=out)


def check_wish(name: str, out: Path) -> Exporter:
    """The format `name`. Raises `TransferRefused` when it can not be written on this machine or `out` is taken."""
    if name not in EXPORTERS:
        raise TransferRefused(f"There is no export format {name!r}. Known formats: {', '.join(EXPORTERS)}.")
    exporter = EXPORTERS[name]
    if exporter.missing():
        raise TransferRefused(f"The format {name} can not be written on this machine. {exporter.missing()}.")
    if out.exists() or out.is_symlink():
        raise TransferRefused(f"There is a file or folder {out} already. Choose a name that is free.")
    return exporter


def _write(name: str, exporter: Exporter, job: ExportJob, folder: Path) -> Exported:
    job.tell(0, "Starting.")
    module = exporter.load()
    results = module.export(job, folder)
    fps = job.fps if "grid" in module.METHOD else 0
    entries = [{**episode_entry(path), **result} for path, result in zip(job.episodes, results, strict=True)]
    content: dict[str, Any] = {
        **common_entries(name, job.rig, fps, module.METHOD, module.LOST),
        "episodes": entries,
    }
    write_synced(folder / EXPORT_FILE, json.dumps(content, indent=1).encode())
    return Exported(folder, len(entries), sum(int(result["rows"]) for result in results), fps)


def _aside(out: Path) -> AbstractContextManager[Path]:
    return made_aside(_aside_path(out), f"Another export to {out} is running. Wait for it, or choose another name.")


def _aside_path(out: Path) -> Path:
    return out.absolute().with_name(f".{out.name}.partial")


def remove_leftovers(out: Path) -> None:
    """Removes what a killed export to `out` has left beside it; one that still runs stays."""
    if _aside_path(out).exists():
        with contextlib.suppress(RecorderError), _aside(out):
            pass


def _sync_all(folder: Path) -> None:
    """Bytes and names of everything below `folder`. Raises `OSError`."""
    for parent, _, names in os.walk(folder):
        for file in names:
            descriptor = os.open(Path(parent) / file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(parent))
