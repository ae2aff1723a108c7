"""Small building blocks of the pages: cards, figures with a caption, chips, buttons and share bars."""

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ui import theme


class Panel(QFrame):
    """A card with a heading; `body` takes its content, `header` small things beside the heading."""

    def __init__(self, heading: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 10, 12, 12)
        outer.setSpacing(8)
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        self.heading = QLabel(heading)
        self.heading.setProperty("role", "heading")
        self.header.addWidget(self.heading)
        self.header.addStretch(1)
        if heading:
            outer.addLayout(self.header)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        outer.addLayout(self.body, 1)


class Figure(QWidget):
    """A caption above a value in figures of equal width."""

    def __init__(self, caption: str, pixels: int = 17, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        self._caption = QLabel(caption)
        self._caption.setProperty("role", "caption")
        self._value = QLabel("–")
        self._value.setFont(theme.font(pixels, QFont.Weight.DemiBold))
        self._value.setAccessibleName(caption)
        self._colour = theme.TEXT
        column.addWidget(self._caption)
        column.addWidget(self._value)

    @property
    def text(self) -> str:
        return self._value.text()

    def show_value(self, text: str, colour: str = theme.TEXT) -> None:
        if text != self._value.text():
            self._value.setText(text)
        if colour != self._colour:
            self._colour = colour
            palette = self._value.palette()
            palette.setColor(self._value.foregroundRole(), QColor(colour))
            self._value.setPalette(palette)


class Chip(QWidget):
    """A short text with a dot whose colour tells good, doubtful, bad or absent. `opens`: a click opens something."""

    clicked = Signal()

    def __init__(self, name: str, opens: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(f"{name}_chip")
        self._name = name
        self._text = name
        self._colour = theme.FAINT
        self._font = theme.font(12, QFont.Weight.Medium)
        self._opens = opens
        if opens:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        return self._text

    def show_value(self, text: str, colour: str, tooltip: str) -> None:
        if (text, colour) != (self._text, self._colour):
            self._text, self._colour = text, colour
            self.setAccessibleName(f"{self._name}: {text}")
            self.updateGeometry()
            self.update()
        if tooltip != self.toolTip():
            self.setToolTip(tooltip)

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self._font).horizontalAdvance(self._text) + 30
        return QSize(width + 14 * self._opens, 24)

    def minimumSizeHint(self) -> QSize:
        """On a bar that is full each gives a little: its text then ends in dots."""
        return QSize(min(self.sizeHint().width(), 76), 24)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._opens and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150 if self.underMouse() and self._opens else 90))
        painter.drawRoundedRect(QRectF(self.rect()), 12, 12)
        painter.setBrush(QColor(self._colour))
        painter.drawEllipse(QRectF(9, 8.5, 7, 7))
        painter.setPen(QColor(theme.TEXT))
        painter.setFont(self._font)
        place = QRectF(self.rect()).adjusted(21, 0, -6 - 14 * self._opens, 0)
        if self._opens:
            x, y = self.width() - 14, self.height() / 2
            painter.setPen(QPen(QColor(theme.SOFT), 1.4))
            painter.drawPolyline(QPolygonF([QPointF(x - 3.5, y - 1.5), QPointF(x, y + 2), QPointF(x + 3.5, y - 1.5)]))
            painter.setPen(QColor(theme.TEXT))
        text = QFontMetrics(self._font).elidedText(self._text, Qt.TextElideMode.ElideRight, math.ceil(place.width()))
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)


class ShareBar(QWidget):
    """Left and right shares as one bar, undecided rest in grey."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(44)
        self.setAccessibleName("left and right share of the samples")
        self._left, self._right = 0.0, 0.0
        self._font = theme.font(13, QFont.Weight.DemiBold)

    def show_shares(self, left: float, right: float) -> None:
        """Shares in [0, 1]."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, 24, self.width(), 12)
        painter.setBrush(QColor(theme.RAISED))
        painter.drawRoundedRect(bar, 4, 4)
        left = QRectF(bar)
        left.setWidth(bar.width() * self._left)
        right = QRectF(bar)
        right.setLeft(bar.right() - bar.width() * self._right)
        for part, colour in ((left, theme.LEFT), (right, theme.RIGHT)):
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(part, 4, 4)
        painter.setFont(self._font)
        line = QRectF(0, 0, self.width(), 20)
        painter.setPen(QColor(theme.LEFT))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, f"left {self._left:.0%}")
        painter.setPen(QColor(theme.RIGHT))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, f"right {self._right:.0%}")


def button(name: str, title: str, tooltip: str, clicked: Callable[[], object], quiet: bool = False) -> QPushButton:
    """A plain push button with names for tests and screen readers."""
    made = QPushButton(title)
    made.setObjectName(name)
    made.setAccessibleName(title)
    made.setToolTip(tooltip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if quiet:
        made.setProperty("quiet", "true")
    made.clicked.connect(lambda _checked=False: clicked())
    return made


def spin_box(name: str, accessible: str, low: int, high: int, value: int) -> QSpinBox:
    """A number the operator may change, with names for tests and screen readers."""
    made = QSpinBox()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    made.setRange(low, high)
    made.setValue(value)
    # The style sheet's padding does not reach the editor of a spin box.
    made.lineEdit().setTextMargins(7, 0, 0, 0)
    return made


def check_box(name: str, title: str, tooltip: str, checked: bool = False) -> QCheckBox:
    made = QCheckBox(title)
    made.setObjectName(name)
    made.setAccessibleName(title)
    made.setToolTip(tooltip)
    made.setChecked(checked)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made


def soft_label(text: str, wrap: bool = False) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "soft")
    label.setWordWrap(wrap)
    return label


def caption(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "caption")
    return label
