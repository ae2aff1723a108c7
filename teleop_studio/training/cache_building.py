"""Fills the picture cache ahead of training: a pure function of one episode file, for the map over many of them."""

from dataclasses import dataclass
from pathlib import Path

from teleop_studio.training.episodes import demonstrations
from teleop_studio.training.picture_cache import ensure_pictures, picture_set


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
