"""The journal of one take: an append-only file of records, each with its own checksum, readable up to any cut.

A record is 28 bytes of head (magic, kind, stream, tag, payload length, count, stamp), the CRC-32 of head and payload,
and the payload; little-endian, unpadded. The tag is drawn for each journal: what a disk brings up of an older one after
a power cut is whole, but not of this take. The HDF5 library never touches the disk while a take runs, because a
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
# A power cut may cost this much and what comes in during one sync: below a second also when a sync takes long.
_SYNC_PERIOD_S = 0.5


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
    CLOCK_ANCHOR = 9


@dataclass(frozen=True)
class Record:
    """`stream` says which camera or source; `count` numbers all records of a journal from 0.

    `payload_at` is where the payload begins in the journal, `tag` the journal's own.
    """

    kind: int
    stream: int
    count: int
    stamp_ns: int
    payload: memoryview
    payload_at: int
    tag: int


class JournalWriter:
    """Appends records and brings them to the disk every half second. Holds a lock that dies with the process."""

    def __init__(self, path: Path, above: tuple[Path, ...] = ()) -> None:
        """Makes the file. `above` are folders that are new as well, to be synced with it. Raises `DiskError`."""
        self._path = path
        with disk_errors("start a journal", path):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        self.size = 0  # bytes so far
        self._count = 0
        self._tag = int.from_bytes(os.urandom(2))
        self._unsynced_folders = (path.parent, *above)
        self._broken: OSError | None = None
        self._over = threading.Event()
        self._sync_at_end = False
        self._hurry = threading.Event()
        self._closing = threading.Lock()
        # fdatasync can take tens of ms on a busy disk; in the writing thread that would overrun the camera rings.
        self._syncer = threading.Thread(target=self._keep_synced, name="journal-sync", daemon=True)
        self._syncer.start()

    def append(self, kind: Kind, stream: int, stamp_ns: int, payload: bytes) -> None:
        """Writes one record. Raises `DiskError`; then the journal is closed, its tail torn, and raises it again."""
        self._check_open()
        head = _HEAD.pack(_MAGIC, kind, stream, self._tag, len(payload), self._count, stamp_ns)
        crc = _CRC.pack(zlib.crc32(payload, zlib.crc32(head)))
        length = _OVERHEAD + len(payload)
        with disk_errors("write the journal", self._path):
            try:
                # A nearly full disk takes a part and raises only at the next write.
                if os.writev(self._fd, [head, crc, payload]) != length:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                self._broken = error
                self.close()
                raise
        self.size += length
        self._count += 1
        if self._count == 1:
            self._hurry.set()

    def finish(self) -> None:
        """Nothing more will be added. Returns at once; the last sync goes on, see `finished`. Raises `DiskError`."""
        self._check_open()
        self._sync_at_end = True
        self._over.set()
        self._hurry.set()

    def finished(self, wait: bool = False) -> bool:
        """Whether everything is on the disk and the lock is given back. Raises `DiskError` when the disk refused."""
        if wait:
            self._syncer.join()
        if self._syncer.is_alive():
            return False
        self.close()
        self._raise_broken()
        return True

    def close(self) -> None:
        """Ends without a sync of its own; a second call does nothing."""
        self._over.set()
        self._hurry.set()
        self._syncer.join()
        self._close_file()

    def _check_open(self) -> None:
        """A journal that lost a write is at its end, and its lock must go so that it can be recovered."""
        if self._broken is not None:
            self.close()
            self._raise_broken()
        if self._over.is_set():
            raise ValueError(f"the take at {self._path} is over, nothing can be added to it")

    def _raise_broken(self) -> None:
        if self._broken is not None:
            with disk_errors("write the journal", self._path):
                raise self._broken

    def _keep_synced(self) -> None:
        """The syncing thread. It closes a file only when nobody writes to it any more."""
        try:
            synced, wait_s = 0, None  # the first record makes the first sync
            while not self._over.is_set():
                self._hurry.wait(wait_s)
                self._hurry.clear()
                begin_s = time.monotonic()
                if self.size > synced and not self._over.is_set():
                    synced = self.size
                    self._sync()
                wait_s = max(0.0, begin_s + _SYNC_PERIOD_S - time.monotonic())
            if self._sync_at_end:
                self._sync()
        except OSError as error:
            self._broken = error
        if self._over.is_set():
            self._close_file()

    def _sync(self) -> None:
        os.fdatasync(self._fd)
        if not os.fstat(self._fd).st_nlink:  # somebody removed it: writing goes on, and into nothing
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        for folder in self._unsynced_folders:
            sync_folder(folder)
        self._unsynced_folders = ()

    def _close_file(self) -> None:
        with self._closing:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


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
        # Closing is not enough: the map has a descriptor of its own, and lives as long as any view of it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def scan(data: memoryview) -> Iterator[Record]:
    """The whole records of a journal in order. Goes on at the next whole record behind damage; a torn tail ends it."""
    offset, tag = 0, None
    while 0 <= offset <= len(data) - _OVERHEAD:
        record = _record_at(data, offset)
        if record is None or tag not in (None, record.tag):
            offset = _find_magic(data, offset + 1)
        else:
            yield record
            tag = record.tag
            offset += record_bytes(record)


def record_bytes(record: Record) -> int:
    """What a record takes in the file."""
    return _OVERHEAD + len(record.payload)


def _record_at(data: memoryview, offset: int) -> Record | None:
    magic, kind, stream, tag, length, count, stamp_ns = _HEAD.unpack_from(data, offset)
    end = offset + _OVERHEAD + length
    if magic != _MAGIC or length > _MAX_PAYLOAD or end > len(data):
        return None
    payload = data[offset + _OVERHEAD : end]
    crc = zlib.crc32(payload, zlib.crc32(data[offset : offset + _HEAD.size]))
    if crc != _CRC.unpack_from(data, offset + _HEAD.size)[0]:
        return None
    return Record(kind, stream, count, stamp_ns, payload, offset + _OVERHEAD, tag)


def _find_magic(data: memoryview, start: int) -> int:
    """Where the magic occurs next, -1 for nowhere. In pieces: a memoryview must be copied to be searched."""
    begin, piece = start, 1 << 12  # small at first: damage is mostly short
    while begin < len(data):
        found = bytes(data[begin : begin + piece + len(_MAGIC) - 1]).find(_MAGIC)
        if found >= 0:
            return begin + found
        begin, piece = begin + piece, min(piece * 2, 1 << 20)
    return -1
