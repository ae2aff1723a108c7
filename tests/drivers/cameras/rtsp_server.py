"""A network camera of the tests that speaks RTSP (RFC 2326): JPEG over RTP (RFC 2435) in its one TCP connection."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

_PACKET = 1200
_CLOCK_HZ = 90_000
_SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=camera
t=0 0
m=video 0 RTP/AVP 26
c=IN IP4 0.0.0.0
a=framerate:30
a=control:track
"""


class RtspServer:
    """One camera at `address`, for one client at a time. `send` JPEG files of 4:2:0 with the standard's tables."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"rtsp://127.0.0.1:{self._listening.getsockname()[1]}/camera"
        self.playing = threading.Event()
        self.asked: list[str] = []
        self._client: socket.socket | None = None
        self._sequence = self._frame = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def send(self, jpeg: bytes) -> None:
        """One picture, in as many packets as it needs."""
        width, height, tables, scan = _taken_apart(jpeg)
        self._frame += 1
        for offset in range(0, len(scan), _PACKET):
            portion = scan[offset : offset + _PACKET]
            last = offset + _PACKET >= len(scan)
            rtp = struct.pack(
                ">BBHII", 0x80, 26 | (0x80 if last else 0), self._sequence, self._frame * _CLOCK_HZ // 30, 1
            )
            head = struct.pack(">I", offset) + bytes([1, 255, width // 8, height // 8])  # type 1: 4:2:0
            if offset == 0:
                head += struct.pack(">BBH", 0, 0, len(tables)) + tables
            packet = rtp + head + portion
            self._sequence = (self._sequence + 1) % 65536
            self._write(b"$\0" + struct.pack(">H", len(packet)) + packet)

    def hang_up(self) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self.hang_up()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # closing alone would let one more client in
        self._listening.close()

    def _write(self, content: bytes) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.sendall(content)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._client, _ = self._listening.accept()
                with contextlib.suppress(OSError), self._client.makefile("rb") as lines:
                    while self._answer(lines.readline, lines.read):
                        pass
                self.playing.clear()

    def _answer(self, read_line: Callable[[], bytes], read: Callable[[int], bytes]) -> bool:
        """One message of the client's; False when it goes."""
        first = read_line()
        if not first:
            return False
        if first.startswith(b"$"):  # a report of the client's, which may hold any byte
            whole = first + (read(4 - len(first)) if len(first) < 4 else b"")
            read(max(0, 4 + struct.unpack(">H", whole[2:4])[0] - len(whole)))
            return True
        headers = {}
        while (line := read_line().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.decode().strip()
        verb = first.split()[0].decode()
        self.asked.append(verb)
        body, more = "", ""
        if verb == "DESCRIBE":
            body, more = _SDP, f"Content-Type: application/sdp\r\nContent-Base: {self.address}/\r\n"
        elif verb == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif verb == "OPTIONS":
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        else:
            more = "Session: 1\r\n"
        head = f"RTSP/1.0 200 OK\r\nCSeq: {headers.get('cseq', '0')}\r\n{more}Content-Length: {len(body)}"
        self._write(f"{head}\r\n\r\n{body}".encode())
        if verb == "PLAY":
            self.playing.set()
        return verb != "TEARDOWN"


def _taken_apart(jpeg: bytes) -> tuple[int, int, bytes, bytes]:
    """(width, height, both quantisation tables, the compressed pixels)."""
    at, tables, width, height = 2, b"", 0, 0
    while True:
        marker, size = jpeg[at + 1], 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        segment = jpeg[at + 4 : at + size]
        if marker == 0xDB:
            tables += b"".join(segment[k + 1 : k + 65] for k in range(0, len(segment), 65))
        elif marker == 0xC0:
            height, width = struct.unpack(">HH", segment[1:5])
        at += size
        if marker == 0xDA:
            return width, height, tables, jpeg[at:-2]
