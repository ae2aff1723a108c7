"""A demonstration and a policy's trial side by side on one time line."""

from pathlib import Path

import numpy as np
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ui import theme
from ui.bridge import PERIOD_MS, Bridge
from ui.widgets.episode_side import EpisodeSide
from ui.widgets.joint_chart import JointChart, Series
from ui.widgets.live_chart import legend
from ui.widgets.panel import Panel, button
from ui.widgets.timeline import Timeline


class ReplayView(QWidget):
    """`enter` opens the newest of both, `leave` closes their files."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.human = EpisodeSide("Demonstration", theme.HUMAN, bridge, self._episodes_changed)
        self.policy = EpisodeSide("Policy trial", theme.POLICY, bridge, self._episodes_changed)
        self.sides = (self.human, self.policy)
        self.camera = QComboBox()
        self.camera.setObjectName("compare_camera")
        self.camera.setAccessibleName("camera to compare")
        self.camera.addItems(bridge.studio.camera_names)
        self.play = button("compare_play", "Play", "Play both from here", lambda: None)
        self.play.setCheckable(True)
        self.clock = QLabel("")
        self.clock.setFont(theme.font(17, QFont.Weight.DemiBold))
        self.clock.setFixedWidth(72)
        self.timeline = Timeline()
        self.chart = JointChart(columns=4)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        pictures = QHBoxLayout()
        pictures.setSpacing(12)
        for side in self.sides:
            pictures.addWidget(side, 1)
        column.addLayout(pictures, 1)
        scrub = Panel()
        row = QHBoxLayout()
        row.setSpacing(12)
        for widget in (self.play, self.clock, self.camera):
            row.addWidget(widget)
        row.addWidget(self.timeline, 1)
        scrub.body.addLayout(row)
        column.addWidget(scrub)
        charts = Panel("Joints of the follower")
        charts.header.addWidget(legend((("demonstration", theme.HUMAN), ("policy", theme.POLICY))))
        charts.body.addWidget(self.chart)
        charts.setFixedHeight(164)
        column.addWidget(charts)

    def enter(self, wanted: Path | None = None) -> None:
        """`wanted` is an episode that shall be shown, on whichever side it belongs."""
        self.human.offer(self._bridge.call(self._bridge.studio.episodes) or [])
        self.policy.offer(self._bridge.call(self._bridge.studio.trials) or [])
        if wanted is not None and not any(side.show_episode(wanted) for side in self.sides):
            self._bridge.notice.emit("info", f"{wanted.name} can not be compared.", "It is in the workspace no more.")

    def leave(self) -> None:
        self.play.setChecked(False)
        for side in self.sides:
            side.close_episode()

    def refresh(self) -> None:
        if self.play.isChecked():
            if self.timeline.time_s >= self.timeline.end_s:
                self.timeline.set_time(0.0)
            else:
                self.timeline.set_time(self.timeline.time_s + PERIOD_MS / 1e3)
        for side in self.sides:
            side.show_moment(self.camera.currentText(), self.timeline.time_s)
        self.clock.setText(f"{self.timeline.time_s:.2f} s")
        self.chart.set_cursor(self.timeline.time_s)

    def _episodes_changed(self) -> None:
        self.timeline.show_bars([(_SHORT[side.name], side.colour, side.duration_s) for side in self.sides])
        shown = [side for side in self.sides if side.view is not None]
        series = tuple(
            Series(side.name, side.colour, np.asarray(side.view.time_s), np.asarray(side.view.follower))
            for side in shown
            if side.view is not None
        )
        names = next((tuple(side.view.joint_names) for side in shown if side.view is not None), ())
        self.chart.forget_ranges()
        self.chart.show_series(names, series, (0.0, max(self.timeline.end_s, 1e-3)))


_SHORT = {"Demonstration": "human", "Policy trial": "policy"}
