"""The journal of one take: an append-only file of records, each with its own checksum, readable up to any cut.

A record is 28 bytes of head (magic, kind, stream, flags, payload length, count, stamp), the CRC-32 of head and
payload, and the payload; little-endian, unpadded. The HDF5 library never touches the disk while a take runs, because a
file that it was writing when the process died can not be opened again.
"""

import errno
import fcntl
import mmap
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from recorders.disk import sync_folder
from recorders.errors import EpisodeBusy, EpisodeMissing, disk_errors

_HEAD = struct.Struct("<4sBBHIQq")
_CRC = struct.Struct("<I")
_MAGIC = b"TSJ1"
_OVERHEAD = _HEAD.size + _CRC.size
_MAX_PAYLOAD = 64 << 20
_SYNC_PERIOD_S = 1.0


class Kind(IntEnum):
    """What a record holds. Numbers are on disk: never reuse one."""

    DESCRIPTION = 1
    SOURCE_NAME = 2
    FRAME = 3
    IMAGE = 4
    EVENT = 5
    GAP = 6
    CHUNK = 7
    END = 8


@dataclass(frozen=True)
class Record:
    """`stream` says which camera or source; `count` numbers all records of a journal from 0."""

    kind: int
    stream: int
    count: int
    stamp_ns: int
    payload: memoryview


class JournalWriter:
    """Appends records and brings them to the disk about once per second. Holds a lock that dies with the process."""

    def __init__(self, path: Path, above: tuple[Path, ...] = ()) -> None:
        """Makes the file. `above` are folders that are new as well, to be synced with it. Raises `DiskError`."""
        self._path = path
        with disk_errors("start a journal", path):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._count = 0
        self._synced_s = -_SYNC_PERIOD_S  # the first record makes the first sync
        self._unsynced_folders = (path.parent, *above)
        self._broken: OSError | None = None
        self._sync_wanted = threading.Event()
        self._closing = False
        # fdatasync can take tens of ms on a busy disk; in the writing thread that would overrun the camera rings.
        self._syncer = threading.Thread(target=self._sync_when_wanted, name="journal-sync", daemon=True)
        self._syncer.start()

    def append(self, kind: Kind, stream: int, stamp_ns: int, payload: bytes) -> None:
        """Writes one record. Raises `DiskError`; then the journal is closed, its tail torn, and raises it again."""
        head = _HEAD.pack(_MAGIC, kind, stream, 0, len(payload), self._count, stamp_ns)
        crc = _CRC.pack(zlib.crc32(payload, zlib.crc32(head)))
        with self._closing_when_broken():
            # A nearly full disk takes a part and raises only at the next write.
            if os.writev(self._fd, [head, crc, payload]) != _OVERHEAD + len(payload):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._count += 1
        now_s = time.monotonic()
        if now_s - self._synced_s >= _SYNC_PERIOD_S:
            self._synced_s = now_s
            self._sync_wanted.set()

    def sync(self) -> None:
        """Returns when everything is on the disk. Raises `DiskError`."""
        with self._closing_when_broken():
            self._sync_now()

    def close(self) -> None:
        """Ends without a sync of its own; a second call does nothing."""
        if self._closing:
            return
        self._closing = True
        self._sync_wanted.set()
        self._syncer.join()
        os.close(self._fd)

    @contextmanager
    def _closing_when_broken(self) -> Iterator[None]:
        """A journal that lost a write is at its end, and its lock must go so that it can be recovered."""
        with disk_errors("write the journal", self._path):
            if self._broken is not None:
                self.close()
                raise self._broken
            if self._closing:
                raise ValueError(f"the take at {self._path} is over, nothing can be added to it")
            try:
                yield
            except OSError as error:
                self._broken = error
                self.close()
                raise

    def _sync_when_wanted(self) -> None:
        while self._sync_wanted.wait() and not self._closing:
            self._sync_wanted.clear()
            try:
                self._sync_now()
            except OSError as error:
                self._broken = error
                return

    def _sync_now(self) -> None:
        os.fdatasync(self._fd)
        for folder in self._unsynced_folders:
            sync_folder(folder)
        self._unsynced_folders = ()


@contextmanager
def opened_journal(path: Path) -> Iterator[memoryview]:
    """The bytes of a journal that no process is writing; keeps others away while open.

    Raises `EpisodeMissing`, `EpisodeBusy`, `DiskError`.
    """
    try:
        with disk_errors("open the journal", path):
            descriptor = os.open(path, os.O_RDWR)
    except Exception as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise EpisodeMissing(f"There is no journal at {path}. It may have been built already.") from error
        raise
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise EpisodeBusy(f"The take at {path} is being written by another process. Wait for it to end.") from error
        # An empty file can not be mapped. The map is closed when the last view of it is gone.
        if os.fstat(descriptor).st_size == 0:
            yield memoryview(b"")
        else:
            yield memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)


def scan(data: memoryview) -> Iterator[Record]:
    """The whole records of a journal in order. Goes on at the next whole record behind damage; a torn tail ends it."""
    offset = 0
    while 0 <= offset <= len(data) - _OVERHEAD:
        record = _record_at(data, offset)
        if record is None:
            offset = _find_magic(data, offset + 1)
        else:
            yield record
            offset += record_bytes(record)


def record_bytes(record: Record) -> int:
    """What a record takes in the file."""
    return _OVERHEAD + len(record.payload)


def _record_at(data: memoryview, offset: int) -> Record | None:
    magic, kind, stream, _, length, count, stamp_ns = _HEAD.unpack_from(data, offset)
    end = offset + _OVERHEAD + length
    if magic != _MAGIC or length > _MAX_PAYLOAD or end > len(data):
        return None
    payload = data[offset + _OVERHEAD : end]
    crc = zlib.crc32(payload, zlib.crc32(data[offset : offset + _HEAD.size]))
    if crc != _CRC.unpack_from(data, offset + _HEAD.size)[0]:
        return None
    return Record(kind, stream, count, stamp_ns, payload)


def _find_magic(data: memoryview, start: int) -> int:
    """Where the magic occurs next, -1 for nowhere. In pieces: a memoryview must be copied to be searched."""
    piece = 1 << 20
    for begin in range(start, len(data), piece):
        found = bytes(data[begin : begin + piece + len(_MAGIC) - 1]).find(_MAGIC)
        if found >= 0:
            return begin + found
    return -1
