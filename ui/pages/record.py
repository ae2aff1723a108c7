"""Record: both cameras, the joints of the last ten seconds, the take's buttons and the episodes so far."""

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QStackedWidget, QVBoxLayout, QWidget

from teleop_studio.status import EpisodeRow, State, StudioStatus
from ui import theme
from ui.bridge import Bridge
from ui.commands import Commands, allowed
from ui.pages.page import Page
from ui.widgets.camera_wall import CameraWall
from ui.widgets.gap_bars import Gaps, GapStrip
from ui.widgets.health import disk_left
from ui.widgets.key_button import KeyButton
from ui.widgets.live_chart import LiveChart
from ui.widgets.pair_card import PairCard
from ui.widgets.pairs_row import PairsRow
from ui.widgets.panel import Figure, Panel, button, caption
from ui.widgets.row_list import RowList
from ui.widgets.rows import episode_row
from ui.widgets.sim_panel import SimPanel

SIDE_WIDTH = 348
_CAMERA_SHARE = 0.58  # of the page's height; the joints below need the rest


class RecordPage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("record_page")
        self.cameras = CameraWall(bridge)
        self.chart = LiveChart(bridge, commands)
        self.pair = PairCard()
        self.take = TakePanel(bridge, commands, actions)
        self.sim = SimPanel(bridge, commands, actions)
        self.episodes = EpisodePanel(bridge, commands)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self.cameras)
        self.below = QStackedWidget()  # the joints, or which side of the layout is next
        for widget in (self.chart, self.pair):
            self.below.addWidget(widget)
        left.addWidget(self.below, 1)
        row.addLayout(left, 1)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(12)
        right.addWidget(self.take)
        right.addWidget(self.sim)
        right.addWidget(self.episodes, 1)
        row.addWidget(side)
        commands.episodes_changed.connect(self.episodes.reread)

    def resizeEvent(self, _event: QResizeEvent) -> None:
        self.cameras.fit(round(_CAMERA_SHARE * self.height()))

    def enter(self) -> None:
        self.cameras.arrange()
        self.episodes.reread()

    def refresh(self, status: StudioStatus) -> None:
        self.cameras.refresh(status)
        if status.pair is not None:
            self.pair.show_prompt(status.pair, status.state is State.RECORDING)
        self.below.setCurrentWidget(self.chart if status.pair is None else self.pair)
        self.chart.refresh(status)
        self.take.refresh(status)
        self.sim.refresh(status)
        self.episodes.refresh(status)


class TakePanel(Panel):
    """The task's text and the buttons of a take."""

    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__("Take")
        self._commands = commands
        self.task = QLineEdit(commands.choices.task)
        self.task.setObjectName("task_text")
        self.task.setAccessibleName("task")
        self.task.setPlaceholderText("what the arm shall do")
        self.task.textChanged.connect(self._task_changed)
        self.task.returnPressed.connect(self.task.clearFocus)
        self.operator = QLineEdit(commands.choices.operator)
        self.operator.setObjectName("operator_name")
        self.operator.setAccessibleName("operator")
        self.operator.setPlaceholderText("operator")
        self.operator.setToolTip("Who records. It stands in every episode and is remembered in this workspace")
        self.operator.setMaxLength(64)
        self.operator.textChanged.connect(self._operator_changed)
        self.operator.editingFinished.connect(commands.name_operator)
        self.operator.returnPressed.connect(self.operator.clearFocus)
        self.record = KeyButton(actions["advance"], theme.STATE_LOOKS[State.RECORDING].colour, "#ffffff", 64, "Record")
        self.discard = KeyButton(actions["discard"], title="Discard")
        self.bookmark = KeyButton(actions["bookmark"])
        self.success = KeyButton(actions["success"], "#1f5c35", "#e9fff0")
        self.failure = KeyButton(actions["failure"], "#6b2730", "#ffecee")
        self.teleop = KeyButton(actions["teleop"])
        self.resume = KeyButton(actions["resume"], theme.ACCENT, "#04101f")
        self.frames = Figure("frames written / due", 15)
        self.disk = Figure("disk left", 15)
        self.rest = KeyButton(actions["rest"])
        self.gaps = GapStrip()
        self.pairs = PairsRow(bridge)
        self.header.addWidget(self.pairs.opener)
        self._lay_out()

    def _lay_out(self) -> None:
        self.operator.setFixedWidth(104)
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.task, 1)
        words.addWidget(self.operator)
        self.body.addLayout(words)
        self.body.addWidget(self.pairs)
        self.body.addWidget(self.record)
        # Of the last five only two are of use at a time: the others make room.
        last = (self.discard, self.bookmark, self.teleop, self.resume, self.rest)
        for widgets in ((self.success, self.failure), last):
            row = QHBoxLayout()
            row.setSpacing(8)
            for widget in widgets:
                row.addWidget(widget, 1)
            self.body.addLayout(row)
        figures = QHBoxLayout()
        figures.addWidget(self.frames, 3)
        figures.addWidget(self.disk, 2)
        figures.addWidget(self.gaps, 5)
        self.body.addLayout(figures)

    def _task_changed(self, text: str) -> None:
        self._commands.choices.task = text

    def _operator_changed(self, text: str) -> None:
        self._commands.choices.operator = text

    def refresh(self, status: StudioStatus) -> None:
        taking = status.state in (State.RECORDING, State.POLICY)
        if taking:
            self.record.look("Accept", "#23874a")
        else:
            self.record.look(
                "Record next" if status.state is State.RESET else "Record", theme.STATE_LOOKS[State.RECORDING].colour
            )
        self.record.setEnabled(taking or allowed(status.state, "record"))
        self.discard.setVisible(taking)
        self.rest.setVisible(not taking)
        self.rest.setEnabled(allowed(status.state, "rest"))
        self.bookmark.setVisible(taking)
        self.success.setEnabled(taking or status.episodes > 0)
        self.failure.setEnabled(taking or status.episodes > 0)
        self.teleop.setEnabled(allowed(status.state, "teleop"))
        stopped = allowed(status.state, "resume")
        self.resume.setVisible(stopped)
        self.teleop.setVisible(not stopped and not taking)
        recorder = status.recorder
        self.frames.show_value(
            f"{recorder.frames_written} / {recorder.frames_due}", theme.BAD if recorder.missing else theme.TEXT
        )
        self.disk.show_value(*disk_left(recorder.disk_left_s))
        self.gaps.show_gaps(Gaps.of(status))
        self.pairs.refresh(status)


