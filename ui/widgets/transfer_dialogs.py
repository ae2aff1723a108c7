"""Dialogs that start an export of episodes or an import; the work runs elsewhere and shows in the job bar."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from teleop_studio.status import FormatInfo
from ui import theme
from ui.widgets.file_pick import pick_file, pick_folder
from ui.widgets.panel import button, caption, soft_label, spin_box

_WIDTH = 600


class FormatChoice(QWidget):
    """One radio button per format, with what it is for or what it lacks."""

    changed = Signal()

    def __init__(self, formats: Sequence[FormatInfo], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._formats = tuple(formats)
        self.group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        for number, known in enumerate(self._formats):
            radio = QRadioButton(known.title)
            radio.setObjectName(f"format_{known.name}")
            radio.setAccessibleName(known.title)
            radio.setFont(theme.font(13, QFont.Weight.DemiBold))
            radio.setEnabled(not known.missing)
            self.group.addButton(radio, number)
            column.addWidget(radio)
            text = soft_label(known.missing or known.description, wrap=True)
            text.setContentsMargins(24, 0, 0, 8)
            if known.missing:
                text.setStyleSheet(f"color: {theme.WARN}")
            column.addWidget(text)
        ready = next((number for number, known in enumerate(self._formats) if not known.missing), -1)
        if ready >= 0:
            self.group.button(ready).setChecked(True)
        else:
            column.addWidget(soft_label("No format is ready to use. Install what is missing and open this again."))
        self.group.idToggled.connect(lambda _number, on: self.changed.emit() if on else None)

    @property
    def chosen(self) -> FormatInfo | None:
        number = self.group.checkedId()
        return self._formats[number] if number >= 0 else None

    def choose(self, name: str) -> None:
        number = next(i for i, known in enumerate(self._formats) if known.name == name)
        self.group.button(number).setChecked(True)


class ExportDialog(QDialog):
    """`asked` gives the format's name, the folder and the rate: 0 leaves it to the format."""

    asked = Signal(str, Path, int)

    def __init__(self, formats: Sequence[FormatInfo], what: str, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._typed = False
        self.formats = FormatChoice(formats)
        self.formats.changed.connect(self._suggest)
        self.rate = spin_box("export_fps", "pictures per second", 0, 240, 0)
        self.rate.setSpecialValueText("as the format does")
        self.rate.setSuffix(" per second")
        self.rate.setMinimumWidth(190)
        self.out = _path_field("export_folder", "folder to write")
        self.out.textEdited.connect(self._mark_typed)
        self.start = button("start_export", "Export", "Write the episodes; the window stays usable", self._ask)
        column = _set_up(self, "export_dialog", "Export", f"Export {what}")
        column.addWidget(self.formats)
        grid = _grid(column)
        choose = button("choose_export_folder", "Choose…", "Pick the folder that shall contain it", self._choose)
        _add_line(grid, 0, "rate", self.rate)
        _add_line(grid, 1, "folder", self.out, choose)
        column.addWidget(soft_label("The episodes here stay as they are. The folder is made anew.", wrap=True))
        _add_buttons(self, column, self.start)
        self._suggest()

    def _mark_typed(self) -> None:
        self._typed = True

    def _suggest(self) -> None:
        """A folder of its own for every export, until the operator names one."""
        chosen = self.formats.chosen
        self.start.setEnabled(chosen is not None)
        if chosen is not None and not self._typed:
            self.out.setText(str(fresh_folder(self._folder, chosen.name, datetime.now())))

    def _choose(self) -> None:
        pick_folder(self, Path(self.out.text()).parent, self._chosen)

    def _chosen(self, path: Path) -> None:
        """An empty folder is taken as it is; into any other one a new folder is put."""
        known = self.formats.chosen
        taken = path.is_dir() and any(path.iterdir())
        self._typed = True
        self.out.setText(str(fresh_folder(path, known.name, datetime.now()) if taken and known is not None else path))

    def _ask(self) -> None:
        chosen = self.formats.chosen
        text = self.out.text().strip()
        if chosen is not None and text:
            self.asked.emit(chosen.name, Path(text).expanduser(), self.rate.value())
            self.accept()


class ImportDialog(QDialog):
    """`asked` gives the format's name and what to read."""

    asked = Signal(str, Path)

    def __init__(self, formats: Sequence[FormatInfo], folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.formats = FormatChoice(formats)
        self.source = _path_field("import_source", "file or folder to read")
        self.source.setPlaceholderText("a data set's folder, or one file")
        self.source.textChanged.connect(lambda _text: self._allow())
        self.start = button("start_import", "Import", "Read the episodes; the window stays usable", self._ask)
        column = _set_up(self, "import_dialog", "Import", "Import episodes")
        column.addWidget(self.formats)
        grid = _grid(column)
        folder_button = button("choose_import_folder", "Folder…", "Pick a data set's folder", self._choose_folder)
        file_button = button("choose_import_file", "File…", "Pick one file", self._choose_file)
        _add_line(grid, 0, "from", self.source, folder_button, file_button)
        column.addWidget(
            soft_label("What is read becomes new episodes of this workspace; the source stays.", wrap=True)
        )
        _add_buttons(self, column, self.start)
        self._allow()

    def _allow(self) -> None:
        self.start.setEnabled(self.formats.chosen is not None and bool(self.source.text().strip()))

    def _choose_folder(self) -> None:
        pick_folder(self, self._folder, lambda path: self.source.setText(str(path)))

    def _choose_file(self) -> None:
        pick_file(self, self._folder, lambda path: self.source.setText(str(path)))

    def _ask(self) -> None:
        chosen = self.formats.chosen
        if chosen is not None:
            self.asked.emit(chosen.name, Path(self.source.text().strip()).expanduser())
            self.accept()


def fresh_folder(folder: Path, name: str, now: datetime) -> Path:
    """A path below `folder` that does not exist yet."""
    wanted = folder / f"{name}-{now:%Y-%m-%d}"
    number = 2
    while wanted.exists():
        wanted = folder / f"{name}-{now:%Y-%m-%d}-{number}"
        number += 1
    return wanted


def _set_up(dialog: QDialog, name: str, title: str, heading: str) -> QVBoxLayout:
    dialog.setObjectName(name)
    dialog.setWindowTitle(title)
    dialog.setModal(True)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFixedWidth(_WIDTH)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(24, 20, 24, 20)
    column.setSpacing(12)
    label = QLabel(heading)
    label.setFont(theme.font(17, QFont.Weight.DemiBold))
    column.addWidget(label)
    return column


def _grid(column: QVBoxLayout) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(1, 1)
    column.addLayout(grid)
    return grid


def _add_line(grid: QGridLayout, line: int, name: str, *widgets: QWidget) -> None:
    grid.addWidget(caption(name), line, 0)
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QLineEdit) else 0)
    if not isinstance(widgets[0], QLineEdit):
        row.addStretch(1)
    grid.addLayout(row, line, 1)


def _add_buttons(dialog: QDialog, column: QVBoxLayout, start: QWidget) -> None:
    start.setStyleSheet(f"QPushButton:enabled {{ background: {theme.ACCENT}; color: #04101f; border: none; }}")
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(button("cancel_dialog", "Cancel", "Close this, change nothing", dialog.reject))
    row.addWidget(start)
    column.addLayout(row)


def _path_field(name: str, accessible: str) -> QLineEdit:
    field = QLineEdit()
    field.setObjectName(name)
    field.setAccessibleName(accessible)
    return field
