"""Remembers what the episode files of a folder say, because opening hundreds of them takes seconds.

Only ever a copy: one that is missing, damaged, of another version or can not be written costs time, nothing else.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

CACHE_FILE = ".catalog.json"
_VERSION = 1
_SAVE_AFTER = 20  # files read anew: opening so few again is quicker than writing a long cache after each take

Stamp = tuple[int, int]  # modification time ns, size
Entry = tuple[Stamp, dict[str, Any]]


class CatalogCache:
    """Per file name its stamp and what it said then, in memory and in a file of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries = self._load()
        self._unsaved = 0

    def said(self, name: str, stamp: Stamp) -> dict[str, Any] | None:
        """What the file said; None when it is new or has changed."""
        then, said = self._entries.get(name, (None, None))
        return said if then == stamp else None

    def replace(self, entries: dict[str, Entry]) -> None:
        """`entries` are all files there are now."""
        self._unsaved += sum(self._entries.get(name) != entry for name, entry in entries.items())
        self._entries = entries
        if self._unsaved >= _SAVE_AFTER:
            self._save()
            self._unsaved = 0

    def _load(self) -> dict[str, Entry]:
        try:
            content = json.loads((self._folder / CACHE_FILE).read_bytes())
            if content["version"] != _VERSION:
                return {}
            return {name: ((time_ns, size), dict(said)) for name, (time_ns, size, said) in content["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _save(self) -> None:
        """In one step; nothing in a folder that can not be written."""
        files = {name: (*stamp, said) for name, (stamp, said) in self._entries.items()}
        temporary = self._folder / f"{CACHE_FILE}.{os.getpid()}"
        with contextlib.suppress(OSError):
            temporary.write_text(json.dumps({"version": _VERSION, "files": files}))
            os.replace(temporary, self._folder / CACHE_FILE)
