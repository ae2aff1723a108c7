"""What the operator says about takes afterwards: lines beside the episodes, so that recorded bytes never change.

`labels.jsonl` only grows. A line names an episode by its uuid, so it still holds after the file was renamed, binned or
restored; when and by whom it was said, and what: `outcome`, `add_tags`, `remove_tags`, `note`, `split` or `dismiss`.
"""

import fcntl
import json
import os
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from recorders.disk import sync_folder
from recorders.episode import OUTCOMES, check_outcome
from recorders.errors import disk_errors

LABELS_FILE = "labels.jsonl"
SPLITS = ("", "train", "held_out")
SUGGESTIONS = ("trim",)  # what the app suggests and the operator may dismiss

_TAG_CHARACTERS = 40
_MOST_TAGS = 32  # more of one episode are ignored
_NOTE_CHARACTERS = 2000
_KEYS = ("outcome", "add_tags", "remove_tags", "note", "split", "dismiss")


@dataclass(frozen=True)
class Annotation:
    """All that was said about one episode. `outcome` "" for as recorded, `split` "" for undecided."""

    outcome: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    split: str = ""
    dismissed: tuple[str, ...] = ()


NOTHING_SAID = Annotation()


class AnnotationFile:
    """The annotations of a folder in memory; `refresh` reads only what was added since."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LABELS_FILE
        self._said: dict[str, Annotation] = {}
        self._read_to = 0
        self._inode = 0

    def of(self, uuid: str) -> Annotation:
        return self._said.get(uuid, NOTHING_SAID)

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Changes whenever the file does."""
        return _stamp(self._path)

    def refresh(self) -> set[str] | None:
        """The uuids about which something new was said; None when all may have changed. Raises `DiskError`."""
        with disk_errors("read the labels", self._path):
            inode, size, _ = _stamp(self._path)
            replaced = self._inode != 0 and (inode != self._inode or size < self._read_to)
            if replaced:
                self._said, self._read_to = {}, 0
            self._inode = inode
            if size == self._read_to:
                return None if replaced else set()
            with open(self._path, "rb") as file:
                file.seek(self._read_to)
                changed = self._take_in(file)
        return None if replaced else changed

    def _take_in(self, lines: Iterable[bytes]) -> set[str]:
        changed = set()
        for line in lines:
            # A line without an end is being written, or a crash tore it: it is looked at again when there is more.
            if not line.endswith(b"\n"):
                break
            self._read_to += len(line)
            uuid, said = _parsed(line)
            if said:
                self._said[uuid] = _added(self.of(uuid), said)
                changed.add(uuid)
        return changed


_files: dict[Path, AnnotationFile] = {}
_reading = threading.Lock()


def annotation_of(folder: Path, uuid: str) -> Annotation:
    """What was said about one episode of `folder`. Lines that a crash tore say nothing. Raises `DiskError`.

    What was read once is remembered: thousands of episodes may be opened one after the other.
    """
    with _reading:
        file = _files.get(folder) or _files.setdefault(folder, AnnotationFile(folder))
        file.refresh()
        return file.of(uuid)


def annotate(folder: Path, uuid: str, who: str = "", **said: Any) -> None:
    """Adds one line, on the disk when this returns.

    `said`: `outcome` one of `OUTCOMES`, `add_tags` and `remove_tags` lists of tags, `note` text, `split` one of
    `SPLITS`, `dismiss` one of `SUGGESTIONS`. Raises `ValueError` for anything else, `DiskError`.
    """
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    checked = {key: _check(key, value) for key, value in said.items()}
    line = json.dumps({"uuid": uuid, "at": at, **({"who": who} if who else {}), **checked}).encode() + b"\n"
    path = folder / LABELS_FILE
    with disk_errors("write the label", path):
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            # A line that a crash tore must not swallow this one.
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(descriptor, line)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(folder)


def copy_annotation(annotation: Annotation, folder: Path, uuid: str) -> None:
    """Says of episode `uuid` what was said of another. A dismissed suggestion is not copied: it was about the other."""
    said: dict[str, Any] = {"note": annotation.note, "split": annotation.split, "outcome": annotation.outcome}
    said = {key: value for key, value in said.items() if value}
    if annotation.tags:
        said["add_tags"] = list(annotation.tags)
    if said:
        annotate(folder, uuid, **said)


def check_tag(tag: str) -> str:
    """The tag without spaces around it. Raises `ValueError` for one that is empty, too long or no text for a line."""
    plain = unicodedata.normalize("NFC", tag).strip()
    if not plain or len(plain) > _TAG_CHARACTERS or _unprintable(plain):
        raise ValueError(f"{tag!r} is no tag: use 1 to {_TAG_CHARACTERS} characters on one line")
    return plain


def _check(key: str, value: Any) -> Any:
    match key:
        case "outcome":
            return check_outcome(value)
        case "add_tags" | "remove_tags":
            return [check_tag(tag) for tag in value]
        case "note":
            return _check_note(value)
        case "split":
            return _one_of("split", value, SPLITS)
        case "dismiss":
            return _one_of("suggestion", value, SUGGESTIONS)
    raise ValueError(f"{key!r} can not be said about an episode, only {', '.join(_KEYS)}")


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{what} {value!r} is none of {allowed}")
    return value


def _check_note(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).strip()
    if len(plain) > _NOTE_CHARACTERS:
        raise ValueError(f"the note has {len(plain)} characters, {_NOTE_CHARACTERS} are possible")
    if _unprintable(plain.replace("\n", " ").replace("\t", " ")):
        raise ValueError("the note holds control characters. Use plain text, line breaks and tabs")
    return plain


def _unprintable(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)


def _parsed(line: bytes) -> tuple[str, dict[str, Any]]:
    """(uuid, what was said) as far as it is well said."""
    try:
        said = json.loads(line)
        uuid = said["uuid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", {}
    if not isinstance(uuid, str):
        return "", {}
    return uuid, {key: said[key] for key in _KEYS if key in said and _well_said(key, said[key])}


def _well_said(key: str, value: Any) -> bool:
    match key:
        case "outcome":
            return value in OUTCOMES
        case "split":
            return value in SPLITS
        case "add_tags" | "remove_tags":
            return isinstance(value, list) and all(isinstance(tag, str) for tag in value)
    return isinstance(value, str)


def _added(before: Annotation, said: dict[str, Any]) -> Annotation:
    tags = [tag for tag in before.tags if tag not in said.get("remove_tags", ())]
    tags += [tag for tag in dict.fromkeys(said.get("add_tags", ())) if tag not in tags]
    dismissed = before.dismissed
    if "dismiss" in said and said["dismiss"] not in dismissed:
        dismissed += (said["dismiss"],)
    return Annotation(
        outcome=said.get("outcome", before.outcome),
        tags=tuple(tags[:_MOST_TAGS]),
        note=said.get("note", before.note),
        split=said.get("split", before.split),
        dismissed=dismissed,
    )


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
