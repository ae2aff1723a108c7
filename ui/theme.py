"""The look: palette, bundled font, style sheet and the one colour of each state."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from teleop_studio.status import State

FONTS = Path(__file__).parent / "fonts"
ICONS = Path(__file__).parent / "icons"
FAMILY = "Inter"

# Greys from back to front; three text strengths.
WINDOW = "#0d1014"
PANEL = "#151a20"
RAISED = "#1e252d"
HOVER = "#28313b"
LINE = "#2b343f"
TEXT = "#e8edf2"
SOFT = "#9ba8b5"
FAINT = "#65727f"

ACCENT = "#4c9ffe"
GOOD = "#3fb950"
WARN = "#f0a92b"
BAD = "#f2545b"
STOP = "#e0252c"

# Data has the same colour on every page.
LEADER = "#8d99a6"
FOLLOWER = "#4c9ffe"
ACTION = "#f0a92b"
HUMAN = "#4c9ffe"
POLICY = "#a98bff"
LEFT = "#4bd37b"  # the arm's left, +y of the base frame
RIGHT = "#49a6ff"
EXECUTED = "#ffd23f"


@dataclass(frozen=True)
class StateLook:
    """How a state looks on the bar: its word, its colour, the colour of text on it, and whether it is striped."""

    word: str
    colour: str
    ink: str = "#ffffff"
    striped: bool = False


STATE_LOOKS: dict[State, StateLook] = {
    State.CLOSED: StateLook("Closed", "#39424d"),
    State.IDLE: StateLook("Idle", "#5c6875"),
    State.TELEOP: StateLook("Teleop", "#2277e0"),
    State.RECORDING: StateLook("Recording", "#d81f4a"),
    State.RESET: StateLook("Reset", "#f0a01e", "#1b1200"),
    State.POLICY: StateLook("Policy", "#7c4ff0"),
    State.REPLAY: StateLook("Replay", "#0f9aa0"),
    State.STOPPED: StateLook("Stopped", "#ffd400", "#141200", striped=True),
    State.REST: StateLook("To rest", "#2f8f4e"),
    State.LIMP: StateLook("Torque off", "#ff8a3c", "#1b0d00", striped=True),
    State.FAULT: StateLook("Fault", "#ff5fa2", "#22000f", striped=True),
}


def font(pixels: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The app's font with figures of equal width, so that running numbers do not shake."""
    chosen = QFont(FAMILY)
    chosen.setPixelSize(pixels)
    chosen.setWeight(weight)
    chosen.setFeature(QFont.Tag("tnum"), 1)
    return chosen


def apply(app: QApplication) -> None:
    """Load the bundled fonts and set style, palette and style sheet of the whole app.

    Raises `FileNotFoundError` when a font of the package is missing: without one, every glyph would be a box.
    """
    for weight in ("Regular", "Medium", "SemiBold"):
        path = FONTS / f"Inter-{weight}.otf"
        if QFontDatabase.addApplicationFont(str(path)) < 0:
            raise FileNotFoundError(
                f"The font {path.name} of the package can not be loaded. Install teleop-studio anew."
            )
    app.setStyle("Fusion")
    app.setPalette(_palette())
    app.setFont(font(13))
    app.setStyleSheet(_STYLE)


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, WINDOW),
        (role.WindowText, TEXT),
        (role.Base, PANEL),
        (role.AlternateBase, RAISED),
        (role.Text, TEXT),
        (role.Button, RAISED),
        (role.ButtonText, TEXT),
        (role.ToolTipBase, RAISED),
        (role.ToolTipText, TEXT),
        (role.PlaceholderText, FAINT),
        (role.Highlight, ACCENT),
        (role.HighlightedText, "#06121f"),
        (role.Link, ACCENT),
    ):
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(FAINT))
    return palette


