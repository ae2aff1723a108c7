"""A number out of a few, as a row of buttons that belong together."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget


class StepChoice(QWidget):
    """`chosen` gives a number the operator picked; `offer` replaces what there is to pick."""

    chosen = Signal(int)

    def __init__(self, name: str, accessible: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._name, self._accessible = name, accessible
        self.values: tuple[int, ...] = ()
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen.emit)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(3)

    def offer(self, values: tuple[int, ...]) -> None:
        if values == self.values:
            return
        self.values = values
        for made in self._group.buttons():
            self._group.removeButton(made)
            self._row.removeWidget(made)
            made.deleteLater()
        for value in values:
            made = QPushButton(str(value))
            made.setObjectName(f"{self._name}_{value}")
            made.setAccessibleName(f"{value} {self._accessible}")
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.setStyleSheet("QPushButton { padding: 2px 0; min-width: 24px; }")
            self._group.addButton(made, value)
            self._row.addWidget(made, 1)

    @property
    def value(self) -> int | None:
        checked = self._group.checkedId()
        return checked if checked >= 0 else None

    def show_value(self, value: int) -> None:
        if value != self.value and (made := self._group.button(value)) is not None:
            made.setChecked(True)
