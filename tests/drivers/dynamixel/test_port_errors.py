"""Every way in which a port says that it is gone, busy or missing, put as the system and pyserial put it."""

import errno
import re
import termios

import pytest
import serial

from drivers.dynamixel.port_errors import LOSS_ERRORS, lost, opening_failed
from drivers.errors import BusError, PortBusy, PortMissing


def on_windows(kind: type[OSError], number: int, text: str, code: int) -> OSError:
    """As ctypes.WinError() makes it there; on other systems Python drops the fourth argument's attribute."""
    error = kind(number, text)
    error.winerror = code  # type: ignore[attr-defined, unused-ignore]
    return error


def packed(words: str, text: str) -> serial.SerialException:
    return serial.SerialException(f"{words} ({text})")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        termios.error(errno.EIO, "Input/output error"),
        OSError(errno.ENODEV, "No such device"),
        serial.SerialException(errno.ENXIO, "read failed"),
        on_windows(PermissionError, 13, "Access is denied.", 5),
        on_windows(OSError, 22, "The device does not recognize the command.", 22),
        on_windows(OSError, 22, "A device attached to the system is not functioning.", 31),
        on_windows(OSError, 22, "A device which does not exist was specified.", 433),
        packed("ClearCommError failed", "PermissionError(13, 'The device does not recognize the command.', None, 22)"),
        packed("GetOverlappedResult failed", "PermissionError(13, 'Access is denied.', None, 5)"),
        packed("WriteFile failed", "OSError(22, 'A device which does not exist was specified.', None, 433)"),
    ],
    ids=repr,
)
def test_all_ways_to_unplug_a_port_are_one_loss(error: Exception) -> None:
    assert isinstance(error, LOSS_ERRORS)
    message = str(lost("COM3", error))
    assert message.startswith("The connection to COM3 was lost (it was unplugged). Check the USB cable")


def test_another_reason_is_told_as_it_came() -> None:
    assert "(read failed: 7)" in str(lost("COM3", serial.SerialException("read failed: 7")))
    assert "(Connection reset by peer)" in str(lost("socket://here:1", ConnectionResetError(errno.ECONNRESET, "x")))
    assert "(no reason given)" in str(lost("COM3", None))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            packed("could not open port 'COM3':", "PermissionError(13, 'Access is denied.', None, 5)"),
            PortBusy,
            "Another program uses the port COM3. Close it",
        ),
        (
            packed("could not open port 'COM3':", "FileNotFoundError(2, 'The system cannot find...', None, 2)"),
            PortMissing,
            "The port COM3 can not be opened: there is no such port. Check the USB cable",
        ),
        (
            packed("could not open port 'COM3':", "OSError(22, 'A device attached to the system...', None, 31)"),
            PortMissing,
            "The port COM3 can not be opened: it was unplugged.",
        ),
        (serial.SerialException(errno.EACCES, "no"), PortMissing, "No permission for the port COM3. Add yourself"),
        (serial.SerialException(errno.EBUSY, "no"), PortBusy, "Another program uses the port COM3"),
        (ValueError("Invalid baud rate: 3"), BusError, "The port COM3 does not take 57600 baud: Invalid baud rate: 3"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_port_that_does_not_open_says_why(error: Exception, kind: type[BusError], message: str) -> None:
    found = opening_failed("COM3", 57_600, error)
    assert type(found) is kind
    assert re.match(re.escape(message), str(found))
