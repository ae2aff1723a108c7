"""What is done with one episode file at a time, for `map_episodes`: the functions that one machine uses as well."""

from pathlib import Path

from recorders.exporters.export import Exported, export
from recorders.index import Survey
from recorders.survey import survey
from teleop_studio.episode_view import measured_side
from teleop_studio.training.cache_building import CachedEpisode as CachedEpisode
from teleop_studio.training.cache_building import cache_episode as cache_episode


def survey_episode(path: Path) -> Survey:
    """Statistics, hints and thumbnail of one episode; a bad file is a problem in it."""
    return survey(path, measured_side)


def convert_episode(path: Path, name: str, out: Path, fps: int = 0) -> Exported:
    """One episode in format `name`, as a dataset of its own in `out`, named as its file. Raises as `export`."""
    return export(name, [path], out / path.stem, fps)
