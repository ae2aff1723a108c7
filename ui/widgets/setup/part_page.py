"""What the parts of the Set-up page are made of."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from ui import theme


class Field(QLineEdit):
    """A text field in which Return belongs to the text: elsewhere on this page it means "next"."""

    def __init__(self, name: str, accessible: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setPlaceholderText(hint)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_return(event):
            event.accept()
            return True
        return super().event(event)


def _is_return(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers()


class ScrollColumn(QScrollArea):
    """Cards below each other; scrolls when they are more than fit. `column` takes them."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(name.replace("_", " "))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        inside.setObjectName("inside")
        self.setStyleSheet("QScrollArea, #inside { background: transparent; }")
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(0, 0, 4, 0)
        self.column.setSpacing(10)
        self.setWidget(inside)


class ElidedLabel(QLabel):
    """One line that loses its middle where the room ends: of a port's path both ends tell most."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setFont(self.font())
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)

    def minimumSizeHint(self) -> QSize:
        return QSize(10, super().minimumSizeHint().height())


def elided_label(text: str = "", soft: bool = True) -> ElidedLabel:
    label = ElidedLabel(text)
    label.setMinimumWidth(10)
    label.setToolTip(text)
    if soft:
        label.setProperty("role", "soft")
    return label


def title_label(text: str) -> QLabel:
    label = QLabel(text)
    label.setFont(theme.font(20, QFont.Weight.DemiBold))
    return label


def coloured(label: QLabel, text: str, colour: str) -> None:
    """Set text and colour, only where they changed: setting a style sheet lays the page out anew."""
    if label.text() != text:
        label.setText(text)
    wanted = f"color: {colour}"
    if label.styleSheet() != wanted:
        label.setStyleSheet(wanted)


def set_text(label: QLabel | QAbstractButton, text: str) -> None:
    if label.text() != text:
        label.setText(text)
