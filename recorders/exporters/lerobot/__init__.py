"""A LeRobotDataset v3, written and read again by lerobot itself in a process of its own."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recorders.disk import require_room
from recorders.exporters.job import ExportJob
from recorders.own_process import own_folder, run_apart
from recorders.resample import METHOD as METHOD

LOST = (
    "the leader's readings, the requested actions, events, gaps and the policy's chunks",
    "the recorded ticks and pictures between the rows; timestamp is row / fps, the true capture times of the pictures "
    "are the feature capture_time_s, seconds since start_ns",
    "pictures are H.264 (crf 18, a key frame every second picture, 4:2:0 where both sides are even): see picture_error",
    "float64: joints and actions are float32",
)
_CACHE = "cache"
_STAGED_SHARE = 3  # the pictures of the episode in hand are staged as PNG, then there is the video


def export(job: ExportJob, folder: Path) -> list[dict[str, Any]]:
    """Writes and verifies the dataset `folder`."""
    require_room(folder.parent, _STAGED_SHARE * max(path.stat().st_size for path in job.episodes), "write the export")
    cache = folder.parent / _CACHE
    work = {
        "episodes": [str(path) for path in job.episodes],
        "rig": asdict(job.rig),
        "fps": job.fps,
        "folder": str(folder),
    }
    try:
        result = run_apart(
            "recorders.exporters.lerobot.writing",
            work,
            lambda done, total, detail: job.tell(done, detail),
            job.cancelled,
            own_folder(cache),
        )
        shutil.rmtree(folder / "images", ignore_errors=True)  # where lerobot had staged the pictures: empty folders
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    results: list[dict[str, Any]] = result["episodes"]
    return results
