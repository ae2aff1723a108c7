"""A few lines of free text that are kept when the operator leaves them."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget


class NoteField(QPlainTextEdit):
    """`committed` gives the new text when the field is left or Ctrl+Enter is pressed."""

    committed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("note_field")
        self.setAccessibleName("note")
        self.setTabChangesFocus(True)
        self.setFixedHeight(46)
        self._known = ""
        self.show_note("", mixed=False)

    def show_note(self, text: str, mixed: bool) -> None:
        """`mixed`: the selected episodes have different notes, and a new one will replace them all."""
        self.setPlaceholderText("different notes; a new one replaces them" if mixed else "note  (Ctrl+N)")
        if text != self._known:  # else what is being typed would be lost when the list is read again
            self._known = text
            self.setPlainText(text)

    def commit(self) -> None:
        """Say what was written, if it was."""
        text = self.toPlainText().strip()
        if text != self._known:
            self._known = text
            self.committed.emit(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.commit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if entered and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.commit()
            self.clearFocus()
            return
        super().keyPressEvent(event)
