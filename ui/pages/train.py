"""Train: start a run with one click, watch it live, try it while it trains, stop and keep, resume."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from teleop_studio.status import StudioStatus
from ui.bridge import Bridge
from ui.commands import Commands
from ui.pages.page import Page
from ui.pages.record import SIDE_WIDTH
from ui.widgets.train.host_dialog import HostDialog
from ui.widgets.train.interrupted_bar import InterruptedBar
from ui.widgets.train.lesson_panel import LessonPanel
from ui.widgets.train.lesson_view import LessonView
from ui.widgets.train.more_choices import MoreChoices
from ui.widgets.train.new_run import NewRunPanel
from ui.widgets.train.progress_panel import ProgressPanel
from ui.widgets.train.runs_panel import RunsPanel

_HOSTS_EVERY = 30  # refreshes: a second


class TrainPage(Page):
    def __init__(self, bridge: Bridge, commands: Commands, actions: dict[str, QAction]) -> None:
        super().__init__(bridge, commands, actions)
        self.setObjectName("train_page")
        self._count = 0
        self.choices = MoreChoices(bridge)
        self.new_run = NewRunPanel(bridge, self.choices)
        self.lesson = LessonPanel(bridge)
        self.runs = RunsPanel(bridge, commands)
        self.interrupted = InterruptedBar(bridge)
        self.progress = ProgressPanel(bridge, commands)
        self.lesson_view = LessonView(bridge)
        self.stack = QStackedWidget()
        for widget in (self.progress, self.lesson_view):
            self.stack.addWidget(widget)
        self._lay_out()
        self.choices.host_wanted.connect(self.add_host)
        self.lesson.figure_wanted.connect(self.show_lesson)
        self.lesson_view.closed.connect(lambda: self.stack.setCurrentWidget(self.progress))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 12, 12)
        row.setSpacing(12)
        main = QVBoxLayout()
        main.setSpacing(12)
        for widget in (self.interrupted, self.choices):
            main.addWidget(widget)
        main.addWidget(self.stack, 1)
        row.addLayout(main, 1)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.new_run)
        column.addWidget(self.lesson)
        column.addWidget(self.runs, 1)
        row.addWidget(side)

    def enter(self) -> None:
        self.new_run.reread()
        self.runs.enter()
        self.progress.reread()
        self._reread_hosts()

    def refresh(self, status: StudioStatus) -> None:
        self._count += 1
        if self._count % _HOSTS_EVERY == 0 and self.choices.isVisible():
            self._reread_hosts()
        self.new_run.refresh(status)
        self.lesson.refresh(status.lesson)
        self.runs.refresh(status)
        self.interrupted.refresh(self.runs.runs, status.training is not None and status.training.running)
        self.progress.refresh(status.training)

    def show_lesson(self) -> None:
        """The figure of the last lesson instead of the curves."""
        lesson = self.bridge.status.lesson
        if lesson is not None:
            self.lesson_view.show_lesson(lesson)
            self.stack.setCurrentWidget(self.lesson_view)

    def add_host(self) -> None:
        dialog = HostDialog(self.bridge, self)
        dialog.added.connect(self._host_added)
        dialog.finished.connect(lambda _result: self._reread_hosts())
        dialog.show()  # not modal: ssh takes its time, and STOP stays within reach of the mouse

    def _host_added(self, name: str) -> None:
        self._reread_hosts()
        self.choices.choose_host(name)

    def _reread_hosts(self) -> None:
        self.choices.offer_hosts(self.bridge.call(self.studio.training_hosts) or ())