_STYLE = f"""
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 5px 7px; }}
QFrame#panel {{ background: {PANEL}; border: 1px solid #1f262e; border-radius: 8px; }}
QLabel[role="caption"] {{ color: {SOFT}; font-size: 11px; font-weight: 500; }}
QLabel[role="heading"] {{ color: {SOFT}; font-size: 12px; font-weight: 600; }}
QLabel[role="soft"] {{ color: {SOFT}; font-size: 12px; }}
QLineEdit, QComboBox, QAbstractSpinBox, QPlainTextEdit {{
    background: {WINDOW}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 5px;
    padding: 2px 8px; min-height: 22px; selection-background-color: {ACCENT};
}}
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus {{ border-color: {ACCENT}; }}
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled {{ color: {FAINT}; border-color: #20272f; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url({ICONS.as_posix()}/down.svg); width: 12px; height: 12px; }}
QAbstractSpinBox {{ padding: 2px 20px 2px 0; }}
QAbstractSpinBox QLineEdit {{ border: none; background: transparent; min-height: 0; padding: 0; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; width: 20px; border: none; margin-top: 2px; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; width: 20px; border: none; margin-bottom: 2px; }}
QAbstractSpinBox::up-arrow {{ image: url({ICONS.as_posix()}/up.svg); width: 10px; height: 10px; }}
QAbstractSpinBox::down-arrow {{ image: url({ICONS.as_posix()}/down.svg); width: 10px; height: 10px; }}
QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px; outline: none; }}
QPushButton {{
    background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; border-radius: 6px;
    padding: 5px 12px; min-height: 20px; font-weight: 500;
}}
QPushButton:hover {{ background: {HOVER}; }}
QPushButton:pressed {{ background: {LINE}; }}
QPushButton:checked {{ background: #1d3a5c; border-color: {ACCENT}; color: #ffffff; }}
QPushButton:disabled {{ color: {FAINT}; background: {PANEL}; border-color: #20272f; }}
QPushButton[quiet="true"] {{ background: transparent; border: none; color: {SOFT}; padding: 2px 6px; }}
QPushButton[quiet="true"]:hover {{ color: {TEXT}; background: {RAISED}; }}
QPushButton[quiet="true"]:checked {{ color: {TEXT}; background: {HOVER}; }}
QCheckBox {{ spacing: 7px; color: {SOFT}; }}
QCheckBox::indicator {{
    width: 14px; height: 14px; border: 1px solid {LINE}; border-radius: 4px; background: {WINDOW};
}}
QCheckBox::indicator:checked {{
    background: {ACCENT}; border-color: {ACCENT}; image: url({ICONS.as_posix()}/check.svg);
}}
QSlider::groove:horizontal {{ height: 4px; background: {LINE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::handle:horizontal {{
    width: 16px; height: 16px; margin: -6px 0; border-radius: 8px; background: {TEXT};
}}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QSlider::handle:horizontal:disabled {{ background: {FAINT}; }}
QProgressBar {{
    background: {WINDOW}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; color: transparent;
}}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 5px; }}
QMenu::item {{ padding: 6px 26px 6px 14px; border-radius: 4px; }}
QMenu::item:selected {{ background: {HOVER}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 5px 8px; }}
QAbstractItemView {{ background: transparent; border: none; outline: none; }}
QHeaderView {{ background: transparent; border: none; }}
QHeaderView::section {{
    background: {PANEL}; color: {SOFT}; font-size: 12px; font-weight: 500;
    border: none; border-bottom: 1px solid {LINE}; padding: 0 8px;
}}
QHeaderView::section:hover {{ color: {TEXT}; }}
QHeaderView::up-arrow {{ image: url({ICONS.as_posix()}/up.svg); width: 9px; height: 9px; }}
QHeaderView::down-arrow {{ image: url({ICONS.as_posix()}/down.svg); width: 9px; height: 9px; }}
QRadioButton {{ spacing: 8px; }}
QRadioButton::indicator {{
    width: 14px; height: 14px; border: 1px solid {FAINT}; border-radius: 8px; background: {WINDOW};
}}
QRadioButton::indicator:checked {{
    width: 6px; height: 6px; border: 5px solid {ACCENT}; border-radius: 8px; background: #ffffff;
}}
QRadioButton::indicator:disabled {{ border-color: {LINE}; }}
QRadioButton:disabled {{ color: {FAINT}; }}
QScrollBar:vertical {{ width: 9px; background: transparent; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 28px; }}
QScrollBar::handle:vertical:hover {{ background: {FAINT}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QScrollBar:horizontal {{ height: 0; }}
QDialog {{ background: {PANEL}; }}
"""
