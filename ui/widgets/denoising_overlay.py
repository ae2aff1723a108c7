"""The sample fan: what the policy considered, drawn over the camera picture at one denoising step."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from teleop_studio.status import Overlay
from ui import theme
from ui.widgets.camera_view import to_widget
from ui.widgets.path_drawing import draw_polylines, pen

_MOVED_PX = 0.5


class DenoisingOverlay:
    """A `Layer` for one `CameraView`, kept as a picture of its own and drawn anew only when its paths change.

    Samples that end at the arm's left are green, at its right blue, undecided ones grey; the K steps that run are
    solid, the rest faint; the executed chunk is yellow.
    """

    def __init__(self) -> None:
        self._points: NDArray[np.float64] | None = None  # (N, H, 2) camera pixels
        self._sides: NDArray[np.int8] = np.zeros(0, np.int8)
        self._executed_steps = 0
        self._drawn: QImage | None = None
        self._drawn_for: tuple[float, float, float, float] | None = None
        self.redraws = 0

    @property
    def shown(self) -> bool:
        return self._points is not None

    def clear(self) -> bool:
        """Whether there was something to clear."""
        had, self._points, self._drawn = self._points is not None, None, None
        return had

    def show_paths(self, overlay: Overlay, points: NDArray[np.float64]) -> bool:
        """`points` (N, H, 2): the paths of one step in camera pixels. Whether they differ from those shown."""
        old = self._points
        if old is not None and old.shape == points.shape and float(np.abs(old - points).max()) < _MOVED_PX:
            return False
        self._points = points
        self._sides = sides(overlay)
        self._executed_steps = overlay.executed_steps
        self._drawn = None
        return True

    def paint(self, painter: QPainter, place: QRectF, scale: float) -> None:
        if self._points is None:
            return
        ratio = painter.device().devicePixelRatio()
        wanted = (place.width(), place.height(), scale, ratio)
        if self._drawn is None or self._drawn_for != wanted:
            self._drawn, self._drawn_for = self._draw(place, scale, ratio), wanted
        painter.drawImage(place.topLeft(), self._drawn)

    def _draw(self, place: QRectF, scale: float, ratio: float) -> QImage:
        assert self._points is not None
        self.redraws += 1
        layer = QImage((place.size() * ratio).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
        layer.setDevicePixelRatio(ratio)
        layer.fill(0)
        lines = to_widget(self._points, QRectF(0, 0, place.width(), place.height()), scale)
        painter = QPainter(layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_fan(painter, lines)
        self._draw_executed(painter, lines[0])
        painter.end()
        return layer

    def _draw_fan(self, painter: QPainter, lines: NDArray[np.float64]) -> None:
        # The last executed step is also the first of the rest, so that the two parts join.
        runs, rest = self._executed_steps + 1, max(self._executed_steps, 0)
        for side, colour in ((0, theme.SOFT), (1, theme.LEFT), (-1, theme.RIGHT)):
            mine = lines[1:][self._sides[1:] == side]
            painter.setPen(pen(colour, 1.0, 0.45))
            draw_polylines(painter, mine[:, rest:])
            painter.setPen(pen(colour, 1.6, 0.85))
            draw_polylines(painter, mine[:, :runs])
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            for line in mine:
                painter.drawEllipse(QPointF(*line[-1]), 1.8, 1.8)

    def _draw_executed(self, painter: QPainter, line: NDArray[np.float64]) -> None:
        runs, rest = line[: self._executed_steps + 1], line[self._executed_steps :]
        for colour, width, alpha, part in (
            ("#000000", 5.5, 0.55, runs),
            (theme.EXECUTED, 1.6, 0.75, rest),
            (theme.EXECUTED, 3.2, 1.0, runs),
        ):
            painter.setPen(pen(colour, width, alpha))
            draw_polylines(painter, part[None])
        painter.setPen(pen("#000000", 1.2, 0.7))
        painter.setBrush(QColor(theme.EXECUTED))
        painter.drawEllipse(QPointF(*line[min(self._executed_steps, len(line) - 1)]), 4.5, 4.5)


def sides(overlay: Overlay) -> NDArray[np.int8]:
    """(N,) 1 left, -1 right, 0 neither, for every sample.

    The overlay tells shares only; they are counted by where a finished sample ends across the arm (+y is left), so
    the leftmost and the rightmost paths are the ones that were counted.
    """
    across = overlay.tip_paths[-1, :, -1, 1]
    order = np.argsort(across)
    found = np.zeros(len(across), np.int8)
    found[order[: round(overlay.right_share * len(across))]] = -1
    found[order[len(across) - round(overlay.left_share * len(across)) :]] = 1
    return found
