"""Part 5: the cameras of this computer with what they see, and which of them the rig uses under which name."""

from dataclasses import replace

from PySide6.QtGui import QAction, QFont, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from teleop_studio.setup_status import CameraChoice, FoundCamera, SetupStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.camera_view import CameraView
from ui.widgets.key_button import KeyButton
from ui.widgets.panel import button, soft_label
from ui.widgets.setup.part_page import Field, ScrollColumn, coloured, elided_label, set_text, title_label

_NAMES = ("front", "wrist", "left", "right", "top", "back")
_PREFERRED = (640, 480, 30.0)
_WIDE = 1000  # px from which three cards stand side by side


class CamerasPart(QWidget):
    def __init__(self, bridge: Bridge, keys: dict[str, QAction]) -> None:
        super().__init__()
        self._bridge = bridge
        self.cards: dict[str, CameraCard] = {}
        self.others: dict[str, OtherCamera] = {}
        self._columns = 0
        self.scan = KeyButton(keys["setup_scan"], theme.ACCENT, "#04101f", title="Look for cameras")
        self.empty = soft_label("No camera was found. Plug one in, then look again; or give an address below.", True)
        self.list = ScrollColumn("camera_cards")
        self.grid = QGridLayout()
        self.grid.setSpacing(12)
        self.list.column.addLayout(self.grid)
        self.list.column.addStretch(1)
        self.address = Field("camera_address", "network camera or video", "http://…, rtsp://… or a video file")
        self.address_name = Field("camera_address_name", "its name", "name")
        self.address_name.setFixedWidth(120)
        self.add = button("add_camera", "Use it", "Add this network camera or video file to the rig", self._add)
        for field in (self.address, self.address_name):
            field.returnPressed.connect(self._add)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(title_label("Cameras"))
        head.addStretch(1)
        head.addWidget(self.scan)
        column.addLayout(head)
        column.addWidget(
            soft_label(
                "Each is known by its serial number or its socket, so that two of a kind are never swapped.", True
            )
        )
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        self.other_rows = QVBoxLayout()
        self.other_rows.setSpacing(4)
        column.addLayout(self.other_rows)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        for widget, stretch in ((self.address, 1), (self.address_name, 0), (self.add, 0)):
            foot.addWidget(widget, stretch)
        column.addLayout(foot)

    def show_setup(self, status: SetupStatus) -> None:
        self.scan.setEnabled(not status.busy)
        chosen = {camera.device: camera for camera in status.chosen_cameras}
        columns = 3 if self.width() > _WIDE else 2
        if tuple(self.cards) != tuple(camera.device for camera in status.cameras):
            self._make_cards(status.cameras)
            self._columns = 0
        if columns != self._columns:
            self._place(columns)
        for camera in status.cameras:
            self.cards[camera.device].show_camera(camera, chosen.get(camera.device))
        elsewhere = [camera for camera in status.chosen_cameras if camera.device not in self.cards]
        self._show_others(elsewhere)
        if self.empty.isHidden() != bool(status.cameras or status.busy):
            self.empty.setVisible(not (status.cameras or status.busy))

    def free_name(self) -> str:
        """A usual name that no camera has yet."""
        taken = {camera.name for camera in self._bridge.studio.setup.status.chosen_cameras}
        taken |= {card.name.text() for card in self.cards.values()}
        return next((name for name in _NAMES if name not in taken), f"camera{len(taken) + 1}")

    def _make_cards(self, cameras: tuple[FoundCamera, ...]) -> None:
        for card in self.cards.values():
            self.grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = {}
        for number, camera in enumerate(cameras, 1):
            self.cards[camera.device] = CameraCard(self._bridge, number, camera, self.free_name())

    def _place(self, columns: int) -> None:
        self._columns = columns
        for number, card in enumerate(self.cards.values()):
            self.grid.addWidget(card, number // columns, number % columns)
        for column in range(3):
            self.grid.setColumnStretch(column, int(column < columns))

    def _show_others(self, cameras: list[CameraChoice]) -> None:
        if tuple(self.others) == tuple(camera.name for camera in cameras):
            return
        for row in self.others.values():
            self.other_rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.others = {camera.name: OtherCamera(self._bridge, camera) for camera in cameras}
        for row in self.others.values():
            self.other_rows.addWidget(row)

    def _add(self) -> None:
        device = self.address.text().strip()
        if not device:
            self.address.setFocus()
            self._bridge.notice.emit("info", "No address was typed.", "For example http://192.168.0.20:8080/video.")
            return
        name = self.address_name.text().strip() or self.free_name()
        self._bridge.call(self._bridge.studio.setup.choose_camera, name, device, *_PREFERRED)
        for field in (self.address, self.address_name):
            field.clear()
            field.clearFocus()


class OtherCamera(QWidget):
    """A camera of the rig that is not among those found: on the network, a file, or unplugged at the moment."""

    def __init__(self, bridge: Bridge, camera: CameraChoice) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 0, 0)
        name = QLabel(camera.name)
        name.setFont(theme.font(13, QFont.Weight.DemiBold))
        where = soft_label(f"{camera.device}   {camera.width}x{camera.height}, {camera.fps:g} fps")
        where.setMinimumWidth(10)
        drop = button(
            f"drop_{camera.name}",
            "Take out",
            "The rig does not use this camera",
            lambda: bridge.call(bridge.studio.setup.drop_camera, camera.name),
            True,
        )
        row.addWidget(name)
        row.addWidget(where, 1)
        row.addWidget(drop)


