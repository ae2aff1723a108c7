"""What a power cut can leave on a disk: an operation log of one process, and the states that it allows.

A file system promises little: bytes are on the disk when their file was synced, a name when its folder was. All that
comes later may be there or not, page by page and name by name.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

PAGE = 4096
CHANCES = (0.0, 0.5, 0.9, 1.0)  # that an unsynced page, or name, is on the disk


@dataclass(frozen=True)
class Operation:
    """`kind` write, size, sync, sync folder, make, rename, link, unlink, mkdir, rmdir or say; `at_s` monotonic.

    Files are told apart by `file`, a number that stays when their name changes.
    """

    kind: str
    at_s: float
    file: int = -1
    offset: int = 0
    content: bytes = b""
    path: str = ""
    target: str = ""
    said: tuple[Any, ...] = ()


@contextmanager
def recorded(folder: Path) -> Iterator["Recorder"]:
    """All that this process does to files below `folder`, in order, by the functions of `os` that our code uses."""
    recorder = Recorder(folder)
    really = {name: getattr(os, name) for name in Recorder.WATCHED}
    for name, function in really.items():
        setattr(os, name, getattr(recorder, name)(function))
    try:
        yield recorder
    finally:
        for name, function in really.items():
            setattr(os, name, function)


class Recorder:
    """Stands between our code and `os`."""

    WATCHED = (
        "open", "close", "write", "writev", "pwrite", "ftruncate", "fsync", "fdatasync",
        "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir",
    )  # fmt: skip

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._open: dict[int, tuple[int, str, bool]] = {}  # descriptor -> file, path, whether it appends
        self._numbers: dict[int, int] = {}  # of files by their inodes
        self._count = 0
        self.operations: list[Operation] = []

    def say(self, *what: Any) -> None:
        """A word of the work itself, between the operations."""
        self.operations.append(Operation("say", time.monotonic(), said=what))

    def _note(self, kind: str, **what: Any) -> None:
        self.operations.append(Operation(kind, time.monotonic(), **what))

    def open(self, really: Callable[..., int]) -> Callable[..., int]:
        def watched(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            new = dir_fd is None and not os.path.lexists(path)
            descriptor = really(path, flags, mode, dir_fd=dir_fd)
            if dir_fd is None and self._is_ours(path):
                file = self._number(os.fstat(descriptor).st_ino, new)
                self._open[descriptor] = file, os.fspath(path), bool(flags & os.O_APPEND)
                if new:
                    self._note("make", file=file, path=os.fspath(path))
                elif flags & os.O_TRUNC:
                    self._note("size", file=file, offset=0)
            return descriptor

        return watched

    def _number(self, inode: int, new: bool) -> int:
        """A new file gets a new number: its inode may have belonged to one that is gone."""
        if new or inode not in self._numbers:
            self._count += 1
            self._numbers[inode] = self._count
        return self._numbers[inode]

    def close(self, really: Callable[[int], None]) -> Callable[[int], None]:
        def watched(descriptor: int) -> None:
            self._open.pop(descriptor, None)
            really(descriptor)

        return watched

    def write(self, really: Callable[..., int]) -> Callable[..., int]:
        return lambda descriptor, content: self._written(
            descriptor, [content], None, lambda: really(descriptor, content)
        )

    def writev(self, really: Callable[..., int]) -> Callable[..., int]:
        return lambda descriptor, pieces: self._written(descriptor, pieces, None, lambda: really(descriptor, pieces))

    def pwrite(self, really: Callable[..., int]) -> Callable[..., int]:
        return lambda descriptor, content, at: self._written(
            descriptor, [content], at, lambda: really(descriptor, content, at)
        )

    def _written(self, descriptor: int, pieces: list[Any], at: int | None, write: Callable[[], int]) -> int:
        known = self._open.get(descriptor)
        if known is None:
            return write()
        file, _, appends = known
        if at is None:
            at = os.fstat(descriptor).st_size if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
        count = write()
        self._note("write", file=file, offset=at, content=b"".join(bytes(piece) for piece in pieces)[:count])
        return count

    def ftruncate(self, really: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def watched(descriptor: int, size: int) -> None:
            really(descriptor, size)
            if descriptor in self._open:
                self._note("size", file=self._open[descriptor][0], offset=size)

        return watched

    def fsync(self, really: Callable[[int], None]) -> Callable[[int], None]:
        def watched(descriptor: int) -> None:
            # What is written while the disk works need not be on it: the state at the call counts.
            at = len(self.operations)
            really(descriptor)
            known = self._open.get(descriptor)
            if known is not None:
                file, path, _ = known
                self._note("sync folder" if os.path.isdir(path) else "sync", file=file, offset=at, path=path)

        return watched

    fdatasync = fsync

    def rename(self, really: Callable[..., None]) -> Callable[..., None]:
        return self._names("rename", really)

    replace = rename

    def link(self, really: Callable[..., None]) -> Callable[..., None]:
        return self._names("link", really)

    def _names(self, kind: str, really: Callable[..., None]) -> Callable[..., None]:
        def watched(path: Any, target: Any, **how: Any) -> None:
            really(path, target, **how)
            if self._is_ours(path):
                self._note(kind, path=os.fspath(path), target=os.fspath(target))

        return watched

    def unlink(self, really: Callable[..., None]) -> Callable[..., None]:
        return self._name("unlink", really)

    remove = unlink

    def rmdir(self, really: Callable[..., None]) -> Callable[..., None]:
        return self._name("rmdir", really)

    def mkdir(self, really: Callable[..., None]) -> Callable[..., None]:
        return self._name("mkdir", really)

    def _name(self, kind: str, really: Callable[..., None]) -> Callable[..., None]:
        def watched(path: Any, *arguments: Any, dir_fd: int | None = None, **how: Any) -> None:
            # shutil.rmtree names what it removes by the descriptor of its folder.
            full = os.fspath(path) if dir_fd is None else os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), path)
            really(path, *arguments, **({} if dir_fd is None else {"dir_fd": dir_fd}), **how)
            if self._is_ours(full):
                self._note(kind, path=full)

        return watched

    def _is_ours(self, path: Any) -> bool:
        return os.fspath(path) == self._folder or os.fspath(path).startswith(self._folder + "/")


@dataclass
class _File:
    content: bytearray = field(default_factory=bytearray)
    size: int = 0


class _Names:
    """A tree of names as inodes and entries: what is in a folder goes where the folder goes."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[str, int]] = {0: {}}  # folder -> name -> file (positive) or folder (negative)
        self._folders = 0

    def new_folder(self) -> int:
        self._folders -= 1
        self.entries[self._folders] = {}
        return self._folders

    def place(self, path: str) -> tuple[int, str]:
        """The folder of a path relative to the root, and the name in it."""
        folder = 0
        *above, name = path.split("/")
        for part in above:
            folder = self.entries[folder][part]
        return folder, name

    def folder(self, path: str) -> int:
        if path in ("", "."):
            return 0
        above, name = self.place(path)
        return self.entries[above][name]


