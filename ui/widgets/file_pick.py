"""Picking a file or folder without stopping the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


def pick_folder(parent: QWidget, start: Path, chosen: Callable[[Path], object]) -> None:
    """`chosen` is called with the folder; the dialog begins at `start` or the nearest folder above it."""
    _pick(parent, start, chosen, QFileDialog.FileMode.Directory)


def pick_file(parent: QWidget, start: Path, chosen: Callable[[Path], object]) -> None:
    """As `pick_folder`, for a file."""
    _pick(parent, start, chosen, QFileDialog.FileMode.ExistingFile)


def _pick(parent: QWidget, start: Path, chosen: Callable[[Path], object], mode: QFileDialog.FileMode) -> None:
    # Not a native dialog: Esc must reach the stop key, and the pictures must go on.
    picker = QFileDialog(parent)
    picker.setOption(QFileDialog.Option.DontUseNativeDialog)
    picker.setFileMode(mode)
    picker.setDirectory(str(next((folder for folder in (start, *start.parents) if folder.is_dir()), Path.home())))
    picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    picker.fileSelected.connect(lambda path: chosen(Path(path)))
    picker.open()
