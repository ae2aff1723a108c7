"""The key sheet: every action with its key, made from the actions themselves."""

from collections.abc import Iterable

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ui import theme
from ui.actions import KEYS, STOP_KEY, KeySpec


class KeySheet(QDialog):
    """Not modal: the keys it lists work while it is open."""

    def __init__(self, more: Iterable[KeySpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("key_sheet")
        self.setWindowTitle("Keys")
        self.setModal(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 12, 24, 18)
        row.setSpacing(34)
        specs = (STOP_KEY, *KEYS, *more)
        for groups in (_EVERYWHERE, _PAGES_OWN):
            column = QVBoxLayout()
            for group in groups:
                column.addLayout(_group(group, [spec for spec in specs if spec.group == group]))
            column.addStretch(1)
            row.addLayout(column)


# What works everywhere, and beside it the pages' own keys.
_EVERYWHERE = ("Takes", "Arm", "Simulated rig", "Pages", "Window")
_PAGES_OWN = ("Episodes page", "Set-up page")


def _group(title: str, specs: list[KeySpec]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(4)
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    heading.setContentsMargins(0, 6, 0, 0)
    grid.addWidget(heading, 0, 0, 1, 3)
    for line, spec in enumerate(specs, 1):
        for place, text in enumerate((spec.key, spec.title, spec.tooltip)):
            label = QLabel(text)
            label.setFont(theme.font(12, QFont.Weight.DemiBold if place == 0 else QFont.Weight.Normal))
            if place == 2:
                label.setProperty("role", "soft")
            grid.addWidget(label, line, place)
    grid.setColumnMinimumWidth(0, 92)
    grid.setColumnMinimumWidth(1, 122)
    grid.setColumnStretch(2, 1)
    return grid
