"""The table of policies: every run's trials side by side, compared with one of them, and more trials for some."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHBoxLayout, QHeaderView, QTableView, QWidget

from teleop_studio.learning_status import PolicyRow
from teleop_studio.status import RunInfo, StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets.job_bar import JobBar
from ui.widgets.panel import Panel, button, caption, soft_label, spin_box
from ui.widgets.policy_cells import ROW_HEIGHT, PolicyCells
from ui.widgets.policy_model import COLUMNS, PolicyModel

_REREAD_EVERY = 60  # refreshes: two seconds
_NONE = "nothing"


class PolicyTablePanel(Panel):
    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Policies, tried from the same starts", parent)
        self._bridge = bridge
        self._count = 0
        self._known: tuple[object, ...] = ()
        self._titles: dict[str, str] = {}
        self.model = PolicyModel()
        self.table = PolicyTable(self.model)
        self.baseline = QComboBox()
        self.baseline.setObjectName("baseline_choice")
        self.baseline.setAccessibleName("run that the others are compared with")
        self.baseline.setMinimumContentsLength(22)
        self.baseline.activated.connect(lambda _index: self.reread())
        self.header.addWidget(caption("compare with"))
        self.header.addWidget(self.baseline)
        self.trials = spin_box("table_trials", "number of trials for each", 1, 500, 50)
        self.try_runs = button(
            "try_selected", "Try the selected runs", "Each from the same unseen starts, in lock step", self._try
        )
        self.hint = soft_label("", wrap=True)
        self.job = JobBar(bridge)
        self.body.addWidget(self.table, 1)
        self.controls = QWidget()
        row = QHBoxLayout(self.controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.hint, 1)
        row.addWidget(self.trials)
        row.addWidget(caption("starts each"))
        row.addWidget(self.try_runs)
        self.body.addWidget(self.controls)
        self.body.addWidget(self.job)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._say())

    def enter(self) -> None:
        """The table is turned to."""
        kinds = self._bridge.call(self._bridge.studio.policy_kinds) or {}
        self._titles = {name: kind.title for name, kind in kinds.items()}
        self.reread()

    def reread(self) -> None:
        """What the trials say now; runs that nobody has tried yet stand at the end."""
        chosen = str(self.baseline.currentData() or "")
        runs = self._bridge.call(self._bridge.studio.runs) or []
        rows = list(self._bridge.call(self._bridge.studio.policy_table, chosen) or ())
        known = {row.run for row in rows}
        rows += [untried(run, self._titles) for run in runs if run.name not in known and run.step > 0]
        self._offer_baselines([row.run for row in rows if row.trials], chosen)
        self.table.show_rows(rows, chosen)
        self._say()

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        running = status.job is not None and not status.job.finished
        self.controls.setVisible(status.simulated and not running)
        self.job.refresh(status.job)
        known = (running, status.job.done if status.job else None)
        if known != self._known or self._count % _REREAD_EVERY == 0:
            self._known = known
            self.reread()

    def _offer_baselines(self, runs: list[str], chosen: str) -> None:
        if [self.baseline.itemData(i) for i in range(1, self.baseline.count())] == runs:
            return
        self.baseline.clear()
        self.baseline.addItem(_NONE, "")
        for run in runs:
            self.baseline.addItem(run, run)
        self.baseline.setCurrentIndex(max(self.baseline.findData(chosen), 0))

    def _say(self) -> None:
        selected = self.table.selected
        self.try_runs.setEnabled(bool(selected))
        if not self.model.rows:
            self.hint.setText("There are no runs yet: train one (Ctrl+3).")
        elif not selected:
            self.hint.setText("Select runs to try them; Ctrl or Shift selects several.")
        else:
            self.hint.setText(", ".join(row.run for row in selected))

    def _try(self) -> None:
        paths = {run.name: run.path for run in self._bridge.call(self._bridge.studio.runs) or []}
        runs = [paths[row.run] for row in self.table.selected if row.run in paths]
        if runs:
            self._bridge.call(self._bridge.studio.evaluate, runs, self.trials.value(), fast=True)


class PolicyTable(QTableView):
    """Sorted by a click on a column; the selection stays when the rows are read again."""

    def __init__(self, model: PolicyModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._kept: set[str] = set()
        self.setObjectName("policy_table")
        self.setAccessibleName("runs and what their trials say")
        self.setModel(model)
        self._cells = PolicyCells(self)
        self.setItemDelegate(self._cells)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setObjectName("policy_columns")
        header.setAccessibleName("columns; a click sorts")
        header.setFixedHeight(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSortIndicator(1, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        model.modelAboutToBeReset.connect(self._keep_selection)
        model.modelReset.connect(lambda: self.select(self._kept))

    @property
    def selected(self) -> list[PolicyRow]:
        return [self._model.rows[index.row()] for index in self.selectionModel().selectedRows()]

    def show_rows(self, rows: Sequence[PolicyRow], baseline: str) -> None:
        self._cells.baseline = baseline
        self._model.show_rows(rows)
        self.viewport().update()

    def _keep_selection(self) -> None:
        self._kept = {row.run for row in self.selected}

    def select(self, runs: set[str]) -> None:
        """Select these, as far as they are shown."""
        self.setSelectionMode(QAbstractItemView.SelectionMode.MultiSelection)
        for number, row in enumerate(self._model.rows):
            if row.run in runs:
                self.selectRow(number)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fixed = sum(column.width for column in COLUMNS)
        room = max(self.viewport().width() - fixed, 100)
        grown = max(room - 180, 0)  # what the last column does not need goes to the bars
        for number, column in enumerate(COLUMNS):
            extra = grown // 3 if column.name in ("policy", "success", "sides") else 0
            self.setColumnWidth(number, column.width + extra if column.width else room - 3 * (grown // 3))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._model.rows:
            painter = QPainter(self.viewport())
            painter.setFont(theme.font(14))
            painter.setPen(QColor(theme.FAINT))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, "No run has been tried yet.")


def untried(run: RunInfo, titles: dict[str, str]) -> PolicyRow:
    return PolicyRow(run.name, run.policy, titles.get(run.policy, run.policy), run.step)
