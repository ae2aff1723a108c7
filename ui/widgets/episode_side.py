"""One half of the comparison: an episode's choice, its picture and its tip path."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QWidget

from teleop_studio.status import EpisodeRow
from ui.bridge import Bridge
from ui.widgets.camera_view import CameraView
from ui.widgets.panel import Panel
from ui.widgets.tip_path_layer import TipPathLayer

if TYPE_CHECKING:
    from teleop_studio.episode_view import EpisodeView

_MOST_POINTS = 160  # of the tip path; more are not seen


class EpisodeSide(Panel):
    """Opens the chosen episode and closes the one before it; `changed` is called afterwards."""

    def __init__(
        self, name: str, colour: str, bridge: Bridge, changed: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(name, parent)
        self.name, self.colour = name, colour
        self._bridge, self._changed = bridge, changed
        self.heading.setStyleSheet(f"color: {colour}")
        self.view: EpisodeView | None = None
        self._rows: dict[Path, EpisodeRow] = {}
        self._sequence = 0
        self._shown: tuple[object, ...] = ()
        self.choice = QComboBox()
        self.choice.setObjectName(f"{name.lower().replace(' ', '_')}_choice")
        self.choice.setAccessibleName(f"{name} to show")
        self.choice.setMinimumContentsLength(24)
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.activated.connect(lambda _index: self._open(self.choice.currentData()))
        self.header.addWidget(self.choice)
        self.picture = CameraView("front")
        self.picture.setObjectName(f"{self.choice.objectName()}_picture")
        self.layer = TipPathLayer(colour)
        self.picture.layers.append(self.layer)
        self.body.addWidget(self.picture, 1)

    def offer(self, rows: Sequence[EpisodeRow]) -> None:
        """List these episodes, newest first, and open the newest when none is open."""
        usable = [row for row in reversed(rows) if not row.problem]
        self._rows = {row.path: row for row in usable}
        chosen = self.choice.currentData()
        self.choice.clear()
        for row in usable:
            side = f", {row.side}" if row.side else ""
            self.choice.addItem(f"{row.number}  {row.outcome}{side}, {row.duration_s:.1f} s", row.path)
        index = next((i for i, row in enumerate(usable) if row.path == chosen), 0)
        self.choice.setCurrentIndex(index if usable else -1)
        if usable and self.view is None:
            self._open(usable[index].path)

    def show_episode(self, path: Path) -> bool:
        """Open the listed episode at `path`; False when it is not listed here."""
        index = self.choice.findData(path)
        if index < 0:
            return False
        self.choice.setCurrentIndex(index)
        self._open(path)
        return True

    def close_episode(self) -> None:
        if self.view is not None:
            self.view.close()
            self.view = None

    @property
    def duration_s(self) -> float:
        return 0.0 if self.view is None else float(self.view.duration_s)

    def show_moment(self, camera: str, time_s: float) -> None:
        """The picture and the tip path at `time_s`; the last moment for times beyond the end."""
        if self.view is None or camera not in self.view.cameras:
            return
        time_s = min(time_s, self.duration_s)
        if (camera, time_s, id(self.view)) == self._shown:
            return
        self._shown = (camera, time_s, id(self.view))
        image = self.view.image_at(camera, time_s)
        every = max(1, len(self.view.tip_path) // _MOST_POINTS)
        points = self.view.project(camera, self.view.tip_path[::every], time_s)
        self.layer.show_path(points, int(np.searchsorted(self.view.time_s[::every], time_s)))
        self.picture.caption = camera
        if image is not None:
            self._sequence += 1
            self.picture.set_frame(self._sequence, image)
        self.picture.update()

    def _open(self, path: Path) -> None:
        opened = self._bridge.call(self._bridge.studio.open_episode, path)
        if opened is None:
            return
        self.close_episode()
        self.view = opened
        row = self._rows[path]
        self.picture.corner = row.run or row.source
        self.choice.setToolTip(f"{row.task}, {row.recorded_at}")
        self._changed()
