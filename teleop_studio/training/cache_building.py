"""Fills the picture cache ahead of training: a pure function of one episode file, for the map over many of them."""

from dataclasses import dataclass
from pathlib import Path

from recorders.catalog import EpisodeInfo, list_episodes
from teleop_studio.training.episodes import demonstrations, is_learnt_from
from teleop_studio.training.picture_cache import ensure_pictures, picture_path, picture_set
from teleop_studio.training.picture_file import PictureSet


@dataclass(frozen=True)
class CachedEpisode:
    """What the cache holds of one episode: `pictures` of all cameras in `size_bytes`; `built` files were not there."""

    pictures: int
    size_bytes: int
    built: int


def cache_episode(path: Path, folder: Path, side_px: int) -> CachedEpisode:
    """Make sure that all pictures of an episode are in the cache `folder`, reduced to `side_px`.

    Raises `RecorderError`, `ValueError` for pictures smaller than `side_px`.
    """
    pictures = size_bytes = built = 0
    for demonstration in demonstrations([path]):
        for camera in demonstration.pictures:
            built += ensure_pictures(folder, demonstration, camera, side_px)
            held = picture_set(demonstration, camera, side_px)
            pictures += held.count
            size_bytes += held.size_bytes
    return CachedEpisode(pictures, size_bytes, built)


def not_cached(episodes: Path, folder: Path, side_px: int) -> list[Path]:
    """What a training would learn from in `episodes` and the cache `folder` lacks, told by names alone.

    Raises `DiskError` when `episodes` can not be read.
    """
    return [info.path for info in list_episodes(episodes) if is_learnt_from(info) and _lacks(info, folder, side_px)]


def _lacks(info: EpisodeInfo, folder: Path, side_px: int) -> bool:
    held = (PictureSet(info.content_sha256, camera, side_px, count) for camera, count in info.images.items())
    return not all(picture_path(folder, pictures).is_file() for pictures in held)