# One step of names: (folder, name, what it leads to or None for nothing), all of it or nothing.
_Step = list[tuple[int, str, int | None]]


def disk_after_cut(operations: list[Operation], cut: int, folder: Path, target: Path, rng: Random) -> None:
    """Makes at `target` what a power cut before operation `cut` may leave of `folder`."""
    done = operations[:cut]
    chance = rng.choice(CHANCES)
    steps, synced_folders = _steps(done, str(folder))
    synced = {operation.file: operation.offset for operation in done if operation.kind == "sync"}
    files: dict[int, _File] = {}
    for index, operation in enumerate(done):
        if operation.kind in ("write", "size"):
            certain = index < synced.get(operation.file, 0)
            _change(files.setdefault(operation.file, _File()), operation, certain, chance, rng)
    kept = _Names()
    for index, step in steps:
        if any(index < synced_folders.get(place, 0) for place, _, _ in step) or rng.random() < chance:
            for place, name, leads_to in step:
                entries = kept.entries.setdefault(place, {})
                if leads_to is None:
                    entries.pop(name, None)
                else:
                    entries[name] = leads_to
    _lay_out(kept, 0, files, target, rng)


def _steps(done: list[Operation], root: str) -> tuple[list[tuple[int, _Step]], dict[int, int]]:
    """What was done to names, by the number of the operation; and before which one each folder is on the disk."""
    now = _Names()
    steps: list[tuple[int, _Step]] = []
    synced: dict[int, int] = {}
    for index, operation in enumerate(done):
        path, target = (os.path.relpath(name, root) if name else "" for name in (operation.path, operation.target))
        if operation.kind == "sync folder":
            synced[now.folder(path)] = operation.offset
        step = _step(now, operation, path, target)
        for place, name, leads_to in step:
            if leads_to is None:
                now.entries[place].pop(name, None)
            else:
                now.entries[place][name] = leads_to
        if step:
            steps.append((index, step))
    return steps, synced


def _step(now: _Names, operation: Operation, path: str, target: str) -> _Step:
    match operation.kind:
        case "make":
            return [(*now.place(path), operation.file)]
        case "mkdir":
            return [(*now.place(path), now.new_folder())]
        case "unlink" | "rmdir":
            return [(*now.place(path), None)]
        case "link":
            place, name = now.place(path)
            return [(*now.place(target), now.entries[place][name])]
        case "rename":
            place, name = now.place(path)
            return [(place, name, None), (*now.place(target), now.entries[place][name])]
    return []


def _change(file: _File, operation: Operation, certain: bool, chance: float, rng: Random) -> None:
    if operation.kind == "size":
        if certain or rng.random() < chance:
            file.size = operation.offset
            del file.content[operation.offset :]
        return
    begin, end = operation.offset, operation.offset + len(operation.content)
    if certain or rng.random() < chance:
        file.size = max(file.size, end)
    for page in range(begin // PAGE * PAGE, end, PAGE):
        if certain or rng.random() < chance:
            first, last = max(page, begin), min(page + PAGE, end)
            if len(file.content) < last:
                file.content.extend(bytes(last - len(file.content)))
            file.content[first:last] = operation.content[first - begin : last - begin]


def _lay_out(names: _Names, folder: int, files: dict[int, _File], target: Path, rng: Random) -> None:
    target.mkdir(parents=True)
    for name, leads_to in sorted(names.entries.get(folder, {}).items()):
        if leads_to <= 0:
            _lay_out(names, leads_to, files, target / name, rng)
            continue
        file = files.get(leads_to, _File())
        # A file system may have written the new size before the bytes.
        size = max(file.size, len(file.content)) if rng.random() < 0.5 else len(file.content)
        (target / name).write_bytes(bytes(file.content[:size]).ljust(size, b"\0"))
