"""A network camera of the tests that films: it sends another picture each period, or what it is told."""

import threading
import time

from tests.drivers.cameras.mjpeg_server import MjpegServer, jpeg

FPS = 15.0


class SendingCamera(threading.Thread):
    """`level` of every picture, None for another one each time; `sent` all that it has sent. `silent` stops it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.server = MjpegServer()
        self.level: int | None = None
        self.sent: set[bytes] = set()
        self.silent = threading.Event()
        self._over = threading.Event()

    def run(self) -> None:
        begin_s, number = time.monotonic(), 0
        while not self._over.wait(max(0.0, begin_s + number / FPS - time.monotonic())):
            number += 1
            if not self.silent.is_set():
                content = jpeg(40 + number % 150 if self.level is None else self.level)
                self.sent.add(content)
                self.server.send(content)

    def stop(self) -> None:
        self._over.set()
        self.join()
        self.server.stop()
