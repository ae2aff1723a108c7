"""The process that reads a LeRobotDataset: `python -m recorders.importers.lerobot.reading`, through `own_process`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.video_utils import decode_video_frames
from numpy.typing import NDArray

from recorders.errors import EpisodeCorrupt, TransferRefused
from recorders.exporters.export_file import read_export_file
from recorders.importers.foreign import (
    MOST_JOINTS,
    MOST_ROWS,
    MOST_SIDE,
    ForeignCamera,
    ForeignEpisode,
    ForeignSet,
    ImportJob,
    ImportWish,
    camera_name,
    damage_reported,
    joint_names_for,
)
from recorders.importers.importing import import_all
from recorders.own_process import Tell, serve

_STATE, _ACTION, _IMAGES = "observation.state", "action", "observation.images."
_VELOCITY, _EFFORT = "velocity", "effort"  # where our exporter puts them
_ROWS = 32  # pictures per query: the video is opened and sought once for each
_TOLERANCE_S = 1e-4


def read(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Imports all episodes; what `Imported` says, as plain values."""
    wish = ImportWish(**{**request["wish"], "state": tuple(request["wish"]["state"])})
    source, folder = Path(request["source"]), Path(request["folder"])
    job = ImportJob(request["kind"], source, folder, wish, tell, lambda: False)
    with damage_reported(f"The LeRobot dataset {source}"):
        # PyAV decodes: torchcodec needs FFmpeg libraries of the system.
        dataset = LeRobotDataset("teleop-studio/local", root=source, video_backend="pyav", return_uint8=True)
        found = _found(dataset, source)
    done = import_all(job, found)
    return {"episodes": [str(path) for path in done.episodes], "refused": done.refused, "remarks": done.remarks}


def episode_range(dataset: LeRobotDataset, index: int) -> tuple[int, int]:
    """First row of episode `index`, and the row after its last. Raises `EpisodeCorrupt` for rows that are not there."""
    episode = dataset.meta.episodes[index]
    begin, end = int(episode["dataset_from_index"]), int(episode["dataset_to_index"])
    if not 0 <= begin < end <= len(dataset.hf_dataset) or end - begin > MOST_ROWS:
        raise EpisodeCorrupt(
            f"Episode {index} should have the rows {begin} to {end}; the dataset has {len(dataset.hf_dataset)}."
        )
    return begin, end


def _found(dataset: LeRobotDataset, source: Path) -> ForeignSet:
    features = dataset.meta.features
    for key in (_STATE, _ACTION):
        if key not in features:
            raise TransferRefused(f"The dataset has no {key}, only: {', '.join(features)}. It can not be imported.")
        _check_width(key, features[key])
    cameras = _cameras(features)

    @contextmanager
    def open_episode(index: int) -> Iterator[ForeignEpisode]:
        yield _episode(dataset, cameras, index)

    names = tuple(f"episode {index}" for index in range(int(dataset.meta.total_episodes)))
    return ForeignSet(names, open_episode, read_export_file(source))


def _check_width(key: str, feature: dict[str, Any]) -> None:
    shape = tuple(feature["shape"])
    if len(shape) != 1 or not 1 <= shape[0] <= MOST_JOINTS:
        raise TransferRefused(f"{key} has shape {shape}: one number per joint is expected, at most {MOST_JOINTS}.")


def _cameras(features: dict[str, dict[str, Any]]) -> dict[str, ForeignCamera]:
    """By their keys: all colour pictures."""
    cameras = {}
    for key, feature in features.items():
        if feature["dtype"] not in ("video", "image"):
            continue
        sides = dict(zip(feature["names"] or ("height", "width", "channels"), feature["shape"], strict=True))
        width, height = int(sides["width"]), int(sides["height"])
        channels = sides.get("channels", sides.get("channel"))
        if channels == 3 and 1 <= width <= MOST_SIDE and 1 <= height <= MOST_SIDE:
            cameras[key] = ForeignCamera(camera_name(key.removeprefix(_IMAGES)), width, height)
    return cameras


def _episode(dataset: LeRobotDataset, cameras: dict[str, ForeignCamera], index: int) -> ForeignEpisode:
    begin, end = episode_range(dataset, index)
    features = dataset.meta.features
    columns = [key for key in (_STATE, _ACTION, _VELOCITY, _EFFORT) if key in features]
    table = dataset.hf_dataset.select_columns(columns).with_format("numpy")[begin:end]
    joints = {key: np.asarray(table[key], np.float64).reshape(end - begin, -1) for key in columns}
    for key in (_STATE, _ACTION):
        if not np.isfinite(joints[key]).all():
            raise EpisodeCorrupt(f"{key} of episode {index} holds values that are no numbers. Leave the episode out.")
    state = joints[_STATE]
    keys = {camera.name: key for key, camera in cameras.items()}
    return ForeignEpisode(
        fps=float(dataset.meta.fps),
        task=str(dataset.meta.episodes[index]["tasks"][0]),
        joint_names=joint_names_for(state.shape[1], _names(features[_STATE]["names"])),
        state=state,
        action=joints[_ACTION],
        velocity=_fitting(joints.get(_VELOCITY), state),
        effort=_fitting(joints.get(_EFFORT), state),
        cameras=tuple(cameras.values()),
        pictures=lambda name: _pictures(dataset, keys[name], index, begin, end),
        remarks=tuple(_remarks(features, cameras)),
    )


def _names(said: Any) -> list[Any] | None:
    """Datasets of different ages say a list, or a list below a word such as "motors"."""
    if isinstance(said, dict):
        said = next((value for value in said.values() if isinstance(value, list)), None)
    return said if isinstance(said, list) else None


def _fitting(values: NDArray[np.float64] | None, state: NDArray[np.float64]) -> NDArray[np.float64] | None:
    return values if values is not None and values.shape == state.shape and np.isfinite(values).all() else None


def _pictures(dataset: LeRobotDataset, key: str, index: int, begin: int, end: int) -> Iterator[NDArray[np.uint8]]:
    if dataset.meta.features[key]["dtype"] == "image":
        images = dataset.hf_dataset.select_columns([key])
        for row in range(begin, end):
            yield np.moveaxis(np.round(images[row][key].numpy() * 255), 0, -1).astype(np.uint8)
        return
    path = dataset.root / dataset.meta.get_video_file_path(index, key)
    start_s = float(dataset.meta.episodes[index][f"videos/{key}/from_timestamp"])
    for first in range(begin, end, _ROWS):
        moments = [start_s + (row - begin) / dataset.meta.fps for row in range(first, min(first + _ROWS, end))]
        frames = decode_video_frames(path, moments, _TOLERANCE_S, "pyav", return_uint8=True)
        yield from np.moveaxis(frames.numpy(), 1, -1)


def _remarks(features: dict[str, Any], cameras: dict[str, ForeignCamera]) -> Iterator[str]:
    left = [key for key, feature in features.items() if feature["dtype"] in ("video", "image") and key not in cameras]
    if left:
        yield f"Left out, because they are no colour pictures: {', '.join(left)}."


if __name__ == "__main__":
    serve(read)
