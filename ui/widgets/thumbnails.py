"""Small pictures of episodes, fetched a few per refresh and only for the rows that are seen.

The library gives moments of an episode side by side: the first, the middle and the last picture.
"""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPixmap

_KEPT = 300
_ASKED_AT_MOST = 60
_ASK_AGAIN_AFTER = 60  # loads: two seconds


class Thumbnails:
    """`pixmap` is asked by the painting and never waits; `load` fetches what was asked for, newest first."""

    def __init__(self, fetch: Callable[[Path], NDArray[np.uint8] | None]) -> None:
        self._fetch = fetch
        self._pixmaps: OrderedDict[Path, QPixmap] = OrderedDict()
        self._asked: OrderedDict[Path, None] = OrderedDict()
        self._absent: dict[Path, int] = {}  # not there yet: the load at which it is asked for again
        self._loads = 0

    def pixmap(self, path: Path) -> QPixmap | None:
        """The picture, or None and it will be fetched."""
        found = self._pixmaps.get(path)
        if found is not None:
            self._pixmaps.move_to_end(path)
        elif self._absent.get(path, 0) <= self._loads:
            self._asked[path] = None
            self._asked.move_to_end(path)
            while len(self._asked) > _ASKED_AT_MOST:  # scrolled past
                self._asked.popitem(last=False)
        return found

    def load(self, budget_s: float = 0.006) -> bool:
        """Fetch for about `budget_s`; True when there is something new to paint."""
        self._loads += 1
        began, arrived = perf_counter(), False
        while self._asked and perf_counter() - began < budget_s:
            path, _ = self._asked.popitem()
            picture = self._fetch(path)
            if picture is None:
                self._absent[path] = self._loads + _ASK_AGAIN_AFTER
                continue
            self._absent.pop(path, None)
            self._pixmaps[path] = _pixmap_of(picture)
            arrived = True
            while len(self._pixmaps) > _KEPT:
                self._pixmaps.popitem(last=False)
        return arrived or bool(self._absent and self._loads % _ASK_AGAIN_AFTER == 0)

    def __len__(self) -> int:
        return len(self._pixmaps)


def middle_moment(strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) of three moments side by side to the one in the middle; a single picture stays as it is."""
    height, width = strip.shape[:2]
    third = width // 3
    return strip[:, third : 2 * third] if is_strip(width, height) else strip


def is_strip(width: int, height: int) -> bool:
    """Whether a picture of this size holds three moments side by side."""
    return width > 2.4 * height


def draw_middle(painter: QPainter, place: QRectF, pixmap: QPixmap) -> None:
    """The middle moment, as large as `place` lets it be."""
    source = QRectF(pixmap.rect())
    if is_strip(pixmap.width(), pixmap.height()):
        source = QRectF(pixmap.width() / 3, 0, pixmap.width() / 3, pixmap.height())
    draw_fitted(painter, place, pixmap, source)


def draw_fitted(painter: QPainter, place: QRectF, pixmap: QPixmap, source: QRectF) -> None:
    """The part `source` of a picture, centred in `place`, its shape kept."""
    scale = min(place.width() / source.width(), place.height() / source.height())
    shown = QRectF(0, 0, source.width() * scale, source.height() * scale)
    shown.moveCenter(place.center())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(shown, pixmap, source)


def _pixmap_of(picture: NDArray[np.uint8]) -> QPixmap:
    rows, columns = picture.shape[:2]
    rgb = np.ascontiguousarray(picture)
    return QPixmap.fromImage(QImage(rgb.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888))
