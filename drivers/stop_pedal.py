"""A pedal or button that means STOP: any key of a Linux input device, read past the window."""

import errno
import os
import stat
import struct
from typing import Final

# struct input_event of linux/input.h: a timeval of two longs, then type, code and value.
EVENT: Final = struct.Struct("llHHi")
KEY_EVENT: Final = 1
PRESSED: Final = 1  # 0 is let go, 2 the repetition while it is held down


class StopPedal:
    """One input device, by a name that survives replugging (/dev/input/by-id/...).

    It is opened again by itself when it was away: `take_news` says when it goes and comes. Never blocks, never raises.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._rest = b""
        self._told = ""
        self._news: list[str] = []
        self.look()

    @property
    def there(self) -> bool:
        return self._fd >= 0

    def look(self) -> None:
        """Open it if it is not open. Costs a system call or two: once a second is often enough."""
        if self._fd >= 0:
            return
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            why = (
                "belongs to another group: add yourself to it (usually `input`)" if error.errno == errno.EACCES else ""
            )
            self._say(
                f"The stop pedal {self._path} is not there: {why or error.strerror}. "
                "STOP works by the window and by `teleop-studio stop` only."
            )
        else:
            if self._told:
                self._say(f"The stop pedal {self._path} is there: every key of it means STOP.")

    def presses(self) -> int:
        """How many keys were pressed since the last call."""
        data = self._read()
        self._rest += data
        whole = len(self._rest) - len(self._rest) % EVENT.size
        events, self._rest = self._rest[:whole], self._rest[whole:]
        return sum(kind == KEY_EVENT and value == PRESSED for _, _, kind, _, value in EVENT.iter_unpack(events))

    def take_news(self) -> list[str]:
        """What the operator should hear about the pedal, since the last call."""
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _read(self) -> bytes:
        if self._fd < 0:
            return b""
        try:
            data = os.read(self._fd, 64 * EVENT.size)
        except BlockingIOError:
            return b""
        except OSError as error:
            self._lose(str(error.strerror))
            return b""
        # A device that ends has gone; a named pipe only has nobody at its other end.
        if not data and not stat.S_ISFIFO(os.fstat(self._fd).st_mode):
            self._lose("it gives nothing any more")
        return data

    def _lose(self, why: str) -> None:
        self.close()
        self._rest = b""
        self._say(
            f"The stop pedal {self._path} has gone ({why}). Plug it in again; until then STOP works by the window and "
            "by `teleop-studio stop` only."
        )

    def _say(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._news.append(text)
