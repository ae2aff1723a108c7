"""A new run: which policy, one click, and what it will learn from. Everything else stands behind "More"."""

from PySide6.QtWidgets import QLabel, QWidget

from teleop_studio.status import StudioStatus
from teleop_studio.train_choices import PolicyInfo
from ui import theme
from ui.bridge import Bridge
from ui.widgets.panel import Panel, button, soft_label
from ui.widgets.train.more_choices import MoreChoices
from ui.widgets.train.policy_choice import PolicyChoice


class NewRunPanel(Panel):
    """`choices` is the panel behind "More"; it lies elsewhere on the page."""

    def __init__(self, bridge: Bridge, choices: MoreChoices, parent: QWidget | None = None) -> None:
        super().__init__("New run", parent)
        self._bridge, self._choices = bridge, choices
        self.policy = PolicyChoice()
        self.policy.currentIndexChanged.connect(lambda _index: self._policy_chosen())
        self.more = button(
            "more_choices", "More", "Network, steps, device, where it trains and the like", _nothing, True
        )
        self.more.setCheckable(True)
        self.more.toggled.connect(choices.setVisible)
        self.header.addWidget(self.more)
        self.start = button("train", "Train", "Train from all demonstrations kept", self._train)
        self.start.setStyleSheet(
            "QPushButton { min-height: 42px; font-size: 17px; font-weight: 600; }"
            f"QPushButton:enabled {{ background: {theme.ACCENT}; color: #04101f; border: none; }}"
            "QPushButton:enabled:hover { background: #6fb2ff; }"
        )
        self.summary = soft_label("", wrap=True)
        self.changed = QLabel("")
        self.changed.setWordWrap(True)
        self.changed.setStyleSheet(f"color: {theme.ACCENT}; font-size: 12px;")
        self.data = soft_label("", wrap=True)
        for widget in (self.policy, self.summary, self.changed, self.start, self.data):
            self.body.addWidget(widget)
        choices.changed.connect(self._say_changed)
        self._say_changed()

    def reread(self) -> None:
        kinds = self._bridge.call(self._bridge.studio.policy_kinds) or {}
        self.policy.offer(tuple(kinds.values()))

    def refresh(self, status: StudioStatus) -> None:
        lacking = self._choices.lacking
        running = status.training is not None and status.training.running
        self.start.setEnabled(not running and status.episodes > 0 and self.policy.chosen is not None and not lacking)
        self.data.setText(lacking or _where_from(status, running))
        self.data.setStyleSheet(f"color: {theme.WARN}" if lacking else "")

    def _policy_chosen(self) -> None:
        kind = self.policy.chosen
        self.summary.setText(_words(kind) if kind is not None else "No policy can be trained here.")
        self._choices.show_kind(kind)

    def _say_changed(self) -> None:
        words = self._choices.words()
        self.changed.setText(words)
        self.changed.setVisible(bool(words))

    def _train(self) -> None:
        self._bridge.call(self._bridge.studio.train, self._choices.chosen())
        self.more.setChecked(False)


def _words(kind: PolicyInfo) -> str:
    """What it does, and what it needs."""
    return kind.summary + (" Choose the folder of its weights under More." if kind.weights else "")


def _where_from(status: StudioStatus, running: bool) -> str:
    if running:
        return "A run is training. It goes on when this window is closed."
    if status.episodes == 0:
        return "There are no demonstrations yet: record some first (Ctrl+1)."
    ready, new = status.preparing
    preparing = f" Pictures of {ready} of {new} new ones are ready." if ready < new else ""
    return f"From {status.episodes} demonstrations; some are held out to measure the error.{preparing}"


def _nothing() -> None:
    """The button's check mark does it."""
