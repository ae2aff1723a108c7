"""A large camera with the sample fan; the other cameras small beside it, and the samples in figures."""

import time

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from teleop_studio.status import Overlay, State, StudioStatus
from ui.bridge import Bridge
from ui.widgets.camera_view import CameraView
from ui.widgets.camera_wall import show_newest
from ui.widgets.denoise_bar import DenoiseBar
from ui.widgets.denoising_overlay import DenoisingOverlay
from ui.widgets.panel import soft_label
from ui.widgets.samples_panel import SamplesPanel

_LEAST_WIDTH, _MOST_WIDTH, _SPACING = 184, 420, 12
_LEAST_HEIGHT = 90
_REPROJECT_EVERY = 3  # refreshes: a camera on the wrist moves under the paths
_STALE_S = 3.0
_SAME_M = 1e-4
_HINT_HEIGHT = 34  # two lines
_THINKING = (State.POLICY, State.STOPPED)  # here the newest samples still belong to the picture
_NOT_POLICY = (State.CLOSED, State.TELEOP, State.RECORDING, State.RESET, State.REPLAY)


class FanView(QWidget):
    """Owns which overlay is shown: the newest, the frozen one, or none when something else drives the arm."""

    def __init__(self, bridge: Bridge, denoise: DenoiseBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._denoise = bridge, denoise
        self.overlay: Overlay | None = None
        self.layer = DenoisingOverlay()
        self._shown_key: tuple[int, int, str] | None = None
        self._changed_at = 0.0
        self._count = 0
        self._samples_height = 0
        names = bridge.studio.camera_names
        self.main = CameraView(names[0] if names else "")
        self.main.setObjectName("fan_camera")
        self.main.layers.append(self.layer)
        self.others = [CameraView(name) for name in names[1:]]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_SPACING)
        row.addWidget(self.main, 1)
        column = QVBoxLayout()
        column.setSpacing(8)
        for view in self.others:
            view.setToolTip("Click to show this camera large")
            view.clicked.connect(lambda view=view: self.swap(view))
            column.addWidget(view)
        self.samples = SamplesPanel(bridge)
        column.addWidget(self.samples)
        self.hint = soft_label("", wrap=True)
        column.addWidget(self.hint)
        column.addStretch(1)
        row.addLayout(column)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The large picture takes what its height allows; the column beside it the rest."""
        self._samples_height = self.samples.sizeHint().height()
        left_over = self.width() - self.height() * 4 // 3 - _SPACING
        width = min(max(left_over, _LEAST_WIDTH), _MOST_WIDTH)
        room = self.height() - self._samples_height - _HINT_HEIGHT - 16
        height = min(width * 3 // 4, max(room // max(len(self.others), 1) - 8, _LEAST_HEIGHT))
        for view in self.others:
            view.setFixedSize(width, height)
        self.samples.setFixedWidth(width)
        self.hint.setFixedWidth(width)

    def swap(self, other: CameraView) -> None:
        """Exchange the large camera with `other`."""
        self.main.camera, other.camera = other.camera, self.main.camera
        for view in (self.main, other):
            view.caption = view.camera
            view.setAccessibleName(f"camera {view.camera}")
            view.clear()
        self._shown_key = None

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        for view in self.others:
            show_newest(self._bridge, view, status, view.camera)
        if not self._denoise.frozen:
            show_newest(self._bridge, self.main, status, self.main.camera)
            self._choose_overlay(status.state)
        self._show_overlay()
        self.samples.refresh(status, self.overlay)
        if self.samples.sizeHint().height() != self._samples_height:
            self._arrange()  # another policy has more or fewer things to choose
        self.hint.setText(self._hint(status))

    def _choose_overlay(self, state: State) -> None:
        newest = None if state in _NOT_POLICY else self._bridge.studio.overlay
        if newest is None:
            self.overlay = None
            return
        now = time.monotonic()
        if self.overlay is None or newest.stamp_ns != self.overlay.stamp_ns:
            if newest.stamp_ns != (self._shown_key[0] if self._shown_key else None):
                self._changed_at = now
            self.overlay = newest
        if state not in _THINKING and now - self._changed_at > _STALE_S:
            self.overlay = None

    def _show_overlay(self) -> None:
        overlay = self.overlay
        if overlay is None:
            if self.layer.clear():
                self.main.update()
            return
        self._denoise.set_steps(len(overlay.tip_paths) - 1)
        key = (overlay.stamp_ns, self._denoise.step, self.main.camera)
        moving = not self._denoise.frozen and self._count % _REPROJECT_EVERY == 0
        if key == self._shown_key and self.layer.shown and not moving:
            return
        self._shown_key = key
        paths = np.asarray(overlay.tip_paths[self._denoise.step], np.float64)
        if self.layer.show_paths(overlay, self._bridge.studio.project(self.main.camera, paths)):
            self.main.update()

    def _hint(self, status: StudioStatus) -> str:
        if self._denoise.frozen:
            return "Frozen. The policy goes on; press Freeze again to follow it."
        if status.inference.loading:
            return f"Loading {status.inference.run} …"
        if self.overlay is None:
            return "The samples appear here when a policy drives (P)."
        if all_alike(self.overlay):
            return f"All {self.overlay.tip_paths.shape[1]} samples are the same: this policy knows one answer."
        return ""


def all_alike(overlay: Overlay) -> bool:
    """Whether every finished sample is the same path, as of a policy that regresses to the mean."""
    finished = overlay.tip_paths[-1]
    return finished.shape[0] > 1 and float(np.ptp(finished, axis=0).max()) < _SAME_M
