"""Reduced pictures on disk, shared by all runs: an episode is decoded once. The folder may be deleted at any time.

A file for each episode, camera and size, named by the episode's content: any grid of moments, any history and any
choice of cameras finds its pictures in it.
"""

import logging
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.errors import disk_errors
from teleop_studio.policies.picture_reduction import reduce_picture
from teleop_studio.training.demonstration import Demonstration, Pictures
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.picture_file import (
    FEATURES_SUFFIX,
    SUFFIX,
    UNFINISHED,
    PictureSet,
    RowSet,
    fault_in,
    mapped_pictures,
    write_rows,
)

# 64 px: 22 MB a minute of a 30 Hz camera, so 7.5 hours of two cameras.
CACHE_GB = 20.0
CACHE_GB_VARIABLE = "TELEOP_STUDIO_CACHE_GB"
_ABANDONED_S = 3600.0  # a file is filled in seconds
_log = logging.getLogger(__name__)


def cache_limit_bytes() -> int:
    """How large the cache may grow: `TELEOP_STUDIO_CACHE_GB`, else 20 GB. Raises `TrainingError` for no number."""
    text = os.environ.get(CACHE_GB_VARIABLE, "")
    try:
        limit_gb = float(text) if text else CACHE_GB
    except ValueError:
        limit_gb = -1.0
    if not limit_gb >= 0.0:
        raise TrainingError(
            f"{CACHE_GB_VARIABLE} = {text!r} is no size in GB. Set it to a number, e.g. 20, or unset it."
        )
    return round(limit_gb * 1e9)


def picture_set(demonstration: Demonstration, camera: str, side_px: int) -> PictureSet:
    """What the cache holds of one camera."""
    return PictureSet(demonstration.content_sha256, camera, side_px, len(demonstration.pictures[camera].stamp_ns))


def picture_path(folder: Path, held: PictureSet) -> Path:
    """Where the cache keeps it."""
    return folder / f"{held.content_sha256}-{held.camera}-{held.side_px}-{held.reduction}{SUFFIX}"


def ensure_pictures(folder: Path, demonstration: Demonstration, camera: str, side_px: int) -> bool:
    """Make sure that the cache holds a whole file of this camera. Returns whether it had to be built.

    Raises `DiskError`, `EpisodeCorrupt`; `ValueError` for pictures smaller than `side_px`.
    """
    held = picture_set(demonstration, camera, side_px)
    pictures = demonstration.pictures[camera]
    path = picture_path(folder, held)
    with disk_errors("fill the picture cache", path):
        if used_again(path, held, pictures.stamp_ns):
            return False
        write_rows(path, held, pictures.stamp_ns, _reduced(pictures, held.count, side_px))
    return True


def used_again(path: Path, held: RowSet, stamp_ns: NDArray[np.int64]) -> bool:
    """Whether a whole file is there; it is then the last to go. Raises `OSError`."""
    if not path.is_file():
        return False
    fault = fault_in(path, held, stamp_ns)
    if fault:
        _log.warning("The cached pictures %s are damaged, %s. They are made anew.", path, fault)
        return False
    os.utime(path)
    return True


def cached_pictures(folder: Path, demonstration: Demonstration, camera: str, side_px: int) -> NDArray[np.uint8]:
    """All pictures of a camera, (n, px, px, 3) uint8, memory-mapped from `folder`; decoded when not there yet.

    Raises as `ensure_pictures` and `mapped_pictures`.
    """
    ensure_pictures(folder, demonstration, camera, side_px)
    held = picture_set(demonstration, camera, side_px)
    return mapped_pictures(picture_path(folder, held), held)


def make_room(folder: Path, limit_bytes: int, keep: Collection[Path] = ()) -> int:
    """Remove the files that were not used for longest until `limit_bytes` are left. Returns the bytes removed.

    `keep` are never removed. Neither is anything lost to a training that has mapped a removed file: the system keeps
    its bytes until that training ends. What a killed builder left unfinished goes as well. Raises `DiskError`.
    """
    with disk_errors("make room in the picture cache", folder):
        found = list(_entries(folder))
        total = sum(size for _, size, _ in found)
        kept = {path.resolve() for path in keep}
        removed = 0
        for _, size, path in sorted(found):
            if total - removed <= limit_bytes:
                break
            if path.resolve() not in kept:
                path.unlink(missing_ok=True)
                removed += size
    return removed


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Last use, size and path of each file; abandoned unfinished ones are removed on the way."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            try:
                stat = entry.stat()
            except FileNotFoundError:  # another process is making room, too
                continue
            if entry.name.endswith((SUFFIX, FEATURES_SUFFIX)):
                yield stat.st_mtime, stat.st_size, path
            elif entry.name.endswith(UNFINISHED) and time.time() - stat.st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)


def _reduced(pictures: Pictures, count: int, side_px: int) -> Iterator[NDArray[np.uint8]]:
    for k in range(count):
        yield reduce_picture(pictures[k], side_px)
