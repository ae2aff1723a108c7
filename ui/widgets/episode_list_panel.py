"""The left side of the Episodes page: filters, the table, what was just done, and the running task."""

from collections.abc import Sequence

from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel

from teleop_studio.status import EpisodeRow, StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.widgets import wording
from ui.widgets.episode_model import EpisodeModel
from ui.widgets.episode_table import EpisodeTable
from ui.widgets.filter_bar import FilterBar
from ui.widgets.job_bar import JobBar
from ui.widgets.panel import Panel, button, soft_label
from ui.widgets.thumbnails import Thumbnails

_EMPTY = {
    "episodes": ("No demonstrations yet", "Record some on the Record page (Ctrl+1), or import a data set (Ctrl+I)."),
    "trials": ("No policy has driven yet", "Train one (Ctrl+3) and let it drive on the Deploy page (Ctrl+4)."),
    "bin": ("The bin is empty", "Del moves selected episodes here; nothing is ever deleted."),
}
_KEYS = "S success   F failure   G tag   H hold out   K play   X trim   Del bin   Ctrl+Z undo"
_NO_MATCH = ("Nothing matches", "Press Clear, or search for something else (Ctrl+F).")


class EpisodeListPanel(Panel):
    """`say` shows a sentence about the last change with its undo."""

    def __init__(self, bridge: Bridge, thumbnails: Thumbnails, keys: dict[str, QAction]) -> None:
        super().__init__("Episodes")
        self.model = EpisodeModel(self)
        self.table = EpisodeTable(self.model, thumbnails)
        self.filters = FilterBar()
        self.filters.changed.connect(self._filter)
        self.tally = QLabel("")
        self.tally.setObjectName("episode_tally")
        self.tally.setFont(theme.font(13, QFont.Weight.Medium))
        self.quiet = soft_label("")
        self.quiet.setObjectName("quiet_work")
        self.columns = button(
            "episode_columns_menu", "Columns", "Sort, and choose the columns", self._open_columns, quiet=True
        )
        self.export = button(
            "export_episodes", "Export…", keys["episodes_export"].toolTip(), keys["episodes_export"].trigger
        )
        self.bring_in = button(
            "import_episodes", "Import…", keys["episodes_import"].toolTip(), keys["episodes_import"].trigger
        )
        keys["episodes_export"].enabledChanged.connect(self.export.setEnabled)
        self.overview = button(
            "show_collection", "Collection", keys["episodes_show_collection"].toolTip(),
            keys["episodes_show_collection"].trigger, quiet=True,
        )  # fmt: skip
        self.overview.setCheckable(True)
        self.said = soft_label(_KEYS)
        self.said.setObjectName("last_change")
        self.said.setMinimumWidth(10)
        self.undo = button("undo_change", "Undo  Ctrl+Z", "Take back the last change", lambda: None, quiet=True)
        self.undo.hide()
        self.job = JobBar(bridge)
        self.tags: list[str] = []
        self._lay_out()

    def _lay_out(self) -> None:
        self.header.insertWidget(1, self.tally)
        self.header.insertWidget(2, self.quiet)
        for widget in (self.columns, self.overview, self.bring_in, self.export):
            self.header.addWidget(widget)
        self.body.addWidget(self.filters)
        self.body.addWidget(self.table, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        bottom.addWidget(self.said, 1)
        bottom.addWidget(self.undo)
        self.body.addLayout(bottom)
        self.body.addWidget(self.job)

    @property
    def which(self) -> str:
        """The collection that is looked at: "episodes", "trials" or "bin"."""
        return str(self.filters.collection.currentData())

    def show_rows(self, rows: Sequence[EpisodeRow]) -> bool:
        """False when they are what is listed already."""
        self.table.empty = _NO_MATCH if rows else _EMPTY[self.which]
        if not self.model.show_rows(rows):
            return False
        self.tags = sorted({tag for row in rows for tag in row.tags}, key=str.casefold)
        self.filters.offer(rows)
        self._tell()
        return True

    def refresh(self, status: StudioStatus, looking: int, trimming: int) -> None:
        self.job.refresh(status.job)
        parts = [f"trimming {wording.count(trimming, 'episode')}…"] if trimming else []
        parts += [f"looking through {wording.count(looking, 'episode')}…"] if looking else []
        self.quiet.setText("   ".join(parts))

    def say(self, text: str, undo_title: str) -> None:
        self.said.setText(text)
        self.said.setToolTip(text)
        self.undo.setVisible(bool(undo_title))
        self.undo.setToolTip(f"Take back: {undo_title} (Ctrl+Z)" if undo_title else "")

    def _filter(self) -> None:
        self.model.set_filter(self.filters.filter)
        self._tell()

    def _tell(self) -> None:
        shown, every = len(self.model.shown), len(self.model.rows)
        of = f"{shown:,} of " if shown != every else ""
        self.tally.setText(f"{of}{wording.count(every, 'episode')}, {wording.long_duration(self.model.duration_s)}")

    def _open_columns(self) -> None:
        self.table.open_column_menu(self.columns.mapToGlobal(self.columns.rect().bottomLeft()))
