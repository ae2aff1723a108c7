"""Opens a finished LeRobotDataset as a stranger would and compares every row and picture with the episodes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.episode_reader import EpisodeReader
from recorders.errors import EpisodeCorrupt
from recorders.exporters.job import ExportJob
from recorders.exporters.lerobot.stretches import open_dataset, rows_of, stretches
from recorders.importers.lerobot.reading import episode_range
from recorders.resample import GridRows, chosen_pictures, on_grid

# H.264 at crf 18 leaves one or two grey levels on camera pictures, up to ten on pure noise; a wrong picture far more.
_MOST_MEAN_ERROR = 16.0


@dataclass
class PictureError:
    """How far decoded pictures are from the recorded ones, in grey levels of 255."""

    pictures: int = 0
    mean_sum: float = 0.0
    worst_mean: float = 0.0
    square_sum: float = 0.0

    def add(self, found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> None:
        difference = found.astype(np.int16) - wanted
        mean = float(np.abs(difference).mean())
        self.pictures += 1
        self.mean_sum += mean
        self.worst_mean = max(self.worst_mean, mean)
        self.square_sum += float(np.square(difference, dtype=np.float32).mean())

    def entry(self) -> dict[str, float]:
        """For the export's own file."""
        mean_square = self.square_sum / max(1, self.pictures)
        psnr = 10 * np.log10(255**2 / mean_square) if mean_square else 99.0
        return {
            "pictures": self.pictures,
            "mean": round(self.mean_sum / max(1, self.pictures), 3),
            "worst_picture_mean": round(self.worst_mean, 3),
            "psnr_db": round(float(psnr), 2),
        }


def check_dataset(folder: Path, job: ExportJob) -> list[dict[str, dict[str, float]]]:
    """The error of the pictures of each episode and camera.

    Raises `EpisodeCorrupt` when lerobot reads other rows or pictures than the episodes have.
    """
    images = [f"observation.images.{camera.name}" for camera in job.rig.cameras]
    dataset = open_dataset(folder, job.fps, ["observation.state", "action", "velocity", "effort"], images)
    if dataset.meta.total_episodes != len(job.episodes):
        raise _wrong(f"lerobot finds {dataset.meta.total_episodes} episodes, {len(job.episodes)} were written")
    results = []
    for index, path in enumerate(job.episodes):
        job.tell(len(job.episodes), f"Checking episode {index + 1} of {len(job.episodes)} with lerobot's reader.")
        with EpisodeReader(path) as reader:
            results.append(_check_episode(dataset, index, reader, on_grid(reader, job.fps), job))
    return results


def _check_episode(
    dataset: Any, index: int, reader: EpisodeReader, rows: GridRows, job: ExportJob
) -> dict[str, dict[str, float]]:
    begin, end = episode_range(dataset, index)
    if end - begin != len(rows):
        raise _wrong(f"episode {index} has {end - begin} rows, {len(rows)} were written")
    cameras = [camera.name for camera in job.rig.cameras]
    pictures = {name: chosen_pictures(reader, name, rows) for name in cameras}
    errors = {name: PictureError() for name in cameras}
    wanted = {"observation.state": rows.state, "action": rows.action, "velocity": rows.velocity, "effort": rows.effort}
    for row, item in stretches(dataset, begin, end):
        count = min(len(item["action"]), len(rows) - row)
        if item["task"] != reader.info.task:
            raise _wrong(f"row {row} of episode {index} has the task {item['task']!r}")
        for key, values in wanted.items():
            if not np.array_equal(rows_of(item, key, count), values[row : row + count].astype(np.float32)):
                raise _wrong(f"{key} of episode {index} differs at one of the rows {row} to {row + count - 1}")
        for name in cameras:
            for decoded in rows_of(item, f"observation.images.{name}", count):
                errors[name].add(decoded, next(pictures[name]))
        job.tell(len(job.episodes), f"Checking episode {index + 1} of {len(job.episodes)}: row {row} of {len(rows)}.")
    for name, error in errors.items():
        if error.pictures != len(rows) or error.worst_mean > _MOST_MEAN_ERROR:
            raise _wrong(
                f"camera {name!r} of episode {index} has {error.pictures} pictures for {len(rows)} rows, the worst is "
                f"off by {error.worst_mean:.1f} of 255 grey levels on average"
            )
    return {name: error.entry() for name, error in errors.items()}


def _wrong(what: str) -> EpisodeCorrupt:
    return EpisodeCorrupt(f"The LeRobot dataset was written, but not as it should be: {what}. Nothing was kept of it.")
