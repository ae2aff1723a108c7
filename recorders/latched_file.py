"""The file that the HDF5 library writes to: it never fails, but remembers that it did."""

import errno
import os
from pathlib import Path
from types import TracebackType


class LatchedFile:
    """A new file for h5py's `fileobj` driver, a context manager.

    On a write error the HDF5 library takes its whole process down (SIGSEGV at a full disk). So the first `OSError` is
    kept; from then on all is dropped and looks like success, until the caller asks by `check` or `save`.
    """

    def __init__(self, path: Path) -> None:
        """Makes the file, or empties it. Raises `OSError`."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._at = 0
        self._size = 0
        self._refused = 0  # errno of the first error; the error itself would keep all its callers' data alive

    def __enter__(self) -> "LatchedFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def save(self) -> None:
        """Brings everything to the disk. Raises the `OSError` that was kept."""
        self.check()
        os.fsync(self._fd)

    def check(self) -> None:
        """Raises the `OSError` that was kept."""
        if self._refused:
            raise OSError(self._refused, os.strerror(self._refused))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def write(self, piece: bytearray | memoryview) -> int:
        rest, done = memoryview(piece), 0
        while done < len(piece) and not self._refused:
            try:
                written = os.pwrite(self._fd, rest[done:], self._at + done)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                done += written
            except OSError as error:
                self._refused = error.errno or errno.EIO
        self._at += len(piece)
        self._size = max(self._size, self._at)
        return len(piece)

    def readinto(self, buffer: memoryview) -> int:
        """What was written; zeros where it was dropped."""
        done = 0
        while done < len(buffer):
            try:
                read = os.preadv(self._fd, [buffer[done:]], self._at + done)
            except OSError as error:
                self._refused = self._refused or error.errno or errno.EIO
                read = 0
            if not read:
                buffer[done:] = bytes(len(buffer) - done)
                break
            done += read
        self._at += len(buffer)
        return len(buffer)

    def read(self, size: int) -> bytes:
        """As `readinto`: h5py asks one or the other, by its version."""
        content = bytearray(size)
        self.readinto(memoryview(content))
        return bytes(content)

    def truncate(self, size: int) -> int:
        try:
            if not self._refused:
                os.ftruncate(self._fd, size)
        except OSError as error:
            self._refused = error.errno or errno.EIO
        self._size = size
        return size

    def flush(self) -> None:
        """HDF5 asks for it; nothing is kept back here."""
