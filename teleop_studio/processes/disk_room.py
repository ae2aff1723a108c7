"""For how long a take can go on before the disk is full, so that it can be ended while there is room to save it."""

from collections.abc import Iterator
from pathlib import Path

from recorders.disk import seconds_left
from recorders.episode_writer import JOURNAL_FILE, JOURNALS
from recorders.errors import DiskError
from teleop_studio.rig import RigConfig

LEAST_S = 60.0  # a take is refused with less
_BYTES_PER_PIXEL = {"jpeg": 0.35, "png": 1.8}  # of a noisy camera, JPEG of quality 90 (decision 14)
_BYTES_PER_JOINT = 64
_BYTES_PER_TICK = 60
_SURE_AFTER_S = 5.0


class DiskRoom:
    """Learns from the takes how much a second needs; before the first one it assumes busy pictures."""

    def __init__(self, rig: RigConfig) -> None:
        pictures = sum(c.width * c.height * c.fps * _BYTES_PER_PIXEL[c.codec] for c in rig.cameras)
        row = _BYTES_PER_TICK + _BYTES_PER_JOINT * len(rig.follower.model.joints)
        self.bytes_per_s = pictures + row * rig.control_hz

    def learn(self, written: int, seconds: float) -> None:
        """A take of `seconds` has `written` bytes by now."""
        if seconds > _SURE_AFTER_S:
            self.bytes_per_s = max(written / seconds, 1.0)

    def left_s(self, folder: Path) -> float:
        """Seconds of one take: its journal and the episode file built of it lie side by side for a while.

        So do those of the takes in `folder` that are not built yet; the one being recorded is among them. Infinite when
        the disk can not be asked.
        """
        try:
            return max(0.0, seconds_left(_existing(folder), self.bytes_per_s, sum(_unbuilt(folder))))
        except DiskError:
            return float("inf")


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest one above it that there is."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _unbuilt(folder: Path) -> Iterator[int]:
    """The sizes of all journals in `folder`."""
    try:
        journals = list((folder / JOURNALS).iterdir())
    except OSError:
        return
    for journal in journals:
        try:
            yield (journal / JOURNAL_FILE).stat().st_size
        except OSError:  # built and removed meanwhile
            continue
