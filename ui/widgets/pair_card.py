"""Both sides of every layout: which side now, large enough to read from where the arm stands."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop_studio.learning_status import PairPrompt
from ui import theme

_COLOURS = {"left": theme.LEFT, "right": theme.RIGHT}
_INK = {"left": "#04220f", "right": "#03182c"}


class PairCard(QWidget):
    """An arrow and a word in the colour of the side, the layout's number, what to do, how many are done."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pair_card")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(200)
        self.prompt: PairPrompt | None = None
        self._recording = False

    def sizeHint(self) -> QSize:
        return QSize(600, 320)

    def show_prompt(self, prompt: PairPrompt, recording: bool) -> None:
        if (prompt, recording) == (self.prompt, self._recording):
            return
        self.prompt, self._recording = prompt, recording
        self.setAccessibleName(f"layout {prompt.layout} of {prompt.layouts}: past the arm's {prompt.side}")
        self.setAccessibleDescription(prompt.todo)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.prompt is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        whole = QPainterPath()
        whole.addRoundedRect(body, 8, 8)
        painter.setClipPath(whole)
        painter.fillRect(self.rect(), QColor(theme.PANEL))
        side = QRectF(body.left(), body.top(), body.width(), body.height() * 0.54)
        self._paint_side(painter, side, self.prompt)
        self._paint_words(painter, body.adjusted(0, side.height(), 0, 0), self.prompt)

    def _paint_side(self, painter: QPainter, place: QRectF, prompt: PairPrompt) -> None:
        painter.fillRect(place.adjusted(-1, -1, 1, 0), QColor(_COLOURS[prompt.side]))
        ink = QColor(_INK[prompt.side])
        towards = -1.0 if prompt.side == "left" else 1.0
        size = place.height() * 0.6
        centre = QPointF(place.center().x() + towards * place.width() * 0.33, place.center().y())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        painter.drawPolygon(QPolygonF([centre + QPointF(towards * size * x, size * y) for x, y in _ARROW]))
        painter.setPen(ink)
        painter.setFont(theme.font(max(int(place.height() * 0.5), 20), QFont.Weight.DemiBold))
        word = (
            place.adjusted(place.width() * 0.3, 0, 0, -18)
            if towards < 0
            else place.adjusted(0, 0, -place.width() * 0.3, -18)
        )
        painter.drawText(word, Qt.AlignmentFlag.AlignCenter, prompt.side.upper())
        painter.setFont(theme.font(14, QFont.Weight.DemiBold))
        painter.drawText(
            word.adjusted(0, 0, 0, 10), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom,
            "past the arm's " + prompt.side + ", as seen from behind the arm",
        )  # fmt: skip

    def _paint_words(self, painter: QPainter, place: QRectF, prompt: PairPrompt) -> None:
        inner = place.adjusted(24, 10, -24, -14)
        painter.setPen(QColor(theme.TEXT))
        painter.setFont(theme.font(max(min(int(inner.height() * 0.26), 46), 20), QFont.Weight.DemiBold))
        half = "second side" if prompt.second else "first side"
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop,
            f"layout {prompt.layout} of {prompt.layouts}, {half}",
        )  # fmt: skip
        painter.setFont(theme.font(max(min(int(inner.height() * 0.17), 28), 16), QFont.Weight.Medium))
        painter.setPen(QColor(theme.EXECUTED if self._recording else theme.TEXT))
        middle = inner.adjusted(0, inner.height() * 0.36, 0, -18)
        painter.drawText(middle, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), prompt.todo)
        bar = QRectF(inner.left(), inner.bottom() - 6, inner.width(), 6)
        done = (2 * (prompt.layout - 1) + prompt.second) / max(2 * prompt.layouts, 1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.RAISED))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setBrush(QColor(theme.GOOD))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * done, bar.height()), 3, 3)


# Towards +x, in units of its size.
_ARROW = ((0.62, 0.0), (0.02, -0.5), (0.02, -0.2), (-0.62, -0.2), (-0.62, 0.2), (0.02, 0.2), (0.02, 0.5))
