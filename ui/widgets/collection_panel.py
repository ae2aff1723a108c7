"""All episodes of the workspace together: how many, how they ended, who and what, and where the joints have been."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QWidget

from teleop_studio.status import CollectionStatistics
from ui import theme
from ui.widgets import wording
from ui.widgets.episode_model import OUTCOMES
from ui.widgets.joint_ranges import JointRanges, Spread
from ui.widgets.live_chart import legend
from ui.widgets.outcome_mark import colour_of, draw_outcome
from ui.widgets.panel import Figure, Panel, caption, soft_label

_MOST_BARS = 3
_BAR = 19


class CollectionPanel(Panel):
    """Compact; everything in it comes from `CollectionStatistics`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("All demonstrations", parent)
        self.state = soft_label("")
        self.header.addWidget(self.state)
        self.body.setSpacing(5)
        self.figures = {name: Figure(name, 19) for name in ("episodes", "recorded", "missing pictures", "on disk")}
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        for number, figure in enumerate(self.figures.values()):
            grid.addWidget(figure, number // 2, number % 2)
        self.body.addLayout(grid)
        self.outcomes = ShareBars("outcome_bars", "outcomes")
        self.tasks = ShareBars("task_bars", "tasks")
        self.operators = ShareBars("operator_bars", "operators")
        for title, bars in (("outcomes", self.outcomes), ("tasks", self.tasks), ("operators", self.operators)):
            self.body.addWidget(caption(title))
            self.body.addWidget(bars)
        self.joints_title = caption("joints: range, mean ± deviation, rad")
        self.legend = legend((("state", theme.FOLLOWER), ("action", theme.ACTION)))
        self.joints = JointRanges()
        line = QHBoxLayout()
        line.addWidget(self.joints_title)
        line.addStretch(1)
        line.addWidget(self.legend)
        self.body.addLayout(line)
        self.body.addWidget(self.joints, 1)
        self.filler = QWidget()
        self.body.addWidget(self.filler, 1)

    def show_statistics(self, statistics: CollectionStatistics) -> None:
        looked = statistics.looked_through
        todo = statistics.episodes - looked
        self.state.setText(f"joints of {looked:,} so far" if todo > 0 and looked else "")
        self._show_figures(statistics)
        order = [name for name in OUTCOMES if statistics.outcomes.get(name)]
        self.outcomes.show_bars([Bar(name, statistics.outcomes[name], colour_of(name), name) for name in order])
        self.tasks.show_bars(_commonest(statistics.tasks, theme.ACCENT))
        self.operators.show_bars(_commonest(statistics.operators, theme.LEADER))
        known = looked > 0 and len(statistics.state_mean) == len(statistics.joint_names) > 0
        for part in (self.joints_title, self.legend, self.joints):
            part.setVisible(known)
        self.filler.setVisible(not known)
        if known:
            self.joints.show_ranges(statistics.joint_names, _spreads(statistics))

    def _show_figures(self, statistics: CollectionStatistics) -> None:
        written = sum(there for there, _ in statistics.pictures.values())
        missing = sum(gone for _, gone in statistics.pictures.values())
        share = f" ({missing / (written + missing):.2%})" if missing else ""
        self.figures["episodes"].show_value(f"{statistics.episodes:,}")
        self.figures["recorded"].show_value(wording.long_duration(statistics.duration_s))
        self.figures["missing pictures"].show_value(f"{missing:,}{share}", theme.WARN if missing else theme.TEXT)
        self.figures["on disk"].show_value(wording.size(statistics.size_mb))


def _commonest(counts: Mapping[str, int], colour: str) -> list["Bar"]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].casefold()))
    most = _MOST_BARS if len(ordered) > _MOST_BARS + 1 else _MOST_BARS + 1
    bars = [Bar(name or "not given", count, colour) for name, count in ordered[:most]]
    rest = ordered[most:]
    return bars + ([Bar(f"{len(rest)} others", sum(count for _, count in rest), theme.FAINT)] if rest else [])


def _spreads(statistics: CollectionStatistics) -> list[tuple[str, Spread]]:
    s = statistics
    spreads = [(theme.FOLLOWER, Spread(s.state_min, s.state_mean, s.state_std, s.state_max))]
    if len(s.action_mean) == len(s.joint_names):
        spreads.append((theme.ACTION, Spread(s.action_min, s.action_mean, s.action_std, s.action_max)))
    return spreads


@dataclass(frozen=True)
class Bar:
    """`outcome` puts that outcome's mark before the name."""

    name: str
    count: int
    colour: str
    outcome: str = ""


class ShareBars(QWidget):
    """A line per entry: its name, its count, and a bar as long as its share."""

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(accessible)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.bars: tuple[Bar, ...] = ()
        self._font = theme.font(12)
        self._strong = theme.font(12, QFont.Weight.DemiBold)

    def show_bars(self, bars: Sequence[Bar]) -> None:
        if tuple(bars) == self.bars:
            return
        self.bars = tuple(bars)
        self.setAccessibleDescription(", ".join(f"{bar.name}: {bar.count}" for bar in bars))
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, _BAR * max(len(self.bars), 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        total = max(sum(bar.count for bar in self.bars), 1)
        if not self.bars:
            painter.setFont(self._font)
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, "none yet")
        for number, bar in enumerate(self.bars):
            self._paint_bar(painter, QRectF(0, number * _BAR, self.width(), _BAR - 2), bar, total)

    def _paint_bar(self, painter: QPainter, line: QRectF, bar: Bar, total: int) -> None:
        painter.fillRect(line, QColor(theme.WINDOW))
        shade = QColor(bar.colour)
        shade.setAlphaF(0.35)
        painter.fillRect(QRectF(line.left(), line.top(), line.width() * bar.count / total, line.height()), shade)
        painter.fillRect(QRectF(line.left(), line.top(), 3, line.height()), QColor(bar.colour))
        inner = line.adjusted(10, 0, -8, 0)
        if bar.outcome:
            draw_outcome(painter, QPointF(inner.left() + 6, line.center().y()), bar.outcome)
            inner.adjust(20, 0, 0, 0)
        painter.setPen(QColor(theme.TEXT))
        painter.setFont(self._font)
        fitted = painter.fontMetrics().elidedText(bar.name, Qt.TextElideMode.ElideRight, int(inner.width()) - 70)
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, fitted)
        painter.setFont(self._strong)
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{bar.count:,}")