class EpisodePanel(Panel):
    """The demonstrations, newest first; the menu key or right button labels, replays or bins one."""

    def __init__(self, bridge: Bridge, commands: Commands) -> None:
        super().__init__("Episodes")
        self._bridge, self._commands = bridge, commands
        self._known: tuple[int, bool, int] = (-1, False, 0)
        self._episodes: list[EpisodeRow] = []
        self.tally = caption("")
        self.header.addWidget(self.tally)
        self.list = RowList("episode_list", "recorded episodes")
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.body.addWidget(self.list, 1)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        for name, title, tooltip, run in (
            ("mark_success", "As success", "Label the selected episode a success", lambda: self._label("success")),
            ("mark_failure", "As failure", "Label the selected episode a failure", lambda: self._label("failure")),
            ("replay_episode", "Replay", "The follower repeats the selected episode", self._replay),
            ("bin_episode", "Bin", "Take the selected episode out of the data; the file is kept", self._bin),
        ):
            tools.addWidget(button(name, title, tooltip, run, quiet=True))
        tools.addStretch(1)
        self.body.addLayout(tools)

    def refresh(self, status: StudioStatus) -> None:
        known = (status.episodes, status.recorder.recording, status.recorder.building)
        if known != self._known:
            self._known = known
            self.reread()

    def reread(self) -> None:
        episodes = self._bridge.call(self._bridge.studio.episodes)
        if episodes is None:
            return
        self._episodes = list(reversed(episodes))
        self.list.show_rows([episode_row(episode) for episode in self._episodes])
        usable = [episode for episode in episodes if not episode.problem]
        sides = {side: sum(episode.side == side for episode in usable) for side in ("left", "right")}
        self.tally.setText(f"{len(usable)} · left {sides['left']} · right {sides['right']}")

    @property
    def selected(self) -> EpisodeRow | None:
        key = self.list.selected_key
        return next((episode for episode in self._episodes if str(episode.path) == key), None)

    def _label(self, outcome: str) -> None:
        if (episode := self._chosen()) is not None:
            self._commands.label(episode, outcome)

    def _replay(self) -> None:
        if (episode := self._chosen()) is not None:
            self._bridge.call(self._bridge.studio.replay, Path(episode.path))

    def _bin(self) -> None:
        if (episode := self._chosen()) is not None:
            self._commands.move_to_bin(episode)

    def _chosen(self) -> EpisodeRow | None:
        if self.selected is None:
            self._bridge.notice.emit("info", "No episode is selected.", "Click one in the list first.")
        return self.selected

    def _open_menu(self, at: QPoint) -> None:
        if self.selected is None:
            return
        menu = QMenu(self)
        menu.addAction("Label success", lambda: self._label("success"))
        menu.addAction("Label failure", lambda: self._label("failure"))
        menu.addAction("Replay", self._replay)
        menu.addSeparator()
        menu.addAction("Move to bin", self._bin)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.list.viewport().mapToGlobal(at))
