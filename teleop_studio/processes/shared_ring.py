"""A ring of equal items in shared memory: one writer, many readers, nobody waits for anybody.

Each slot has a sequence lock: odd while it is written, `2 * index + 2` once item `index` lies there. A reader that
was overtaken gets None, never torn data. Proven on x86; numpy stores carry no barriers, so other memory models would
need a test of their own.

Only the supervisor creates and unlinks; names carry its pid, so that `sweep` can remove what a killed one left, and
a number drawn at random, because a pid comes again.
"""

import contextlib
import os
import re
import secrets
import threading
from dataclasses import dataclass
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PREFIX = "tstudio"
_HEADER_BYTES = 64
_OURS = f"{_PREFIX}_{os.getpid()}_{secrets.token_hex(3)}"
_attach_lock = threading.Lock()


@dataclass(frozen=True)
class RingSpec:
    """What a process needs to attach: picklable. `dtype` is a numpy dtype description, `shape` one item's shape."""

    name: str
    slots: int
    shape: tuple[int, ...]
    dtype: Any

    @property
    def item_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64) * np.dtype(self.dtype).itemsize)

    @property
    def total_bytes(self) -> int:
        stride = -(-self.item_bytes // 64) * 64
        return _HEADER_BYTES + -(-16 * self.slots // 64) * 64 + self.slots * stride


class SharedRing:
    """Latest-N ring of numpy items, each with a monotonic stamp (ns)."""

    def __init__(self, spec: RingSpec, segment: shared_memory.SharedMemory, owner: bool) -> None:
        self.spec = spec
        self._segment, self._owner, self._closed = segment, owner, False
        buffer = segment.buf
        stride = -(-spec.item_bytes // 64) * 64
        first = _HEADER_BYTES + -(-16 * spec.slots // 64) * 64
        self._head: NDArray[np.int64] = np.ndarray(1, np.int64, buffer)
        self._sequence: NDArray[np.int64] = np.ndarray(spec.slots, np.int64, buffer, _HEADER_BYTES)
        self._stamps: NDArray[np.int64] = np.ndarray(spec.slots, np.int64, buffer, _HEADER_BYTES + 8 * spec.slots)
        self._items: list[NDArray[Any]] = [
            np.ndarray(spec.shape, spec.dtype, buffer, first + k * stride) for k in range(spec.slots)
        ]
        strides = np.empty(spec.shape, spec.dtype).strides
        self._all: NDArray[Any] = np.ndarray((spec.slots, *spec.shape), spec.dtype, buffer, first, (stride, *strides))

    @classmethod
    def create(cls, tag: str, slots: int, shape: tuple[int, ...], dtype: Any) -> "SharedRing":
        """A new ring owned by this process. `tag` names it: letters, digits, "_" and "-", unique within the process.

        Raises `ValueError` for another tag or no slot, `FileExistsError` for a tag in use.
        """
        if not re.fullmatch(r"[\w-]+", tag, re.ASCII) or slots < 1:
            raise ValueError(f"a ring needs a plain tag and at least one slot; got {tag!r}, {slots}")
        spec = RingSpec(f"{_OURS}_{tag}", slots, shape, dtype)
        segment = shared_memory.SharedMemory(spec.name, create=True, size=spec.total_bytes)
        return cls(spec, segment, owner=True)

    @classmethod
    def attach(cls, spec: RingSpec) -> "SharedRing":
        """Attach to a ring of another process. Raises `FileNotFoundError` when it is gone."""
        with _attach_lock:
            # CPython 3.12 has no track=False: a tracked attach would unlink the owner's segment (gh-82300).
            register: Any = resource_tracker.register
            resource_tracker.register = lambda name, rtype: None if rtype == "shared_memory" else register(name, rtype)
            try:
                segment = shared_memory.SharedMemory(spec.name)
            finally:
                resource_tracker.register = register
        return cls(spec, segment, owner=False)

    @property
    def written(self) -> int:
        """How many items were written so far; the newest has index `written - 1`."""
        return int(self._head[0])

    def push(self, item: NDArray[Any] | Any, stamp_ns: int) -> int:
        """Write one item, overwriting the oldest; returns its index."""
        index = int(self._head[0])
        slot = index % self.spec.slots
        self._sequence[slot] = 2 * index + 1
        self._items[slot][...] = item
        self._stamps[slot] = stamp_ns
        self._sequence[slot] = 2 * index + 2
        self._head[0] = index + 1
        return index

    def read(self, index: int) -> tuple[int, NDArray[Any]] | None:
        """(stamp_ns, copy) of item `index`; None when it is not there yet, or was overwritten."""
        slot = index % self.spec.slots
        if index < 0 or self._sequence[slot] != 2 * index + 2:
            return None
        item = self._items[slot].copy()
        stamp_ns = int(self._stamps[slot])
        return (stamp_ns, item) if self._sequence[slot] == 2 * index + 2 else None

    def stamp_ns(self, index: int) -> int | None:
        """The stamp of item `index` without copying it; None when it is not there yet, or was overwritten."""
        slot = index % self.spec.slots
        if index < 0 or self._sequence[slot] != 2 * index + 2:
            return None
        stamp_ns = int(self._stamps[slot])
        return stamp_ns if self._sequence[slot] == 2 * index + 2 else None

    def read_into(self, index: int, out: NDArray[Any]) -> int | None:
        """As `read`, copying into `out`: an item as large as a picture costs more to make room for than to copy.

        Returns the stamp (ns); None, with anything in `out`, when the item is not there yet or was overwritten.
        """
        slot = index % self.spec.slots
        if index < 0 or self._sequence[slot] != 2 * index + 2:
            return None
        out[...] = self._items[slot]
        stamp_ns = int(self._stamps[slot])
        return stamp_ns if self._sequence[slot] == 2 * index + 2 else None

    def read_run(self, first: int, end: int) -> tuple[int, NDArray[Any]]:
        """(index, copies (n, *shape)) of items `first` up to `end` (exclusive), or of as many as lie side by side.

        `index` is that of the first item returned. It is greater than `first` when older ones were overwritten;
        then n may be 0. Go on at `index + n` until that is `end`.
        """
        slots = self.spec.slots
        end = min(end, self.written)
        first = max(first, end - slots)
        if first >= end:
            return max(first, end), self._all[:0].copy()
        slot = first % slots
        count = min(end - first, slots - slot)
        whole = 2 * np.arange(first, first + count) + 2
        there = self._sequence[slot : slot + count] == whole
        items = self._all[slot : slot + count].copy()
        there &= self._sequence[slot : slot + count] == whole
        lost = np.flatnonzero(~there)  # the writer takes the oldest first: what is left is the end of the run
        gone = int(lost[-1]) + 1 if len(lost) else 0
        return first + gone, items[gone:]

    def latest(self) -> tuple[int, int, NDArray[Any]] | None:
        """(index, stamp_ns, copy) of the newest item; None while the ring is empty."""
        for _ in range(4):
            index = int(self._head[0]) - 1
            if index < 0:
                return None
            found = self.read(index)
            if found is not None:
                return index, *found
        return None

    def newest_stamp_ns(self) -> int:
        """Stamp of the newest item without copying it; 0 while the ring is empty."""
        index = int(self._head[0]) - 1
        return 0 if index < 0 else int(self._stamps[index % self.spec.slots])

    def close(self) -> None:
        """Detach; the owner also removes the segment. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        del self._head, self._sequence, self._stamps, self._all
        self._items = []
        self._segment.close()
        if self._owner:
            with contextlib.suppress(FileNotFoundError):  # somebody emptied the folder of shared memory
                self._segment.unlink()


def sweep(folder: Path = Path("/dev/shm")) -> list[str]:
    """Remove segments whose supervisor is gone; returns their names. What belongs to another user stays.

    Linux only: elsewhere shared memory has no folder, and nothing is done.
    """
    removed: list[str] = []
    if not folder.is_dir():
        return removed
    for entry in folder.iterdir():
        match = re.fullmatch(_PREFIX + r"_(\d+)_.*", entry.name)
        if match and not _alive(int(match[1])):
            with contextlib.suppress(OSError):
                entry.unlink()
                removed.append(entry.name)
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # signal 0 only asks
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
