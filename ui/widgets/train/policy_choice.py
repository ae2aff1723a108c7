"""The list of policies: each with one sentence, greyed where something has to be installed first."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from teleop_studio.train_choices import PolicyInfo
from ui import theme

_WIDTH = 520  # of the opened list
_SENTENCE = Qt.ItemDataRole.UserRole + 1
_WRAP = Qt.TextFlag.TextWordWrap


class PolicyChoice(QComboBox):
    """`kinds` as they were offered last; `currentData` is the chosen policy's name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("policy_choice")
        self.setAccessibleName("kind of policy")
        self.setMaxVisibleItems(12)
        self.kinds: dict[str, PolicyInfo] = {}
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.setItemDelegate(_Sentences(self))
        self.view().setMinimumWidth(_WIDTH)

    @property
    def chosen(self) -> PolicyInfo | None:
        return self.kinds.get(str(self.currentData()))

    def offer(self, kinds: Sequence[PolicyInfo]) -> None:
        """List these; the operator's choice stays, else the first that can be trained."""
        if list(self.kinds.values()) == list(kinds):
            return
        wanted = self.currentData()
        self.kinds = {kind.name: kind for kind in kinds}
        self.blockSignals(True)
        self._items.clear()
        for kind in kinds:
            item = QStandardItem(kind.title)
            item.setData(kind.name, Qt.ItemDataRole.UserRole)
            item.setData(kind.missing or kind.summary, _SENTENCE)
            item.setData(f"{kind.title}. {kind.missing or kind.summary}", Qt.ItemDataRole.AccessibleTextRole)
            item.setEnabled(not kind.missing)
            self._items.appendRow(item)
        names = [kind.name for kind in kinds if not kind.missing]
        self.setCurrentIndex(self.findData(wanted if wanted in names else names[0]) if names else -1)
        self.blockSignals(False)
        self.currentIndexChanged.emit(self.currentIndex())


class _Sentences(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        metrics = QFontMetrics(theme.font(12))
        sentence = metrics.boundingRect(QRect(0, 0, _WIDTH - 40, 1000), _WRAP, str(index.data(_SENTENCE)))
        return QSize(_WIDTH, sentence.height() + 34)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        ready = bool(state & QStyle.StateFlag.State_Enabled)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected and ready:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor("#1d3248"))
            painter.drawRoundedRect(rect.adjusted(2, 1, -2, -1), 5, 5)
        painter.setFont(theme.font(13, QFont.Weight.DemiBold))
        painter.setPen(QColor(theme.TEXT if ready else theme.FAINT))
        painter.drawText(rect.adjusted(14, 7, -14, 0), Qt.AlignmentFlag.AlignLeft, str(index.data()))
        painter.setFont(theme.font(12))
        painter.setPen(QColor(theme.SOFT if ready else theme.WARN))
        painter.drawText(rect.adjusted(14, 25, -14, 0), int(_WRAP), str(index.data(_SENTENCE)))
        painter.restore()
