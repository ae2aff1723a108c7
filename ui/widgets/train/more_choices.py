"""What stands behind "More": the policy's own settings, the training's, and where it trains."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from teleop_studio.learning_status import HostInfo
from teleop_studio.train_choices import PolicyInfo, TrainChoices
from ui.bridge import Bridge
from ui.widgets.file_pick import pick_folder
from ui.widgets.panel import Panel, button, caption, spin_box

_DEVICES = (("picked by itself", "auto"), ("processor", "cpu"), ("NVIDIA card", "cuda"), ("Apple's GPU", "mps"))
_ADD = "Add a host…"
_BACKBONE = "backbone"
_TOOLTIP = Qt.ItemDataRole.ToolTipRole


class MoreChoices(Panel):
    """`chosen()` is what would be trained now; untouched fields leave the default to the policy."""

    changed = Signal()
    host_wanted = Signal()

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("Choices", parent)
        self._bridge = bridge
        self._kind: PolicyInfo | None = None
        self._hosts: tuple[HostInfo, ...] | None = None
        self.own: dict[str, QComboBox] = {}
        self.steps = spin_box("training_steps", "training steps", 10, 10_000_000, 10)
        self.steps.setSingleStep(500)
        self.steps.setGroupSeparatorShown(True)
        self.seed = spin_box("training_seed", "seed of the training", 0, 1_000_000, 0)
        self.name = _text_field("run_name", "name of the run", "chosen for you")
        self.device = _choice("training_device", "what it runs on", _DEVICES)
        self.host = _choice("training_host", "where it trains", ())
        self.host.activated.connect(lambda _index: self._host_chosen())
        self.forget = button(
            "forget_host", "Forget", "Take this host off the list; what lies there stays", self._forget
        )
        where_row = QHBoxLayout()
        where_row.setContentsMargins(0, 0, 0, 0)
        where_row.setSpacing(6)
        where_row.addWidget(self.host, 1)
        where_row.addWidget(self.forget)
        self._where = QWidget()
        self._where.setLayout(where_row)
        self.weights = FolderField("weights", "folder of pretrained weights", bridge.studio.workspace.root)
        self.backbone = FolderField("backbone", "folder of the frozen backbone", bridge.studio.workspace.root)
        self.defaults = button("default_choices", "Defaults", "Put every choice back", self.reset, quiet=True)
        self.header.addWidget(self.defaults)
        self._lay_out()
        self._watch()
        self.hide()

    def _lay_out(self) -> None:
        self._own_grid, training, where = (_grid() for _ in range(3))
        columns = QHBoxLayout()
        columns.setSpacing(24)
        for grid in (self._own_grid, training, where):
            column = QVBoxLayout()
            column.addLayout(grid)
            column.addStretch(1)
            columns.addLayout(column, 1)
        self.body.addLayout(columns)
        for line, (text, field) in enumerate((("steps", self.steps), ("seed", self.seed), ("name", self.name))):
            _add_line(training, line, text, field)
        _add_line(where, 0, "where", self._where)
        _add_line(where, 1, "device", self.device)
        self._weights_caption = _add_line(where, 2, "weights", self.weights)
        # In the same place: no policy starts from weights and has a frozen backbone of its own besides.
        self._backbone_caption = _add_line(where, 2, "backbone", self.backbone)

    def _watch(self) -> None:
        for spin in (self.steps, self.seed):
            spin.valueChanged.connect(lambda _value: self._tell())
        for field in (self.name, self.weights.path, self.backbone.path):
            field.textChanged.connect(lambda _text: self._tell())
        for combo in (self.device, self.host):
            combo.currentIndexChanged.connect(lambda _index: self._tell())

    # --- what is offered -------------------------------------------------------------------------------------------

    def show_kind(self, kind: PolicyInfo | None) -> None:
        """Offer what this policy lets choose, at its defaults."""
        self._kind = kind
        self.heading.setText(f"Choices for {kind.title}" if kind is not None else "Choices")
        while (item := self._own_grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()  # it is deleted only when the next events are handled
                widget.deleteLater()
        self.own = {}
        for line, (name, values) in enumerate((kind.choices if kind is not None else {}).items()):
            combo = _choice(f"choice_{name}", _words(name), tuple((value_words(value), value) for value in values))
            combo.currentIndexChanged.connect(lambda _index: self._tell())
            _add_line(self._own_grid, line, _words(name), combo)
            self.own[name] = combo
        self.steps.setValue(self._default_steps)
        self._tell()

    def offer_hosts(self, hosts: tuple[HostInfo, ...]) -> None:
        """Where it can train: here, or on one of these."""
        if hosts == self._hosts:
            return
        self._hosts = hosts
        wanted = self.host.currentData()
        self.host.blockSignals(True)
        self.host.clear()
        self.host.addItem("this computer", "")
        for host in hosts:
            self.host.addItem(f"{host.name} (can not now)" if host.problem else host.name, host.name)
            self.host.setItemData(self.host.count() - 1, host.problem or host.device, _TOOLTIP)
        self.host.addItem(_ADD, None)
        self.host.setCurrentIndex(max(self.host.findData(wanted), 0) if wanted else 0)
        self.host.blockSignals(False)
        self._tell()

    def choose_host(self, name: str) -> None:
        self.host.setCurrentIndex(max(self.host.findData(name), 0))

    def reset(self) -> None:
        """Every choice as it was offered."""
        for field in (self.name, self.weights.path, self.backbone.path):
            field.clear()
        for combo in (*self.own.values(), self.device, self.host):
            combo.setCurrentIndex(0)
        self.seed.setValue(0)
        self.steps.setValue(self._default_steps)

    # --- what was chosen -------------------------------------------------------------------------------------------

    @property
    def lacking(self) -> str:
        """What has to be chosen before it can train; empty when nothing."""
        if self._frozen and not self.backbone.text:
            return "A frozen encoder needs the folder of its weights: choose it as backbone under More."
        return ""

    def chosen(self) -> TrainChoices:
        """Only what differs from the defaults is said."""
        steps = self.steps.value()
        return TrainChoices(
            policy=self._kind.name if self._kind is not None else TrainChoices().policy,
            steps=None if steps == self._default_steps else steps,
            name=self.name.text().strip() or None,
            policy_settings=self._own_settings(),
            weights=Path(self.weights.text) if self._wants_weights and self.weights.text else None,
            device=self.device.currentData(),
            host=self.host.currentData() or "",
            seed=self.seed.value(),
        )

    def words(self) -> str:
        """What differs from the defaults, in one line; empty when nothing does."""
        choices = self.chosen()
        said = [f"{_words(name)} {value_words(value)}" for name, value in choices.policy_settings.items()]
        if choices.steps is not None:
            said.append(f"{choices.steps:,} steps")
        if choices.seed:
            said.append(f"seed {choices.seed}")
        if choices.name:
            said.append(f"as {choices.name}")
        if choices.device != "auto":
            said.append(f"on the {self.device.currentText()}")
        if choices.host:
            said.append(f"on {choices.host}")
        if choices.weights is not None:
            said.append(f"from {choices.weights.name}")
        return ", ".join(said)

    def _own_settings(self) -> Mapping[str, Any]:
        settings = {name: combo.currentData() for name, combo in self.own.items() if combo.currentIndex() > 0}
        if self._frozen and self.backbone.text:
            settings[_BACKBONE] = self.backbone.text
        return settings

    @property
    def _default_steps(self) -> int:
        return self._kind.steps if self._kind is not None else self.steps.minimum()

    @property
    def _frozen(self) -> bool:
        return "encoder" in self.own and self.own["encoder"].currentData() == "frozen"

    @property
    def _wants_weights(self) -> bool:
        return self._kind is not None and self._kind.weights

    def _host_chosen(self) -> None:
        if self.host.currentText() == _ADD:
            self.host.setCurrentIndex(0)
            self.host_wanted.emit()

    def _forget(self) -> None:
        studio = self._bridge.studio
        self._bridge.call(studio.remove_training_host, self.host.currentData())
        self.offer_hosts(self._bridge.call(studio.training_hosts) or ())

    def _tell(self) -> None:
        self.forget.setVisible(bool(self.host.currentData()))
        for wanted, parts in (
            (self._wants_weights, (self.weights, self._weights_caption)),
            (self._frozen, (self.backbone, self._backbone_caption)),
        ):
            for part in parts:
                part.setVisible(wanted)
        self.changed.emit()


class FolderField(QWidget):
    """A folder, typed or picked."""

    def __init__(self, name: str, accessible: str, start: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._start = start
        self.path = _text_field(f"{name}_folder", accessible, "a folder")
        choose = button(f"choose_{name}", "Choose…", f"Pick the {accessible}", self._pick)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.path, 1)
        row.addWidget(choose)

    @property
    def text(self) -> str:
        return self.path.text().strip()

    def _pick(self) -> None:
        pick_folder(self, Path(self.text) if self.text else self._start, lambda path: self.path.setText(str(path)))


def value_words(value: object) -> str:
    """A setting's value as it is offered."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value in ("", None) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _choice(name: str, accessible: str, entries: tuple[tuple[str, Any], ...]) -> QComboBox:
    made = QComboBox()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    for text, value in entries:
        made.addItem(text, value)
    return made


def _text_field(name: str, accessible: str, placeholder: str) -> QLineEdit:
    made = QLineEdit()
    made.setObjectName(name)
    made.setAccessibleName(accessible)
    made.setPlaceholderText(placeholder)
    made.returnPressed.connect(made.clearFocus)
    return made


def _grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(10)
    grid.setVerticalSpacing(8)
    grid.setColumnStretch(1, 1)
    return grid


def _add_line(grid: QGridLayout, line: int, text: str, widget: QWidget) -> QWidget:
    """Returns the caption."""
    label = caption(text)
    grid.setRowMinimumHeight(line, 30)  # the same in each column, whatever kind of field
    grid.addWidget(label, line, 0)
    grid.addWidget(widget, line, 1)
    return label
