"""Episodes of a LeRobotDataset v3, read by lerobot itself in a process of its own."""

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recorders.errors import EpisodeCorrupt, TransferRefused
from recorders.importers.foreign import ImportJob
from recorders.importers.importing import Imported
from recorders.own_process import own_folder, run_apart

_MOST_INFO_BYTES = 16 << 20
_NEEDED = ("meta/tasks.parquet", "meta/stats.json", "meta/episodes", "data")


def run(job: ImportJob) -> Imported:
    """Imports every episode of the dataset in the folder `job.source`."""
    check_folder(job.source)
    cache = Path(tempfile.mkdtemp(prefix="teleop-studio-import-"))
    work = {"kind": job.kind, "source": str(job.source), "folder": str(job.folder), "wish": asdict(job.wish)}
    try:
        result = run_apart("recorders.importers.lerobot.reading", work, job.tell, job.cancelled, own_folder(cache))
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return Imported(
        tuple(Path(path) for path in result["episodes"]),
        tuple((name, why) for name, why in result["refused"]),
        tuple(result["remarks"]),
    )


def check_folder(folder: Path) -> dict[str, Any]:
    """`meta/info.json` of a dataset that lerobot will find whole: otherwise it would look for it in the Hub.

    Raises `TransferRefused` for another version or no dataset, `EpisodeCorrupt` for a damaged one.
    """
    path = folder / "meta" / "info.json"
    if not path.is_file():
        raise TransferRefused(f"{folder} is no LeRobot dataset: it has no meta/info.json. Give the dataset's folder.")
    try:
        if path.stat().st_size > _MOST_INFO_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes")
        info = json.loads(path.read_bytes())
        version, fps, features = str(info["codebase_version"]), info["fps"], info["features"]
        if not (isinstance(fps, int) and 1 <= fps <= 1000 and isinstance(features, dict)):
            raise ValueError(f"fps = {fps!r}")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise EpisodeCorrupt(
            f"{path} is damaged. {type(error).__name__}: {error}. Restore the dataset from a copy."
        ) from error
    if not version.startswith("v3."):
        raise TransferRefused(
            f"{folder} is a LeRobot dataset of version {version}; version 3 can be imported. Convert it with lerobot's "
            "own script convert_dataset_v21_to_v30."
        )
    absent = [name for name in _NEEDED if not (folder / name).exists()]
    if absent:
        raise EpisodeCorrupt(
            f"The LeRobot dataset {folder} is not whole: {', '.join(absent)} is missing. A recording that was killed "
            "leaves such a folder; its episodes are lost for lerobot as well."
        )
    return dict(info)
