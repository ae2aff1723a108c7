"""The keys of the Set-up page; the page, its buttons and the key sheet are made from this table."""

from ui.actions import KeySpec

GROUP = "Set-up page"


def _key(name: str, title: str, key: str, tooltip: str) -> KeySpec:
    return KeySpec(f"setup_{name}", title, key, tooltip, GROUP)


SETUP_KEYS: tuple[KeySpec, ...] = (
    _key("next", "Next", "Return", "Begin; the next step, or the next part"),
    _key("earlier", "Part before", "PgUp", "The part of the set-up before this one"),
    _key("later", "Part after", "PgDown", "The part of the set-up after this one"),
    _key("scan", "Scan", "F5", "Look for servos on all ports, or for cameras"),
    _key("identify", "Move an arm", "W", "See on which port it is: its bar grows"),
    _key("calibrate_leader", "Calibrate the leader", "Ctrl+Shift+L", "Begin the calibration of the leader"),
    _key("calibrate_follower", "Calibrate the follower", "Ctrl+Shift+F", "Begin the calibration of the follower"),
    _key("cancel", "Cancel calibration", "Ctrl+Backspace", "End the running calibration; nothing is written"),
    _key("save", "Save", "Ctrl+S", "Write the rig file into this workspace"),
    _key("save_and_open", "Save and open", "Ctrl+Return", "Write the rig file, end the set-up and open the rig"),
)
