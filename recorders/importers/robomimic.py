"""Demonstrations of a robomimic HDF5 file whose actions are joint goals; our own exports, or others with --state."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders.errors import EpisodeCorrupt, TransferRefused
from recorders.exporters.export_file import read_export_file
from recorders.exporters.robomimic import EFFORT, FILE, IMAGE, STATE, VELOCITY
from recorders.importers.foreign import (
    ForeignCamera,
    ForeignEpisode,
    ForeignSet,
    ImportJob,
    camera_name,
    chosen_fps,
    joint_names_for,
)
from recorders.importers.hdf5_reading import (
    array_at,
    dataset_at,
    group_at,
    member,
    opened_hdf5,
    optional_array,
    picture_size,
    text_attribute,
)
from recorders.importers.importing import Imported, import_all

_MOST_DEMOS = 100_000
_PREFIX = "demo_"


def run(job: ImportJob) -> Imported:
    """Imports every `data/demo_N` of the file, or of the only .hdf5 file of the folder."""
    path = hdf5_file(job.source)
    with opened_hdf5(path) as file:
        export_file = read_export_file(path.parent)
        names = demo_names(group_at(file, "data"))
        if export_file is not None:
            names = tuple(str(entry["demo"]) for entry in export_file["episodes"])

        fps = chosen_fps(job.wish, _rate(file), "robomimic's own tasks have 20 rows per second.")

        @contextmanager
        def open_episode(index: int) -> Iterator[ForeignEpisode]:
            yield _episode(file, names[index], fps, job.wish.state, export_file)

        return import_all(job, ForeignSet(names, open_episode, export_file))


def hdf5_file(source: Path) -> Path:
    """`source`, or the one HDF5 file in it. Raises `TransferRefused`."""
    if not source.is_dir():
        return source
    if (source / FILE).is_file():
        return source / FILE
    found = sorted(path for path in source.iterdir() if path.suffix in (".hdf5", ".h5"))
    if len(found) != 1:
        raise TransferRefused(f"There are {len(found)} HDF5 files in {source}, not one. Name the file to import.")
    return found[0]


def demo_names(data: h5py.Group) -> tuple[str, ...]:
    """The demonstrations in the order of their numbers, as robomimic sorts them. Raises `EpisodeCorrupt`."""
    if len(data) > _MOST_DEMOS:
        raise EpisodeCorrupt(f"The file says that it has {len(data)} demonstrations: more than can be read.")
    numbers = {name: name.removeprefix(_PREFIX) for name in data}
    wrong = [name for name, number in numbers.items() if not number.isdecimal()]
    if wrong:
        raise EpisodeCorrupt(f"The group data has {wrong[0]!r}, which is no demonstration. Is it another format?")
    return tuple(sorted(numbers, key=lambda name: int(numbers[name])))


def _episode(
    file: h5py.File, name: str, fps: float, keys: tuple[str, ...], export_file: dict[str, Any] | None
) -> ForeignEpisode:
    demo = group_at(file, f"data/{name}")
    observed = group_at(demo, "obs")
    action = array_at(demo, "actions")
    state = _state(observed, keys)
    cameras = _cameras(observed, len(state))
    said = export_file["joint_names"] if export_file else None
    return ForeignEpisode(
        fps=fps,
        task=text_attribute(demo, "task"),
        joint_names=joint_names_for(state.shape[1], said),
        state=state,
        action=action,
        velocity=optional_array(observed, VELOCITY, state),
        effort=optional_array(observed, EFFORT, state),
        cameras=tuple(cameras.values()),
        pictures=lambda camera: _pictures(observed, {c.name: key for key, c in cameras.items()}[camera], len(state)),
        remarks=() if export_file else ("The actions were taken for goals of the measured joints.",),
    )


def _state(observed: h5py.Group, keys: tuple[str, ...]) -> NDArray[np.float64]:
    keys = keys or ((STATE,) if member(observed, STATE) is not None else ())
    if not keys:
        low = [key for key in list(observed)[:50] if getattr(member(observed, key), "ndim", 0) == 2]
        raise TransferRefused(
            f"The file does not say which of its observations are the joints. Give them with --state: {', '.join(low)}."
        )
    return np.concatenate([array_at(observed, key) for key in keys], axis=1)


def _cameras(observed: h5py.Group, rows: int) -> dict[str, ForeignCamera]:
    """By their keys: everything that is a row of pictures."""
    cameras = {}
    for key in observed:
        item = member(observed, key)
        if isinstance(item, h5py.Dataset) and item.ndim == 4 and item.dtype == np.uint8:
            width, height = picture_size(dataset_at(observed, key), rows)
            cameras[key] = ForeignCamera(camera_name(key.removesuffix(IMAGE)), width, height)
    return cameras


def _pictures(observed: h5py.Group, key: str, rows: int) -> Iterator[NDArray[np.uint8]]:
    dataset = dataset_at(observed, key)
    for row in range(rows):
        yield dataset[row]


def _rate(file: h5py.File) -> float:
    """Rows per second by the environment's settings; 0 when they do not say it."""
    try:
        rate = json.loads(text_attribute(group_at(file, "data"), "env_args"))["env_kwargs"]["control_freq"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return 0.0
    return float(rate) if isinstance(rate, int | float) else 0.0
