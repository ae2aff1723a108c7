"""A network camera of the tests: a real HTTP server that sends what it is told, when it is told."""

import contextlib
import queue
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

BOUNDARY = "picture"


def jpeg(level: int, width: int = 64, height: int = 48, subsampling: str = "422") -> bytes:
    """An even grey picture with a gradient on it, as cameras encode: 4:2:2, quality 80."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[:] = np.linspace(level, min(level + 20, 255), width).astype(np.uint8)[None, :, None]
    content: bytes = simplejpeg.encode_jpeg(rgb, 80, "RGB", subsampling)
    return content


def noise(seed: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(40, 200, (height, width, 3)).astype(np.uint8)


class MjpegServer:
    """One camera at `address`. `send` bytes to whoever is connected; `hang_up` ends the stream, `stop` the camera.

    `status`, `headers` and `content_type` are what it answers with; `with_length` whether parts say how long they are.
    """

    def __init__(self, with_length: bool = True) -> None:
        self.status, self.headers = 200, dict[str, str]()
        self.content_type = f'multipart/x-mixed-replace; boundary="{BOUNDARY}"'
        self.with_length = with_length
        self.requests: list[dict[str, str]] = []
        self.connected = threading.Semaphore(0)
        self._wires: list[queue.Queue[bytes | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._serve(self)

            def log_message(self, *_: Any) -> None:
                return

        self._port = 0
        self._handler = Handler
        self._http: ThreadingHTTPServer | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream"

    def start(self) -> None:
        """Answer again, at the same port as before."""
        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        self._http.daemon_threads = True
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """As if it was unplugged: nobody answers any more."""
        self.hang_up()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def part(self, content: bytes) -> bytes:
        length = f"Content-Length: {len(content)}\r\n" if self.with_length else ""
        return f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + content + b"\r\n"

    def send(self, content: bytes) -> None:
        """One picture, to all that are connected."""
        self.send_raw(self.part(content))

    def send_raw(self, content: bytes) -> None:
        for wire in self._wires:
            wire.put(content)

    def hang_up(self) -> None:
        for wire in self._wires:
            wire.put(None)
        self._wires = []

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append({"path": handler.path, **handler.headers})
        handler.send_response(self.status)
        for name, value in {"Content-Type": self.content_type, **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if self.status != 200:
            return
        wire: queue.Queue[bytes | None] = queue.Queue()
        self._wires.append(wire)
        self.connected.release()
        handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while (content := wire.get()) is not None:
                handler.wfile.write(content)
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)
