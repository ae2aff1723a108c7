"""All servos of both arms, one line each: drawn only when their values change."""

import math

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from teleop_studio.status import ServoHealth, StudioStatus
from ui import theme
from ui.widgets.servo_words import ArmServo, all_servos, colour_of, figure, rank

_LINE, _HEADING = 26, 30
_WARM, _HOT = 0.8, 0.95  # of the load bar's length: where it turns amber, red
_COLUMNS = (  # title, left edge, right edge; the last takes the rest
    ("joint", 22, 148),
    ("servo", 148, 262),
    ("temp.", 262, 324),
    ("voltage", 324, 392),
    ("load", 392, 498),
    ("current", 498, 572),
    ("torque", 572, 628),
    ("age", 628, 680),
    ("errors", 690, -1),
)


class ServoTable(QWidget):
    """The follower's servos, then the leader's. A click or the arrow keys select one."""

    selected_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("servo_table")
        self.setAccessibleName("servos of both arms")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(960)
        self._servos: tuple[ArmServo, ...] = ()
        self._selected: tuple[str, str] | None = None
        self._font, self._strong = theme.font(12), theme.font(12, QFont.Weight.DemiBold)
        self._small = theme.font(11, QFont.Weight.Medium)

    @property
    def selected(self) -> ArmServo | None:
        return next((one for one in self._servos if one.key == self._selected), None)

    def select(self, key: tuple[str, str] | None) -> None:
        if key != self._selected:
            self._selected = key
            self.selected_changed.emit()
            self.update()

    def show_status(self, status: StudioStatus) -> None:
        servos = tuple(all_servos(status))
        if servos == self._servos:
            return
        longer = len(servos) != len(self._servos)
        self._servos = servos
        self.setAccessibleDescription(
            ". ".join(
                f"{one.arm} {one.servo.joint}: {', '.join(one.servo.errors) or one.servo.level}" for one in servos
            )
        )
        if longer:
            self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        arms = len({one.arm for one in self._servos})
        return QSize(960, max(_HEADING * arms + _LINE * len(self._servos), 3 * _LINE))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for one, line in self._lines():
            if line.contains(event.position()):
                self.select(one.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None or not self._servos:
            super().keyPressEvent(event)
            return
        keys = [one.key for one in self._servos]
        at = keys.index(self._selected) if self._selected in keys else -1 if step > 0 else len(keys)
        self.select(keys[min(max(at + step, 0), len(keys) - 1)])

    def _lines(self) -> list[tuple[ArmServo, QRectF]]:
        lines, top, arm = [], 0.0, ""
        for one in self._servos:
            if one.arm != arm:
                arm = one.arm
                top += _HEADING
            lines.append((one, QRectF(0, top, self.width(), _LINE)))
            top += _LINE
        return lines

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._servos:
            painter.setPen(QColor(theme.SOFT))
            painter.setFont(self._font)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No servo has told about itself yet.")
        arm = ""
        for one, line in self._lines():
            if one.arm != arm:
                arm = one.arm
                self._paint_heading(painter, arm, line)
            self._paint_servo(painter, one, line)

    def _paint_heading(self, painter: QPainter, arm: str, line: QRectF) -> None:
        place = QRectF(0, line.top() - _HEADING + 4, line.width(), _HEADING - 4)
        painter.setFont(self._small)
        for title, left, right in _COLUMNS:
            painter.setPen(QColor(theme.FAINT))
            if title == "joint":
                title = arm
                painter.setPen(QColor(theme.FOLLOWER if arm == "follower" else theme.LEADER))
            painter.drawText(_cell(place, left, right), Qt.AlignmentFlag.AlignVCenter, title)

    def _paint_servo(self, painter: QPainter, one: ArmServo, line: QRectF) -> None:
        servo = one.servo
        if one.key == self._selected:
            painter.setPen(QColor(theme.ACCENT) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor("#1d3248"))
            painter.drawRoundedRect(line.adjusted(0.5, 1, -0.5, -1), 5, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour_of(servo)))
        painter.drawEllipse(QRectF(8, line.center().y() - 4, 8, 8))
        for (title, left, right), (text, colour) in zip(_COLUMNS, _cells(servo), strict=True):
            place = _cell(line, left, right)
            if title == "load":
                _paint_load(painter, place, servo.load)
                place.setLeft(place.left() + 58)
            painter.setFont(self._strong if title == "joint" else self._font)
            painter.setPen(QColor(colour))
            fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()))
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, fitted)


def _cell(line: QRectF, left: int, right: int) -> QRectF:
    return QRectF(left, line.top(), (line.right() if right < 0 else right) - left - 8, line.height())


def _cells(servo: ServoHealth) -> tuple[tuple[str, str], ...]:
    """(text, colour) of each column."""
    loud = colour_of(servo) if rank(servo) else theme.TEXT
    missed = f"{servo.missed:,} {'reply' if servo.missed == 1 else 'replies'} missed" if servo.missed else ""
    return (
        (servo.joint, theme.TEXT),
        (f"{servo.servo_id}  {servo.servo}", theme.SOFT),
        (figure(servo.temperature_c, 0, "°C"), loud if not servo.errors else theme.TEXT),
        (figure(servo.voltage_v, 1, "V"), theme.TEXT),
        (f"{servo.load:.0%}" if math.isfinite(servo.load) else "–", theme.TEXT),
        (figure(servo.current_ma, 0, "mA"), theme.SOFT),
        ("on" if servo.torque else "off", theme.TEXT if servo.torque else theme.FAINT),
        (figure(servo.age_s, 1, "s"), theme.WARN if servo.age_s > 3 else theme.FAINT),
        ("; ".join(servo.errors), theme.BAD) if servo.errors else (missed, theme.FAINT),
    )


def _paint_load(painter: QPainter, place: QRectF, load: float) -> None:
    track = QRectF(place.left(), place.center().y() - 3, 50, 6)
    paint_load_bar(painter, track, load)


def paint_load_bar(painter: QPainter, track: QRectF, load: float) -> None:
    """A bar as long as the load's share of what the servo is allowed."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#242c35"))
    painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
    if math.isfinite(load) and abs(load) > 0.02:
        share = min(abs(load), 1.0)
        painter.setBrush(QColor(theme.BAD if share > _HOT else theme.WARN if share > _WARM else "#6d8fb8"))
        filled = QRectF(track.left(), track.top(), max(track.width() * share, track.height()), track.height())
        painter.drawRoundedRect(filled, track.height() / 2, track.height() / 2)