class CameraCard(QFrame):
    """Its picture, what it is, and name and size under which the rig uses it."""

    def __init__(self, bridge: Bridge, number: int, camera: FoundCamera, name: str) -> None:
        super().__init__()
        self._bridge = bridge
        self._camera = camera
        self._used: CameraChoice | None = None
        self.setObjectName("camera_card")
        self.setStyleSheet(
            f"#camera_card {{ background: {theme.WINDOW}; border: 1px solid #232b34; border-radius: 7px; }}"
        )
        self.view = CameraView(f"setup_{number}")
        self.view.caption = ""
        self.title = QLabel(camera.title)
        self.title.setFont(theme.font(13, QFont.Weight.DemiBold))
        self.title.setMinimumWidth(10)
        self.device = elided_label(camera.device)
        self.remark = QLabel("")
        self.remark.setWordWrap(True)
        self.remark.setFont(theme.font(11))
        self.name = Field(f"camera_{number}_name", "name of this camera", "name")
        self.name.setText(name)
        self.name.returnPressed.connect(self._use)
        self.mode = QComboBox()
        self.mode.setObjectName(f"camera_{number}_mode")
        self.mode.setAccessibleName("size and rate")
        self.mode.setMinimumContentsLength(8)
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.mode.activated.connect(lambda _index: self._choose_mode())
        self.use = button(f"camera_{number}_use", "Use", "The rig records this camera under this name", self._toggle)
        self.use.setCheckable(True)
        self._lay_out()
        self._offer(camera)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self.view.setFixedHeight(self.width() * 9 // 16)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 10, 10, 10)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.addWidget(self.view, 0, 0, 1, 3)
        grid.addWidget(self.title, 1, 0, 1, 3)
        grid.addWidget(self.device, 2, 0, 1, 3)
        grid.addWidget(self.name, 3, 0)
        grid.addWidget(self.mode, 3, 1)
        grid.addWidget(self.use, 3, 2)
        grid.addWidget(self.remark, 4, 0, 1, 3)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)

    def show_camera(self, camera: FoundCamera, used: CameraChoice | None) -> None:
        if replace(camera, picture=None) != replace(self._camera, picture=None):
            self._offer(camera)
        self._camera = camera
        if camera.picture is not None:
            self.view.show_picture(camera.picture)
        if used != self._used:
            self._used = used
            if used is not None and not self.name.hasFocus():
                self.name.setText(used.name)
                self._select(used.width, used.height, used.fps)
        if self.use.isChecked() != (used is not None):
            self.use.setChecked(used is not None)
        set_text(self.use, "Used" if used is not None else "Use")
        coloured(self.remark, camera.problem, theme.WARN)
        if self.remark.isHidden() == bool(camera.problem):
            self.remark.setVisible(bool(camera.problem))

    def _offer(self, camera: FoundCamera) -> None:
        set_text(self.title, camera.title)
        self.mode.clear()
        for width, height, fps, kind in camera.modes or ((*_PREFERRED, ""),):
            self.mode.addItem(f"{width}x{height}, {fps:g} fps {kind}".strip(), (width, height, fps))
        self._select(*_PREFERRED)

    def _select(self, width: int, height: int, fps: float) -> None:
        wanted = (width, height, fps)
        modes = [self.mode.itemData(index) for index in range(self.mode.count())]
        nearest = min(modes, key=lambda mode: (abs(mode[0] - width) + abs(mode[1] - height), abs(mode[2] - fps)))
        self.mode.setCurrentIndex(modes.index(wanted if wanted in modes else nearest))

    def _choose_mode(self) -> None:
        if self._used is not None:
            self._use()

    def _toggle(self) -> None:
        if self._used is not None:
            self._bridge.call(self._bridge.studio.setup.drop_camera, self._used.name)
        else:
            self._use()
        self.use.setChecked(self._used is not None)  # until the set-up says otherwise

    def _use(self) -> None:
        setup = self._bridge.studio.setup
        name = self.name.text().strip()
        if self._used is not None and self._used.name != name:
            self._bridge.call(setup.drop_camera, self._used.name)
        self._bridge.call(setup.choose_camera, name, self._camera.device, *self.mode.currentData())
        self.name.clearFocus()
