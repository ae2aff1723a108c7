"""The key sheet: every action with its key, made from the actions themselves."""

from collections.abc import Iterable

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QVBoxLayout, QWidget

from ui import theme
from ui.actions import KEYS, STOP_KEY, KeySpec


class KeySheet(QDialog):
    """Not modal: the keys it lists work while it is open."""

    def __init__(self, more: Iterable[KeySpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("key_sheet")
        self.setWindowTitle("Keys")
        self.setModal(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 18, 24, 22)
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(7)
        grid.setColumnMinimumWidth(3, 28)
        column.addLayout(grid)
        group, line, left = "", 0, 0
        for spec in sorted((STOP_KEY, *KEYS, *more), key=lambda spec: _GROUPS.index(spec.group)):
            if spec.group != group:
                group = spec.group
                if group == _GROUPS[-1]:  # a page's own keys stand beside those that work everywhere
                    line, left = 0, 4
                heading = QLabel(group)
                heading.setProperty("role", "heading")
                heading.setContentsMargins(0, 10, 0, 0)
                grid.addWidget(heading, line, left, 1, 3)
                line += 1
            for place, text in enumerate((spec.key, spec.title, spec.tooltip)):
                label = QLabel(text)
                label.setFont(theme.font(13, QFont.Weight.DemiBold if place == 0 else QFont.Weight.Normal))
                if place == 2:
                    label.setProperty("role", "soft")
                grid.addWidget(label, line, left + place)
            line += 1


_GROUPS = ("Takes", "Arm", "Simulated rig", "Pages", "Window", "Episodes page")
