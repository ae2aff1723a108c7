"""A button that shows the key which does the same."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from ui import theme

_CAP_PADDING = 6


class KeyButton(QAbstractButton):
    """Triggers `action`; `colour` fills it, `height` sets its weight on the page."""

    def __init__(
        self,
        action: QAction,
        colour: str = theme.RAISED,
        ink: str = theme.TEXT,
        height: int = 36,
        title: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(f"{action.objectName()}_button")
        self.setText(title or action.text())
        self.setAccessibleName(self.text())
        self.setToolTip(action.toolTip())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedHeight(height)
        self.lit = False  # keeps its colour while it can not be pressed, because what it starts is running
        self._cap = action.shortcut().toString()
        self._colour, self._ink = QColor(colour), QColor(ink)
        self._title_font = theme.font(13 if height < 44 else 17, QFont.Weight.DemiBold)
        self._cap_font = theme.font(11, QFont.Weight.Medium)
        self.clicked.connect(lambda: action.trigger())

    def look(self, title: str, colour: str, ink: str = "#ffffff") -> None:
        """Another word and colour, as the state asks for."""
        if (title, QColor(colour)) != (self.text(), self._colour):
            self._colour, self._ink = QColor(colour), QColor(ink)
            self.setText(title)
            self.setAccessibleName(title)
            self.update()

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(self._title_font).horizontalAdvance(self.text())
        width += QFontMetricsF(self._cap_font).horizontalAdvance(self._cap) + 4 * _CAP_PADDING + 26
        return QSize(int(width), self.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        fill, ink = self._colours()
        painter.setPen(QColor(theme.ACCENT) if self.hasFocus() else fill.lighter(118))
        painter.setBrush(fill)
        painter.drawRoundedRect(body, 7, 7)
        self._paint_texts(painter, body, ink)

    def _colours(self) -> tuple[QColor, QColor]:
        if not self.isEnabled() and not self.lit:
            return QColor("#1a2027"), QColor(theme.FAINT)
        if self.isDown():
            return self._colour.darker(115), self._ink
        return (self._colour.lighter(112) if self.underMouse() else self._colour), self._ink

    def _paint_texts(self, painter: QPainter, body: QRectF, ink: QColor) -> None:
        cap_width = QFontMetricsF(self._cap_font).horizontalAdvance(self._cap) + 2 * _CAP_PADDING
        cap = QRectF(body.right() - cap_width - 9, body.center().y() - 9, cap_width, 18)
        painter.setPen(ink)
        painter.setFont(self._title_font)
        painter.drawText(body.adjusted(12, 0, -cap_width - 14, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        edge = QColor(ink)
        edge.setAlphaF(0.45)
        painter.setPen(edge)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cap, 4, 4)
        painter.setFont(self._cap_font)
        edge.setAlphaF(0.85)
        painter.setPen(edge)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, self._cap)
