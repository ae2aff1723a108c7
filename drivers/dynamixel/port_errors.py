"""What a serial port's many exceptions mean to the operator: no port, another program has it, no such rate, it is gone.

A port that goes away says so in as many ways as there are layers: OSError, SerialException, termios.error (which is no
OSError), zero bytes at the descriptor, and on Windows an OSError of one of several codes. All of them are `PortLost`.
"""

import errno
import os
import re

import serial

from drivers.errors import BusError, PortBusy, PortLost, PortMissing
from drivers.serial_ports import holders

try:
    import termios

    _TERMINAL_ERRORS: tuple[type[Exception], ...] = (termios.error,)
except ImportError:  # Windows has none
    _TERMINAL_ERRORS = ()

# TypeError: pyserial's answer when a port is closed under a call that is using it.
LOSS_ERRORS: tuple[type[Exception], ...] = (OSError, serial.SerialException, TypeError, *_TERMINAL_ERRORS)
OPENING_ERRORS: tuple[type[Exception], ...] = (ValueError, *LOSS_ERRORS)
# access denied, unknown command, not functioning, operation aborted, no such device, device not connected
_WINDOWS_UNPLUGGED = frozenset((5, 22, 31, 433, 995, 1167))
_UNPLUGGED = frozenset((errno.EIO, errno.ENXIO, errno.ENODEV))
_WINDOWS_BUSY = frozenset((5, 32))
_WINDOWS_MISSING = frozenset((2, 3))


def lost(name: str, why: str | BaseException | None) -> PortLost:
    """The error for a line that went away while in use; `why` a reason or the exception that told."""
    reason = _reason(why) if isinstance(why, BaseException) else why
    return PortLost(
        f"The connection to {name} was lost ({reason or 'no reason given'}). "
        "Check the USB cable and the arm's power, then resume; a rig that is not open has to be opened again."
    )


def opening_failed(port: str, baud: int, error: Exception) -> BusError:
    """`PortMissing`, `PortBusy`, or `BusError` for a rate that the adapter does not take."""
    if isinstance(error, ValueError) or not isinstance(error, LOSS_ERRORS):
        return BusError(f"The port {port} does not take {baud} baud: {error}. Choose another rate or adapter.")
    windows = _windows_code(error)
    if windows is None:
        return _posix_opening_failed(port, error)
    if windows in _WINDOWS_BUSY:
        return busy(port)
    if windows in _WINDOWS_MISSING:
        return _missing(port, "there is no such port")
    return _missing(port, _reason(error))


def busy(port: str) -> PortBusy:
    """Names the programs that have the port open, where the system tells."""
    using = ", ".join(f"{name} (process {pid})" for pid, name in _holders(port))
    return PortBusy(
        f"Another program uses the port {port}{': ' + using if using else ''}. "
        f"Close it{'' if using else ', or the window here that has it open'}, then open the rig again."
    )


def _posix_opening_failed(port: str, error: Exception) -> BusError:
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return PortMissing(
            f"No permission for the port {port}. Add yourself to the group that owns it, usually "
            "`sudo usermod -aG dialout $USER`, then log in again."
        )
    if number in (errno.EAGAIN, errno.EBUSY) or "exclusively lock" in str(error):
        return busy(port)
    return _missing(port, os.strerror(number) if number else str(error))


def _missing(port: str, why: str) -> PortMissing:
    return PortMissing(
        f"The port {port} can not be opened: {why}. Check the USB cable and the port's name in the rig file."
    )


def _reason(error: BaseException) -> str:
    number = _posix_number(error)
    gone = _windows_code(error) in _WINDOWS_UNPLUGGED or number in _UNPLUGGED
    if gone or "returned no data" in str(error):  # pyserial's words for a descriptor at its end
        return "it was unplugged"
    return os.strerror(number) if number else str(error)


def _posix_number(error: BaseException) -> int | None:
    """The system's own number, also out of the arguments or the text in which others pack it."""
    if number := getattr(error, "errno", None):
        return int(number)
    if error.args and type(error.args[0]) is int:
        return int(error.args[0])
    packed = re.search(r"\[Errno (\d+)\]", str(error))
    return int(packed[1]) if packed else None


def _windows_code(error: BaseException) -> int | None:
    """The system's own number, also out of the text in which pyserial packs it: PermissionError(13, '...', None, 5)."""
    code = getattr(error, "winerror", None)
    if code is None and (packed := re.search(r"Error\(\d+, .*, None, (\d+)\)", str(error))):
        code = int(packed[1])
    return code


def _holders(port: str) -> list[tuple[int, str]]:
    try:
        return holders(os.path.realpath(port))
    except OSError:  # no /proc here
        return []
