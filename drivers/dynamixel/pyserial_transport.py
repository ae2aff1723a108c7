"""A port read and written through pyserial alone, for systems whose ports have no descriptor to wait on: Windows.

Everything pyserial opens will do, so the tests run it on Linux, over pyserial's own `loop://` and `socket://` and over
the emulated servos. It has not run on Windows yet.
"""

import contextlib
import time

import serial

from drivers.dynamixel.port_errors import LOSS_ERRORS, OPENING_ERRORS, lost, opening_failed

# A read waits no longer than this at a time, so that a deadline is overshot by no more. Setting the timeout anew for
# every read would reconfigure the port every time.
_LOOK_S = 0.002
_WRITE_TIMEOUT_S = 0.2


class PyserialTransport:
    """`port` a device name (COM3) or a URL that pyserial knows. Raises as `SerialTransport` does."""

    def __init__(self, port: str, baud: int) -> None:
        self._name = port
        try:
            self._serial = serial.serial_for_url(port, baud, timeout=_LOOK_S, write_timeout=_WRITE_TIMEOUT_S)
        except OPENING_ERRORS as error:
            raise opening_failed(port, baud, error) from error
        self._open = True

    @property
    def name(self) -> str:
        return self._name

    def write(self, data: bytes) -> None:
        self._check_open()
        try:
            written = self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise lost(self._name, "it takes no more bytes") from error
        except LOSS_ERRORS as error:
            raise lost(self._name, error) from error
        if written != len(data):
            raise lost(self._name, f"it took {written} of {len(data)} bytes")

    def read(self, count: int, deadline_ns: int) -> bytes:
        self._check_open()
        received = b""
        while len(received) < count:
            # Past the deadline one more look is taken: what is there already must not be lost to a late wake-up.
            late = time.monotonic_ns() >= deadline_ns
            try:
                received += self._serial.read(count - len(received))
            except LOSS_ERRORS as error:
                raise lost(self._name, error) from error
            if late:
                break
        return received

    def flush_input(self) -> None:
        self._check_open()
        try:
            self._serial.reset_input_buffer()
        except LOSS_ERRORS as error:
            raise lost(self._name, error) from error

    def close(self) -> None:
        self._open = False
        with contextlib.suppress(*LOSS_ERRORS):  # nothing is left to give back after an unplug
            self._serial.close()

    def _check_open(self) -> None:
        if not self._open:
            raise lost(self._name, "it was closed")
