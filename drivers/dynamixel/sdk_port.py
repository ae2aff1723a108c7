"""Lets `dynamixel_sdk` (and what is built on it) talk through any of our transports.

A stand-in for the SDK's `PortHandler`: give it to its packet handler and group classes. Unlike the original it waits
instead of spinning, and throws old input away before each request in every SDK version.
"""

from collections.abc import Sequence

from drivers.clock import Clock
from drivers.dynamixel.transport import Transport


class SdkPort:
    """The methods and attributes that `dynamixel_sdk` uses of a port. Times in ms, as there."""

    def __init__(
        self, transport: Transport, clock: Clock, baud: int = 1_000_000, reply_timeout_ms: float = 20.0
    ) -> None:
        self.is_open = True
        self.is_using = False
        self.port_name = transport.name
        self.baudrate = baud
        self.tx_time_per_byte = 10_000.0 / baud
        self._transport = transport
        self._clock = clock
        self._reply_timeout_ms = reply_timeout_ms
        self._deadline_ns = 0

    def openPort(self) -> bool:
        return self.is_open

    def closePort(self) -> None:
        self._transport.close()
        self.is_open = False

    def clearPort(self) -> None:
        self._transport.flush_input()

    def getPortName(self) -> str:
        return self.port_name

    def getBaudRate(self) -> int:
        return self.baudrate

    def setBaudRate(self, baudrate: int) -> bool:
        """The transport's rate is fixed: True only when it is that one."""
        return baudrate == self.baudrate

    def readPort(self, length: int) -> bytes:
        return self._transport.read(length, self._deadline_ns)

    def writePort(self, packet: Sequence[int]) -> int:
        self._transport.write(bytes(packet))
        return len(packet)

    def setPacketTimeout(self, packet_length: int) -> None:
        self.setPacketTimeoutMillis(self.tx_time_per_byte * packet_length + self._reply_timeout_ms)

    def setPacketTimeoutMillis(self, msec: float) -> None:
        self._deadline_ns = self._clock.now_ns() + round(msec * 1e6)

    def isPacketTimeout(self) -> bool:
        return self._clock.now_ns() >= self._deadline_ns
