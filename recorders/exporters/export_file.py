"""`teleop-studio-export.json`: what an export was made of, how, and what was lost. Our importers read it back."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from recorders.episode_reader import EpisodeReader
from recorders.errors import EpisodeCorrupt, TransferRefused
from recorders.exporters.job import CommonRig
from recorders.resample import GridRows

EXPORT_FILE = "teleop-studio-export.json"
FORMAT = "teleop-studio/export"
VERSION = 1
_MOST_BYTES = 256 << 20  # some 100,000 episodes
_TYPES = {"kind": str, "fps": int, "position_unit": str, "joint_names": list, "effort_units": list, "episodes": list}


def common_entries(
    name: str, rig: CommonRig, fps: int, method: dict[str, str], lost: tuple[str, ...]
) -> dict[str, Any]:
    """All but the episodes."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": name,
        "fps": fps,
        "resampling": method,
        "lost": list(lost),
        "joint_names": list(rig.joint_names),
        "position_unit": rig.position_unit,
        "position_range": "grippers 0 closed .. 1 open",
        "effort_units": list(rig.effort_units),
        "cameras": [{"name": c.name, "width": c.width, "height": c.height, "fps": c.fps} for c in rig.cameras],
        "software": {"teleop-studio": _version("teleop-studio"), "h5py": _version("h5py"), "numpy": _version("numpy")},
    }


def episode_entry(path: Path) -> dict[str, Any]:
    """Where an exported episode came from, and what the other formats have no place for. Raises `RecorderError`."""
    with EpisodeReader(path) as reader:
        info, said = reader.info, reader.description
        return {
            "uuid": info.uuid,
            "content_sha256": info.content_sha256,
            "file": path.name,
            "task": info.task,
            "source": info.source,
            "outcome": info.outcome,
            "tags": info.tags,
            "note": info.note,
            "split": info.split,
            "recorded_at": info.recorded_at,
            "duration_s": info.duration_s,
            "operator": said.operator,
            "rig": info.rig,
            "scene": info.scene,
            "simulated": info.simulated,
            "derived_from": said.derived_from,
            "control_ticks": info.frames,
            "pictures": info.images,
            "gaps": info.gaps,
            "extra": info.extra,
        }


def stamps_entry(rows: GridRows) -> dict[str, Any]:
    """What became of the true stamps: where the rows begin, how old pictures were, what was interpolated over."""
    return {
        "start_ns": int(rows.stamp_ns[0]),
        "oldest_picture_s": {name: round(float(age.max()) * 1e-9, 6) for name, age in rows.picture_age_ns.items()},
        "longest_gap_s": round(rows.longest_gap_s, 6),
    }


def read_export_file(folder: Path) -> dict[str, Any] | None:
    """What our own export of `folder` says; None for a folder that somebody else wrote.

    Raises `EpisodeCorrupt` when it is damaged, `TransferRefused` when a newer version of the app wrote it.
    """
    path = folder / EXPORT_FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}")
        if content["version"] != VERSION:
            raise TransferRefused(
                f"{path} has version {content['version']}; this app reads {VERSION}. Update the app that reads it."
            )
        wrong = [key for key, kind in _TYPES.items() if not isinstance(content[key], kind)]
        if wrong or not all(isinstance(entry["uuid"], str) for entry in content["episodes"]):
            raise ValueError(f"{wrong[0] if wrong else 'an episode'} is not as this app writes it")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise EpisodeCorrupt(
            f"The file {path} is damaged. {type(error).__name__}: {error}. "
            "Restore it from a copy, or remove it to import the data as a stranger's."
        ) from error
    return dict(content)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source folder that is not installed
        return "not installed"
