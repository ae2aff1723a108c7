"""The first-motion guard over the page: while the follower comes closer, is refused, or leads the leader to itself."""

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from teleop_studio.status import State, StudioStatus
from ui import theme
from ui.widgets.gap_bars import GapBars, Gaps

_WIDTH = 392
_RIGHT, _BOTTOM = 348 + 24, 40  # beside the right column of the pages, above the footer
_LINGER = 20  # refreshes after the approach is over: the eye sees that it ended well
_COPIES = (State.TELEOP, State.RECORDING, State.RESET)


class GuardCard(QWidget):
    """Floats over the page, so that nothing moves when it comes. Notices lie beside it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("guard_card")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = QLabel("")
        self.title.setFont(theme.font(17, QFont.Weight.DemiBold))
        self.detail = QLabel("")
        self.detail.setFont(theme.font(12))
        self.detail.setWordWrap(True)
        self.bars = GapBars()
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 12, 18, 14)
        column.setSpacing(6)
        for widget in (self.title, self.detail, self.bars):
            column.addWidget(widget)
        self._colour = theme.ACCENT
        self._left = 0
        window.installEventFilter(self)
        self.hide()

    def show_status(self, status: StudioStatus) -> None:
        gaps = Gaps.of(status)
        said = _said(status, gaps)
        if said is None and self._left > 0:
            self._left -= 1
            said = ("Aligned", "", theme.GOOD)
        elif said is not None and status.aligning:
            self._left = _LINGER
        if said is None or not gaps.values:
            self.hide()
            return
        title, detail, colour = said
        if (title, detail, colour) != (self.title.text(), self.detail.text(), self._colour):
            self.title.setText(title)
            self.detail.setText(detail)
            self._colour = colour
            self.setAccessibleName(f"{title} {detail}")
            self.update()
        self.bars.show_gaps(gaps)
        if not self.isVisible():
            self.show()
            self.raise_()
        self._arrange()

    def _arrange(self) -> None:
        window = self.parentWidget()
        if window is None:
            return
        layout = self.layout()
        height = layout.totalHeightForWidth(_WIDTH) if layout is not None else 200
        place = (window.width() - _RIGHT - _WIDTH, window.height() - height - _BOTTOM, _WIDTH, height)
        if self.geometry().getRect() != place:
            self.setGeometry(*place)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.parent() and event.type() == QEvent.Type.Resize and self.isVisible():
            self._arrange()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QColor(self._colour))
        painter.setBrush(QColor(21, 27, 34, 244))
        painter.drawRoundedRect(body, 9, 9)


def _said(status: StudioStatus, gaps: Gaps) -> tuple[str, str, str] | None:
    """(title, detail, colour), None when the guard has nothing to say."""
    if status.mirroring:
        return (
            "Push the leader to take it",
            "It is being led to the follower's pose, gently. A firm push always wins.",
            theme.POLICY,
        )
    if gaps.too_far and status.state in _COPIES:
        return (
            "Too far apart: held",
            f"Bring the leader's {_listed(gaps.too_far)} to the follower's pose: inside the red marks it goes on.",
            theme.BAD,
        )
    if status.aligning:
        name, gap = gaps.widest
        what = f" {name} is {abs(gap):.2f} away." if name else ""
        return "Coming closer, slowly", f"The follower moves to what drives it.{what} Esc stops.", theme.WARN
    return None


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
