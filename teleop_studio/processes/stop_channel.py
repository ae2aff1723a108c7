"""STOP past the window: each open rig listens at a place that `teleop-studio stop` knows.

A datagram socket in a folder that only this user may enter; whoever may write there may stop this user's arms.
"""

import contextlib
import os
import select
import socket
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

STOP, TORQUE_OFF = b"stop", b"torque off"
_HELD = b"held"


class NoStopChannel(Exception):
    """The place can not be used; the sentence says why."""


@dataclass(frozen=True)
class StopReport:
    """`stopped` rigs that have confirmed; `silent` processes that are there and did not."""

    stopped: int = 0
    silent: tuple[str, ...] = ()


def stop_folder() -> Path:
    """Where the rigs of this user listen: below XDG_RUNTIME_DIR, else below the folder for temporary files."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime, "teleop-studio") if runtime else Path(tempfile.gettempdir(), f"teleop-studio-{os.getuid()}")


class StopChannel:
    """One rig's ear. `heard` once per control cycle, `answer` once the arm holds; neither blocks.

    Raises `NoStopChannel` when the folder is not this user's or the socket can not be made.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or stop_folder()
        self._path = folder / f"rig-{os.getpid()}.sock"
        self._asking: list[str] = []
        try:
            _own_folder(folder)
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
        except (OSError, AttributeError) as error:
            raise NoStopChannel(
                f"`teleop-studio stop` can not reach this rig: {self._path} can not be used ({error})."
            ) from error

    def heard(self) -> bytes:
        """`STOP`, `TORQUE_OFF`, or nothing; the stronger one when both came."""
        found = b""
        while True:
            try:
                order, sender = self._socket.recvfrom(64)
            except OSError:
                return found
            if order in (STOP, TORQUE_OFF):
                found = order if found != TORQUE_OFF else found
                self._asking.append(sender or "")

    def answer(self) -> None:
        """Tell everybody who asked that it is done."""
        for sender in self._asking:
            with contextlib.suppress(OSError):
                self._socket.sendto(_HELD, sender)
        self._asking.clear()

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def stop_all(torque_off: bool = False, folder: Path | None = None, patience_s: float = 2.0) -> StopReport:
    """Stop every open rig of this user and wait for their confirmation.

    Ears of processes that are gone are swept away. Raises `NoStopChannel` when the folder is not this user's.
    """
    folder = folder or stop_folder()
    if not folder.exists():
        return StopReport()
    try:
        _own_folder(folder)
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    except (OSError, AttributeError) as error:
        raise NoStopChannel(f"The rigs' stop channels in {folder} can not be used ({error}).") from error
    place = folder / f"ask-{os.getpid()}.sock"
    try:
        asking.bind(str(place))
        asked = _ask_all(asking, folder, TORQUE_OFF if torque_off else STOP)
        answered = _collect(asking, len(asked), patience_s)
    finally:
        asking.close()
        place.unlink(missing_ok=True)
    return StopReport(len(answered), tuple(sorted(asked - answered)))


def _ask_all(asking: socket.socket, folder: Path, order: bytes) -> set[str]:
    asked = set()
    for path in folder.glob("rig-*.sock"):
        try:
            asking.sendto(order, str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # nobody listens there any more
        except OSError:
            asked.add(str(path))  # its queue is full: it is there and does not listen
        else:
            asked.add(str(path))
    return asked


def _collect(asking: socket.socket, wanted: int, patience_s: float) -> set[str]:
    answered: set[str] = set()
    end_s = time.monotonic() + patience_s
    while len(answered) < wanted and (left_s := end_s - time.monotonic()) > 0:
        if not select.select([asking], [], [], left_s)[0]:
            break
        word, sender = asking.recvfrom(64)
        if word == _HELD:
            answered.add(str(sender))
    return answered


def _own_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder that only this user may enter")
