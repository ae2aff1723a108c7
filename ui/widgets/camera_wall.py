"""All cameras side by side, or in two rows when that makes them larger."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from teleop_studio.status import StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.camera_view import CameraView

_SPACING = 12
_LEAST_HEIGHT = 90
_LARGER = 1.2


class CameraWall(QWidget):
    """One view per camera of the rig, made when the rig tells its cameras. `fit` says how high it may be."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.views: dict[str, CameraView] = {}
        self._most_height = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(_SPACING)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.arrange()

    def arrange(self) -> None:
        """Make the views anew when the rig has other cameras than before."""
        names = self._bridge.studio.camera_names
        if tuple(self.views) == tuple(names):
            return
        for view in self.views.values():
            self._grid.removeWidget(view)
            view.hide()
            view.deleteLater()
        self.views = {name: CameraView(name) for name in names}
        if not names:
            self.hide()  # for good: another rig comes with pages of its own
        self._place()

    def fit(self, most_height: int) -> None:
        """As high as the pictures are, `most_height` px at most: the rest is of more use to what lies below."""
        self._most_height = most_height
        self._place()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self._place()

    def refresh(self, status: StudioStatus) -> None:
        self.arrange()
        for name, view in self.views.items():
            show_newest(self._bridge, view, status, name)

    def _place(self) -> None:
        columns, height = arranged(len(self.views), self.width(), self._most_height or self.width())
        for number, view in enumerate(self.views.values()):
            view.setFixedHeight(height)
            self._grid.addWidget(view, number // columns, number % columns)


def arranged(count: int, width: int, most_height: int) -> tuple[int, int]:
    """(columns, height of a view) in px for `count` pictures of 4:3 within `width` x `most_height`.

    One row as long as a second one would not make the pictures a good deal larger.
    """
    heights = {}
    for rows in range(1, min(max(count, 1), 2) + 1):
        columns = -(-max(count, 1) // rows)
        by_width = (width - (columns - 1) * _SPACING) // columns * 3 // 4
        heights[columns] = max(min(by_width, (most_height - (rows - 1) * _SPACING) // rows), _LEAST_HEIGHT)
    row, fewer = max(heights), min(heights)
    columns = fewer if heights[fewer] > _LARGER * heights[row] else row
    return columns, heights[columns]


def show_newest(bridge: Bridge, view: CameraView, status: StudioStatus, camera: str) -> bool:
    """Put the newest picture of `camera` into `view`; whether it was a new one."""
    health = status.cameras.get(camera)
    _, missing = status.recorder.pictures.get(camera, (0, 0))
    view.corner_colour = theme.BAD if missing else theme.TEXT
    view.corner = f"{missing} missing" if missing else f"{health.fps:.0f} fps" if health else ""
    state, text = (health.state, health.text) if health else ("ok", "")
    view.show_health(state, text)
    if state == "lost" or camera not in bridge.studio.camera_names:
        return False
    newest = bridge.studio.image(camera)
    return newest is not None and view.set_frame(*newest)
