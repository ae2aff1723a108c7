"""A camera picture, letterboxed, with layers of drawing on top."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui import theme


class Layer(Protocol):
    """Drawn over the picture, which lies at `place`; `scale` is widget pixels per camera pixel."""

    def paint(self, painter: QPainter, place: QRectF, scale: float) -> None: ...


class CameraView(QWidget):
    """Shows the newest picture. The frame is converted once into an own buffer and never painted on."""

    clicked = Signal()

    def __init__(self, camera: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{camera}_camera")
        self.setAccessibleName(f"camera {camera}")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 90)
        self.camera = camera
        self.caption = camera
        self.corner = ""  # small text at the upper right: rate, what is missing
        self.corner_colour = theme.TEXT
        self.state, self.trouble = "ok", ""  # of the camera, as `CameraHealth` tells them
        self.layers: list[Layer] = []
        self._buffer: NDArray[np.uint8] | None = None
        self._image: QImage | None = None
        self._source: NDArray[np.uint8] | None = None
        self._sequence = -1
        self._caption_font = theme.font(12, QFont.Weight.DemiBold)

    def set_frame(self, sequence: int, rgb: NDArray[np.uint8]) -> bool:
        """Take picture number `sequence`, rgb (h, w, 3); False when it is the one already shown."""
        if sequence == self._sequence:
            return False
        self._sequence = sequence
        height, width = rgb.shape[:2]
        if self._buffer is None or self._buffer.shape[:2] != (height, width):
            self._buffer = np.full((height, width, 4), 255, np.uint8)
            # A live view: later frames need no new QImage. Four channels scale 2-4 times faster than three.
            self._image = QImage(self._buffer.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._buffer[..., 0] = rgb[..., 2]
        self._buffer[..., 1] = rgb[..., 1]
        self._buffer[..., 2] = rgb[..., 0]
        self.update()
        return True

    def show_picture(self, rgb: NDArray[np.uint8]) -> None:
        """Take a picture that has no number, rgb (h, w, 3); the same array again costs nothing."""
        if rgb is not self._source:
            self._source = rgb
            self.set_frame(self._sequence + 1, rgb)

    def show_health(self, state: str, trouble: str) -> None:
        """Say what is wrong with the camera. A lost one shows no picture: the last one would look live."""
        if (state, trouble) != (self.state, self.trouble):
            self.state, self.trouble = state, trouble
            self.setAccessibleDescription(trouble)
            self.update()
        if state == "lost":
            self.clear()

    def clear(self) -> None:
        if self._image is not None:
            self._image = self._buffer = None
            self._sequence = -1
            self.update()

    def place(self) -> tuple[QRectF, float]:
        """Where the picture lies in the widget, and widget pixels per camera pixel."""
        width, height = (self._image.width(), self._image.height()) if self._image else (320, 240)
        scale = min(self.width() / width, self.height() / height)
        size = (width * scale, height * scale)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size), scale

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    def heightForWidth(self, width: int) -> int:
        return width * 3 // 4

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#07090b"))
        place, scale = self.place()
        if self._image is None:
            self._paint_absence(painter)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)
        for layer in self.layers:
            layer.paint(painter, place, scale)
        self._paint_texts(painter, place)
        if self.state in TROUBLE_COLOURS:
            self._paint_trouble(painter, place)

    def _paint_absence(self, painter: QPainter) -> None:
        """Why there is no picture."""
        painter.setFont(self._caption_font)
        title = f"no picture from {self.camera} yet" if self.camera else "this rig has no camera"
        painter.setPen(QColor(theme.FAINT))
        room = QRectF(self.rect()).adjusted(16, 0, -16, 0)
        if self.state not in TROUBLE_COLOURS:
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, title)
            return
        colour = QColor(TROUBLE_COLOURS[self.state])
        painter.setPen(QPen(colour, 2))
        painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.setFont(theme.font(17, QFont.Weight.DemiBold))
        painter.drawText(room.adjusted(0, 0, 0, -room.height() / 2 - 2), _LOWER, f"{self.camera}: {self.state}")
        painter.setFont(theme.font(12))
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(room.adjusted(0, room.height() / 2 + 4, 0, 0), _UPPER, self.trouble)

    def _paint_trouble(self, painter: QPainter, place: QRectF) -> None:
        """A frame in the colour of the trouble, its name and what to do over the lower edge of the picture."""
        colour = QColor(TROUBLE_COLOURS[self.state])
        painter.setPen(QPen(colour, 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setFont(theme.font(11))
        width = place.width() - 28
        text = painter.boundingRect(QRectF(0, 0, width, place.height()), _WRAPPED, self.trouble)
        height = min(text.height() + 28, 0.7 * place.height())
        plate = QRectF(place.left() + 3, place.bottom() - height - 3, place.width() - 6, height)
        painter.fillRect(plate, QColor(8, 11, 14, 215))
        painter.fillRect(QRectF(plate.left(), plate.top(), 5, plate.height()), colour)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(QRectF(plate.left() + 14, plate.top() + 21, width, height - 22), _WRAPPED, self.trouble)
        painter.setFont(self._caption_font)
        painter.setPen(colour)
        painter.drawText(plate.adjusted(14, 4, 0, 0), Qt.AlignmentFlag.AlignTop, self.state)

    def _paint_texts(self, painter: QPainter, place: QRectF) -> None:
        painter.setFont(self._caption_font)
        metrics = painter.fontMetrics()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for text, right in ((self.caption, False), (self.corner, True)):
            if not text:
                continue
            width = metrics.horizontalAdvance(text) + 16
            left = place.right() - width - 8 if right else place.left() + 8
            plate = QRectF(left, place.top() + 8, width, 22)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(8, 11, 14, 175))
            painter.drawRoundedRect(plate, 5, 5)
            painter.setPen(QColor(self.corner_colour if right else theme.TEXT))
            painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


TROUBLE_COLOURS = {
    "lost": theme.BAD,
    "frozen": theme.BAD,
    "black": theme.BAD,
    "late": theme.WARN,
    "slow": theme.WARN,
}
_LOWER = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap)
_UPPER = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
_WRAPPED = int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)


def to_widget(points: NDArray[np.floating], place: QRectF, scale: float) -> NDArray[np.float64]:
    """Camera pixels (..., 2) to widget pixels."""
    origin: QPointF = place.topLeft()
    return np.asarray(points, np.float64) * scale + (origin.x(), origin.y())
