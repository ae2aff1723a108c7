"""What a workspace remembers from one session to the next: small texts, in one file that may always be deleted."""

import contextlib
import json
import os
from pathlib import Path

_FILE = "remembered.json"
MOST_CHARACTERS = 64


def read_operator(root: Path) -> str:
    """The operator who was here last; "" when nobody said, or when the file can not be read."""
    try:
        return _clean(json.loads((root / _FILE).read_text(encoding="utf-8"))["operator"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


def remember_operator(root: Path, name: str) -> str:
    """Keeps `name` for the next session; returns it as it stands in the episodes: one line, `MOST_CHARACTERS` at most.

    Not being able to write costs the operator one more time of typing, so it is no error.
    """
    name = _clean(name)
    unfinished = root / f".{_FILE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        unfinished.write_text(json.dumps({"operator": name}), encoding="utf-8")
        os.replace(unfinished, root / _FILE)
    return name


def _clean(name: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printable.split())[:MOST_CHARACTERS].rstrip()
