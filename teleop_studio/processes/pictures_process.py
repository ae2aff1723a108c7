"""Reduces the pictures of new demonstrations ahead of a training, at the lowest priority: then it starts at once."""

import contextlib
import logging
import os
from pathlib import Path

from recorders.errors import DiskError, RecorderError
from teleop_studio.processes import collection_messages as m
from teleop_studio.processes.child import Pipe
from teleop_studio.training.cache_building import cache_episode, not_cached
from teleop_studio.training.picture_cache import cache_limit_bytes, make_room

_log = logging.getLogger(__name__)


def main(pipe: Pipe, episodes: Path, cache: Path, side_px: int) -> None:
    """Fills `cache` with what it lacks of the folder `episodes`, tells after each, and ends.

    An episode that can not be read is left to the training, which says so. Raises `DiskError`, `TrainingError`.
    """
    with contextlib.suppress(OSError):
        os.nice(19)
    limit = cache_limit_bytes()
    waiting = not_cached(episodes, cache, side_px)
    for done, path in enumerate(waiting, start=1):
        pipe.receive()
        try:
            cache_episode(path, cache, side_px)
        except DiskError:
            raise
        except (RecorderError, ValueError) as error:
            _log.warning("The pictures of %s are not prepared: %s", path.name, error)
        pipe.send(m.PicturesPrepared(done, len(waiting)))
    make_room(cache, limit)
