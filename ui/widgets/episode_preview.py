"""The selected episode's picture with its tip path, a play button and a time line with trim handles."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.status import EpisodeRow
from ui import theme
from ui.bridge import PERIOD_MS, Bridge
from ui.widgets.camera_view import CameraView
from ui.widgets.panel import button
from ui.widgets.tip_path_layer import TipPathLayer
from ui.widgets.trim_timeline import TrimTimeline

if TYPE_CHECKING:
    from teleop_studio.episode_view import EpisodeView

_REST = 4  # refreshes that a row stays selected before its file is opened: running through the list opens none
_MOST_POINTS = 160  # of the tip path; more are not seen


class EpisodePreview(QWidget):
    """Shows the thumbnail at once and opens the file when the selection rests; `trim_asked` gives what to keep in s.

    `trim_dismissed` tells that the idle start shall stay.
    """

    trim_asked = Signal(float, float)
    trim_dismissed = Signal()

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.row: EpisodeRow | None = None
        self.view: EpisodeView | None = None
        self._rest = 0
        self._sequence = 0
        self._shown: tuple[object, ...] = ()
        self.picture = CameraView("preview")
        self.picture.setObjectName("episode_picture")
        self.picture.setAccessibleName("picture of the selected episode")
        self.layer = TipPathLayer(theme.HUMAN)
        self.play = button("episode_play", "Play", "Play or pause from here (K)", lambda: None)
        self.play.setCheckable(True)
        self.camera = QComboBox()
        self.camera.setObjectName("preview_camera")
        self.camera.setAccessibleName("camera to look through")
        self.clock = QLabel("")
        self.clock.setFont(theme.font(12, QFont.Weight.Medium))
        self.clock.setFixedWidth(80)
        self.timeline = TrimTimeline()
        self.trim = button(
            "trim_episode", "Trim", "Keep what lies between the handles; the whole goes to the bin (X)", self.ask_trim
        )
        self.idle = button("trim_idle", "", "One click; the whole episode goes to the bin (I)", self.ask_idle_trim)
        self.idle.setStyleSheet(f"QPushButton {{ color: {theme.WARN}; text-align: left; }}")
        self.leave_idle = button(
            "leave_idle", "Leave it", "Suggest it no more for this episode", self.trim_dismissed.emit, quiet=True
        )
        self.suggestion = QWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.picture, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.camera)
        row.addWidget(self.clock)
        row.addStretch(1)
        row.addWidget(self.trim)
        column.addLayout(row)
        column.addWidget(self.timeline)
        suggestion = QHBoxLayout(self.suggestion)
        suggestion.setContentsMargins(0, 0, 0, 0)
        suggestion.setSpacing(6)
        suggestion.addWidget(self.idle, 1)
        suggestion.addWidget(self.leave_idle)
        column.addWidget(self.suggestion)
        self.timeline.kept_changed.connect(lambda *_: self._say_trim())

    def show_row(self, row: EpisodeRow | None, thumbnail: NDArray[np.uint8] | None) -> None:
        """Another episode, or the same one with new facts."""
        if row is not None and self.row is not None and row.path == self.row.path:
            self.row = row
            self._say_trim()
            return
        self.close_episode()
        self.row = row
        self.play.setChecked(False)
        self.picture.layers.clear()
        self.picture.clear()
        self._rest = _REST
        if row is None:
            return
        if thumbnail is not None:
            self._show_picture(thumbnail)
        self.picture.caption = ""
        self.picture.corner = row.run or row.source
        colour = theme.POLICY if row.source == "policy" else theme.HUMAN
        self.layer = TipPathLayer(colour)
        self.timeline.show_episode(row.duration_s, row.idle_start_s, colour)
        self._say_trim()
        self._say_time()

    def close_episode(self) -> None:
        """Close the file; it is opened again when the preview is refreshed."""
        if self.view is not None:
            self.view.close()
            self.view = None
        self._shown = ()
        self._rest = _REST

    def refresh(self) -> None:
        """30 times a second while an episode is looked at."""
        if self.view is None:
            self._rest -= 1
            if self._rest == 0 and self.row is not None and not self.row.problem:
                self._open(self.row.path)
            return
        if self.play.isChecked():
            start_s, end_s = self.timeline.kept
            at = self.timeline.time_s + PERIOD_MS / 1e3
            self.timeline.set_time(start_s if at > end_s or self.timeline.time_s < start_s else at)
        self._show_moment(self.view, self.camera.currentText(), self.timeline.time_s)

    def ask_trim(self) -> None:
        if self.timeline.trims and self.can_trim:
            self.trim_asked.emit(*self.timeline.kept)
        else:
            self._bridge.notice.emit(
                "info",
                "Nothing is to be trimmed.",
                "Drag the yellow handles, or set them at the play head with [ and ].",
            )

    def ask_idle_trim(self) -> None:
        if self.row is not None and self.row.idle_start_s > 0 and self.can_trim:
            self.trim_asked.emit(self.row.idle_start_s, self.timeline.end_s)

    @property
    def can_trim(self) -> bool:
        return self.row is not None and not self.row.problem and not self.row.binned

    def _open(self, path: Path) -> None:
        self.view = self._bridge.call(self._bridge.studio.open_episode, path)
        if self.view is None:
            return
        cameras = list(self.view.cameras)
        if [self.camera.itemText(number) for number in range(self.camera.count())] != cameras:
            chosen = self.camera.currentText()
            self.camera.clear()
            self.camera.addItems(cameras)
            self.camera.setCurrentIndex(max(self.camera.findText(chosen), 0))
        self.picture.layers[:] = [self.layer]
        self.timeline.set_duration(float(self.view.duration_s))

    def _show_moment(self, view: "EpisodeView", camera: str, time_s: float) -> None:
        if camera not in view.cameras or (camera, time_s) == self._shown:
            return
        self._shown = (camera, time_s)
        image = view.image_at(camera, time_s)
        every = max(1, len(view.tip_path) // _MOST_POINTS)
        points = view.project(camera, view.tip_path[::every], time_s)
        self.layer.show_path(points, int(np.searchsorted(view.time_s[::every], time_s)))
        self.picture.caption = camera
        if image is not None:
            self._show_picture(image)
        self._say_time()
        self.picture.update()

    def _show_picture(self, rgb: NDArray[np.uint8]) -> None:
        self._sequence += 1
        self.picture.set_frame(self._sequence, rgb)

    def _say_time(self) -> None:
        self.clock.setText(f"{self.timeline.time_s:.1f} / {self.timeline.end_s:.1f} s")

    def _say_trim(self) -> None:
        start_s, end_s = self.timeline.kept
        trims = self.timeline.trims and self.can_trim
        self.timeline.handles = self.can_trim
        self.trim.setEnabled(trims)
        self.trim.setText(f"Keep {end_s - start_s:.1f} s" if trims else "Trim")
        idle_s = self.row.idle_start_s if self.row is not None else 0.0
        self.suggestion.setVisible(self.can_trim and idle_s > 0)
        self.idle.setText(f"Nothing moves in the first {idle_s:.1f} s: trim")
