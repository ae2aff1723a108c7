"""Errors, warnings and confirmations as cards over the lower left corner of the page."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from ui import theme
from ui.widgets.nav_rail import WIDTH as RAIL_WIDTH

_COLOURS = {"info": theme.ACCENT, "warning": theme.WARN, "error": theme.BAD}
_SHOWN_MS = {"info": 4000, "warning": 9000, "error": 15000}
_MOST = 4
_WIDTH = 400
_MARGIN = 14


class NoticeCard(QWidget):
    """One message; a click dismisses it."""

    def __init__(self, level: str, title: str, detail: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("notice_card")
        self.level, self.title, self.detail = level, title, detail
        self.setAccessibleName(f"{level}: {title} {detail}")
        self.setToolTip("Click to dismiss")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 10, 14, 11)
        column.setSpacing(3)
        for text, label_font in ((title, theme.font(13, QFont.Weight.DemiBold)), (detail, theme.font(12))):
            if text:
                label = QLabel(text)
                label.setTextFormat(Qt.TextFormat.PlainText)
                label.setWordWrap(True)
                label.setFont(label_font)
                column.addWidget(label)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.timeout.connect(self.dismiss)
        self._gone.start(_SHOWN_MS[level])

    def renew(self) -> None:
        self._gone.start()

    def dismiss(self) -> None:
        stack = self.parent()
        self.setParent(None)
        self.deleteLater()
        if isinstance(stack, Notices):
            stack.arrange()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.dismiss()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor("#3a4653"))
        painter.setBrush(QColor("#1b222a"))
        painter.drawRoundedRect(body, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_COLOURS[self.level]))
        painter.drawRoundedRect(QRectF(6, 8, 4, self.height() - 16), 2, 2)


class Notices(QWidget):
    """The stack of cards; as large as its cards, so the page below stays usable."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("notices")
        window.installEventFilter(self)
        self.hide()

    @property
    def cards(self) -> list[NoticeCard]:
        return [child for child in self.children() if isinstance(child, NoticeCard)]

    def add(self, level: str, title: str, detail: str) -> None:
        for card in self.cards:
            if (card.title, card.detail) == (title, detail):
                card.renew()
                return
        NoticeCard(level, title, detail, self).show()
        for card in self.cards[:-_MOST]:
            card.dismiss()
        self.arrange()

    def arrange(self) -> None:
        """Stack the cards upwards from the lower left corner, where charts are and no buttons."""
        window, cards = self.parentWidget(), self.cards
        self.setVisible(bool(cards))
        if window is None or not cards:
            return
        top = 0
        for card in cards:
            height = max(card.heightForWidth(_WIDTH), card.minimumSizeHint().height())
            card.setGeometry(0, top, _WIDTH, height)
            top += height + 8
        self.setGeometry(RAIL_WIDTH + _MARGIN, window.height() - top - 34, _WIDTH, top)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self.arrange()
        return False
