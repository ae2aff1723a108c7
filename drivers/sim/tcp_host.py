"""Gives an emulated bus a TCP port of this computer, for systems without pseudo-terminals: `socket://127.0.0.1:PORT`.

TCP carries no baud rate: the servos are heard at whatever rate they are set to talk.
"""

import socket

from drivers.sim.byte_pump import BytePump, due_ns
from drivers.sim.emulated_bus import EmulatedBus


class TcpHost:
    """One client at a time, any number one after another. Served like the other hosts: `fileno`, `due_ns`, `service`.

    `fileno()` changes when a client comes or goes. An unplugged bus refuses connections until it is plugged in again,
    then it is found at the same port.
    """

    def __init__(self, bus: EmulatedBus, port: int = 0) -> None:
        self.bus = bus
        self._listener: socket.socket | None = _listen(port)
        self._port = int(self._listener.getsockname()[1])
        self._client: socket.socket | None = None
        self._pump: BytePump | None = None
        self._closed = False

    def fileno(self) -> int:
        """What to wait on; -1 while unplugged."""
        end = self._client or self._listener
        return -1 if end is None else end.fileno()

    def client_end(self) -> str:
        """The URL that pyserial, or our own transport, opens."""
        return f"socket://127.0.0.1:{self._port}"

    def due_ns(self) -> int | None:
        """When `service` has something to do by itself; None when it only waits for bytes."""
        return due_ns(self.bus)

    def service(self, now_ns: int) -> None:
        """Take what has come, send what is due."""
        self.bus.watch(now_ns)
        if self._closed:
            return
        if self.bus.faults.unplugged:
            self._drop_client()
            self._stop_listening()
            return
        if self._listener is None:
            self._listener = _listen(self._port)
        if self._pump is None:
            self._accept()
        if self._pump is not None and not self._pump.service(now_ns):
            self._drop_client()

    def close(self) -> None:
        self._closed = True
        self._drop_client()
        self._stop_listening()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        client.setblocking(False)
        # Replies are a few bytes: without this they would wait to be joined with later ones.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        # Nobody tells the servos' host its rate: it is theirs.
        self.bus.baud = self.bus.plugged[0].baud
        self._pump = BytePump(self.bus, client.recv, client.send)

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._pump = None

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = None


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1)
    listener.setblocking(False)
    return listener
