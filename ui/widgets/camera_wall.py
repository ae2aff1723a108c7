"""All cameras side by side."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from teleop_studio.status import StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.camera_view import CameraView


class CameraWall(QWidget):
    """One view per camera of the rig, made when the rig tells its cameras."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.views: dict[str, CameraView] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.arrange()

    def arrange(self) -> None:
        """Make the views anew when the rig has other cameras than before."""
        names = self._bridge.studio.camera_names
        if tuple(self.views) == tuple(names):
            return
        for view in self.views.values():
            self._row.removeWidget(view)
            view.deleteLater()
        self.views = {name: CameraView(name) for name in names}
        for view in self.views.values():
            self._row.addWidget(view, 1)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Just as high as the pictures are: the rest is of more use to the chart below."""
        count = max(len(self.views), 1)
        width = (self.width() - (count - 1) * self._row.spacing()) // count
        for view in self.views.values():
            view.setFixedHeight(max(width * 3 // 4, 90))

    def refresh(self, status: StudioStatus) -> None:
        self.arrange()
        for name, view in self.views.items():
            show_newest(self._bridge, view, status, name)


def show_newest(bridge: Bridge, view: CameraView, status: StudioStatus, camera: str) -> bool:
    """Put the newest picture of `camera` into `view`; whether it was a new one."""
    health = status.cameras.get(camera)
    _, missing = status.recorder.pictures.get(camera, (0, 0))
    view.corner_colour = theme.BAD if missing else theme.TEXT
    view.corner = f"{missing} missing" if missing else f"{health.fps:.0f} fps" if health else ""
    newest = bridge.studio.image(camera)
    return newest is not None and view.set_frame(*newest)
