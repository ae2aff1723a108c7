"""One real camera in a thread of its own: opened, read into its ring, and opened again when it was lost."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from drivers.cameras import Camera, open_camera
from drivers.clock import Clock, MonotonicClock
from drivers.errors import CameraError
from drivers.samples import CameraImage
from teleop_studio.processes.messages import Warned
from teleop_studio.processes.picture_watch import CameraReport, PictureWatch
from teleop_studio.processes.rings import FrameRow
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.rig import CameraConfig

OpenCamera = Callable[[CameraConfig, Clock], Camera]

_AGAIN_S = (0.5, 1.0, 2.0, 4.0, 5.0)  # between attempts to open it, the last one for ever
_STUCK_NS = 15_000_000_000
_MOST_STUCK = 3  # threads that never came back from a driver
_log = logging.getLogger(__name__)


class CameraThread:
    """Keeps a camera going whatever it does; the other cameras never notice.

    `look` is called a few times a second by whoever talks to the operator. A driver call that does not return is given
    up after 15 s: another thread goes on, and the old one lets go of its camera if it ever comes back.
    """

    def __init__(
        self, config: CameraConfig, ring: SharedRing, open_: OpenCamera = open_camera, clock: Clock | None = None
    ) -> None:
        self.name = config.name
        self._config, self._ring, self._open = config, ring, open_
        self._clock = clock or MonotonicClock()
        self._row = FrameRow.of(config)
        self._lock = threading.Lock()  # of all below
        self._watch = PictureWatch(config, self._clock.now_ns())
        self._report = CameraReport(config.name)
        self._threads: list[threading.Thread] = []
        self._worker = 0  # only the thread of this number may touch the ring
        self._over = threading.Event()
        self._calling_ns = 0  # since when it is in a driver call, 0 while it is not
        self._device = config.device
        self._remarks: list[str] = []
        self._remarked: set[str] = set()
        self._settled = threading.Event()

    def start(self) -> None:
        with self._lock:
            self._worker += 1
            name = f"camera-{self.name}-{self._worker}"
            thread = threading.Thread(target=self._run, args=(self._worker,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    @property
    def settled(self) -> bool:
        """True once the first picture has come, or the first attempt has failed."""
        return self._settled.is_set()

    def look(self) -> list[Any]:
        """What is new since the last call: `CameraState`, `Warned`."""
        now_ns = self._clock.now_ns()
        self._give_up_if_stuck(now_ns)
        with self._lock:
            self._remark(self._watch.too_fast())
            news: list[Any] = [Warned(remark) for remark in self._remarks]
            self._remarks.clear()
            told = self._report.next(*self._watch.state(now_ns), now_ns)
        return news if told is None else [*news, told]

    def close(self) -> None:
        """Let the camera go; `ended` tells when it is."""
        with self._lock:
            self._worker += 1
        self._over.set()

    def ended(self, deadline_s: float) -> bool:
        """Wait for its threads until `deadline_s` (time.monotonic); False while one still hangs in its driver."""
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self, worker: int) -> None:
        failures = 0
        while self._mine(worker):
            camera = self._opened(worker)
            if camera is not None and self._read(worker, camera):
                failures = 0
            if self._mine(worker):
                self._over.wait(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
            failures += 1

    def _opened(self, worker: int) -> Camera | None:
        camera = self._call(worker, lambda: self._open(replace(self._config, device=self._device), self._clock))
        if camera is None:
            return None
        with self._lock:
            mine = worker == self._worker
            if mine:
                self._device = camera.device  # from now on it is this very one, or none
                self._watch.opened(self._clock.now_ns())
        if not mine:
            camera.close()
        return camera if mine else None

    def _read(self, worker: int, camera: Camera) -> bool:
        """Until it fails or the thread is given up; True when a picture came."""
        came = False
        while self._mine(worker):
            image = self._call(worker, camera.read)
            if image is None:
                break
            came = True
            self._publish(worker, camera, image)
        try:
            camera.close()
        except Exception:
            _log.exception("camera %s: closing failed", self.name)
        return came

    def _publish(self, worker: int, camera: Camera, image: CameraImage) -> None:
        with self._lock:
            if worker != self._worker:
                return
            row = self._row.fill(image.sequence, image.rgb, image.encoded, image.driver_stamp)
            self._ring.push(row, image.stamp_ns)
            self._watch.see(image, self._clock.now_ns())
            for remark in camera.remarks:
                self._remark(remark)
        self._settled.set()

    def _call[T](self, worker: int, call: Callable[[], T]) -> T | None:
        """What the driver gives; None when it fails, which is told."""
        with self._lock:
            if worker == self._worker:
                self._calling_ns = self._clock.now_ns()
        why = ""
        try:
            return call()
        except CameraError as error:
            why = str(error)
        except Exception as error:  # a bug here or in a library: the other cameras go on, and so does this one
            _log.exception("camera %s failed", self.name)
            why = f"Camera {self.name} failed unexpectedly: {type(error).__name__}: {error}. It is opened again."
        finally:
            with self._lock:
                if worker == self._worker:
                    self._calling_ns = 0
                    if why:
                        self._watch.gone(why)
            if why:
                self._settled.set()
        return None

    def _mine(self, worker: int) -> bool:
        return worker == self._worker and not self._over.is_set()

    def _give_up_if_stuck(self, now_ns: int) -> None:
        with self._lock:
            if not self._calling_ns or now_ns - self._calling_ns < _STUCK_NS or self._over.is_set():
                return
            self._calling_ns = 0
            again = self._worker < _MOST_STUCK
            self._watch.gone(
                f"Camera {self.name} does not answer: its driver has not returned for {_STUCK_NS * 1e-9:.0f} s. "
                + ("It is opened anew." if again else "Plug it in again, then start the rig again.")
            )
            self._settled.set()
            if not again:
                self._worker += 1
        if again:
            self.start()

    def _remark(self, remark: str) -> None:
        if remark and remark not in self._remarked:
            self._remarked.add(remark)
            self._remarks.append(remark)


def close_all(threads: Sequence[CameraThread], patience_s: float = 1.0) -> bool:
    """Let all cameras go; False when after `patience_s` one still hangs in its driver."""
    for thread in threads:
        thread.close()
    deadline_s = time.monotonic() + patience_s
    return all([thread.ended(deadline_s) for thread in threads])
