"""Every key of the app, once: buttons, menu and key sheet are made from this table."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from ui.commands import Commands


@dataclass(frozen=True)
class KeySpec:
    """An action: `name` is its objectName and the method of `Commands`; `verb` the session's word for it, if any."""

    name: str
    title: str
    key: str
    tooltip: str
    group: str
    verb: str = ""


KEYS: tuple[KeySpec, ...] = (
    KeySpec("advance", "Record / accept", "Space", "Start a take; while one runs, keep it as a success", "Takes"),
    KeySpec("discard", "Discard take", "Backspace", "Throw the running take away", "Takes", "discard"),
    KeySpec("success", "Success", "S", "Keep the take as a success; else relabel the selected or newest", "Takes"),
    KeySpec("failure", "Failure", "F", "Keep the take as a failure; else relabel the selected or newest", "Takes"),
    KeySpec("bookmark", "Bookmark", "B", "Mark this moment of the running take", "Takes", "bookmark"),
    KeySpec("teleop", "Teleoperate", "L", "The follower copies the leader; nothing is written", "Arm", "teleop"),
    KeySpec("autonomous", "Autonomous", "P", "The chosen policy drives the follower", "Arm", "autonomous"),
    KeySpec(
        "take_over", "Take over", "T", "The leader drives again; the trial becomes a correction", "Arm", "take_over"
    ),
    KeySpec("resume", "Resume", "R", "Leave STOP, torque off or a fault", "Arm", "resume"),
    KeySpec("rest", "Rest", "Shift+R", "The follower moves slowly to its rest pose and goes limp there", "Arm", "rest"),
    KeySpec(
        "torque_off", "Torque off", "Ctrl+T", "Release the arm (press twice); support it first", "Arm", "torque_off"
    ),
    KeySpec("servos", "Servos", "J", "Temperature, voltage, load and errors of every servo; reboot one", "Arm"),
    KeySpec("demo_operator", "Demo operator", "D", "The scripted hand moves the leader once", "Simulated rig"),
    KeySpec("new_scene", "New scene", "N", "Put the objects at new places", "Simulated rig"),
    KeySpec("open_rig", "Open rig", "Ctrl+O", "Start the arms, the cameras and the recorder", "Window"),
    KeySpec("close_rig", "Close rig", "Ctrl+W", "End arms, cameras and recorder; a training goes on", "Window"),
    KeySpec("choose_rig", "Choose a rig", "Ctrl+G", "The rigs of this workspace, and the simulated one", "Window"),
)
STOP_KEY = KeySpec(
    "stop", "STOP", "Esc", "Hold the arm where it is, now. Works in dialogs and text fields too", "Arm", "stop"
)


def make_actions(window: QWidget, commands: Commands) -> dict[str, QAction]:
    """One QAction per key on `window`, by name. STOP has none: `StopKey` hears Esc before any shortcut could."""
    actions = {}
    for spec in KEYS:
        actions[spec.name] = add_action(window, spec, getattr(commands, spec.name))
    return actions


def add_action(window: QWidget, spec: KeySpec, run: Callable[[], object]) -> QAction:
    action = QAction(spec.title, window)
    action.setObjectName(spec.name)
    action.setShortcut(QKeySequence(spec.key))
    action.setToolTip(f"{spec.tooltip} ({spec.key})")
    action.setAutoRepeat(False)  # a held Space must not start and accept takes in turn
    action.triggered.connect(lambda _checked=False: run())
    window.addAction(action)
    return action
