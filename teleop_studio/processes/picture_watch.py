"""What is wrong with a camera, told by its pictures and their stamps: lost, black, frozen, late, slow."""

import zlib
from collections import deque

import numpy as np

from drivers.samples import CameraImage
from teleop_studio.processes.messages import CameraState
from teleop_studio.rig import CameraConfig

OK, STARTING, LOST, BLACK, FROZEN, LATE, SLOW = "ok", "starting", "lost", "black", "frozen", "late", "slow"

LOST_NS = 1_000_000_000  # without a picture
_START_NS = 5_000_000_000
_LASTS_NS = 1_000_000_000  # a fault shorter than this is none
_FROZEN_PICTURES = 10  # a camera at 1 fps may show two equal ones
_LATE_NS = 200_000_000
_RATE_WINDOW_NS = 2_000_000_000
_RATE_SPAN_NS = 1_000_000_000
_SLOW, _WELL, _FAST = 0.85, 0.92, 1.25  # of the rate that was asked for
_BLACK_LEVEL = 24  # cameras that give video levels call 16 black; their sensors' noise lies above
_BRIGHT_SHARE = 0.005
_NOTICE_AGAIN_NS = 30_000_000_000
_TEXT_AGAIN_NS = 2_000_000_000
_SENSORS = ("usb", "network", "lerobot")  # kinds with a sensor, whose noise makes any two pictures differ


class PictureWatch:
    """Watches one camera. `now_ns` and all stamps are in one clock.

    A film may be black or still for good reason, so only cameras with a sensor are suspected of that.
    """

    def __init__(self, camera: CameraConfig, now_ns: int) -> None:
        self._camera, self._looks = camera, camera.kind in _SENSORS
        self._trouble = ""
        self._is_slow = False
        self.opened(now_ns)

    def opened(self, now_ns: int) -> None:
        """It was opened (again): what was known of its pictures does not count any more."""
        self._since_ns, self._seen_ns = now_ns, 0
        self._arrivals: deque[int] = deque()
        self._print, self._same = -1, 0
        self._same_ns = self._black_ns = self._late_ns = 0  # since when; 0 while it is not so

    def gone(self, why: str) -> None:
        """It can not be opened or does not deliver; `why` for the operator."""
        self._trouble = why

    def see(self, image: CameraImage, now_ns: int) -> None:
        """The next picture, which has just arrived."""
        if now_ns - self._seen_ns > LOST_NS:
            self._arrivals.clear()  # a pause is told as one, and says nothing about the rate
        self._trouble, self._seen_ns = "", now_ns
        self._arrivals.append(now_ns)
        while now_ns - self._arrivals[0] > _RATE_WINDOW_NS:
            self._arrivals.popleft()
        self._late_ns = _since(self._late_ns, now_ns - image.stamp_ns > _LATE_NS, now_ns)
        if self._looks:
            self._look(image, now_ns)

    @property
    def rate(self) -> float:
        """Pictures a second over the last two; nan until a second of them has come."""
        span_ns = self._arrivals[-1] - self._arrivals[0] if self._arrivals else 0
        return (len(self._arrivals) - 1) / (span_ns * 1e-9) if span_ns >= _RATE_SPAN_NS else float("nan")

    def state(self, now_ns: int) -> tuple[str, str]:
        """(state of `CameraHealth`, what is wrong and what to do), the worst first."""
        name = self._camera.name
        if self._trouble:
            return LOST, self._trouble
        if not self._seen_ns:
            if now_ns - self._since_ns < _START_NS:
                return STARTING, ""
            return LOST, f"Camera {name} gives no picture. Check that it is on, and its cable."
        if now_ns - self._seen_ns > max(LOST_NS, round(4e9 / self._camera.fps)):
            return LOST, f"Camera {name} gives no picture any more. Check that it is on, and its cable."
        if _lasts(self._black_ns, now_ns):
            return BLACK, f"Camera {name} is black. Take the cap off, or give it light or a longer exposure."
        if _lasts(self._same_ns, now_ns) and self._same >= _FROZEN_PICTURES:
            return FROZEN, (
                f"Camera {name} is frozen. It sends the same picture again and again: plug it in again, or start its "
                "sender again. If the whole picture is white, give it less light."
            )
        if _lasts(self._late_ns, now_ns):
            return LATE, (
                f"The pictures of camera {name} come late. They are more than {_LATE_NS * 1e-6:.0f} ms old when they "
                "arrive: this computer is too busy, or the camera's settings make it slow."
            )
        return self._rate_state()

    def too_fast(self) -> str:
        """A sentence when many more pictures come than were asked for; "" otherwise."""
        if not self.rate > _FAST * self._camera.fps:
            return ""
        return (
            f"Camera {self._camera.name} gives {self.rate:.0f} pictures a second, the rig file asks for "
            f"{self._camera.fps:g}. All of them are recorded; put fps = {self.rate:.0f} into its section."
        )

    def _rate_state(self) -> tuple[str, str]:
        camera, rate = self._camera, self.rate
        self._is_slow = rate < (_WELL if self._is_slow else _SLOW) * camera.fps  # never, while it is nan
        if not self._is_slow:
            return OK, ""
        cause = (
            "In dim light a camera exposes longer: add light, or lock its exposure. Cameras that share a USB hub share "
            "its room: plug it into another port of the computer."
            if camera.kind == "usb"
            else "Check its settings, the network between, and whether this computer is too busy."
        )
        return SLOW, (
            f"Camera {camera.name} is slow. It was asked for {camera.width}x{camera.height} at {camera.fps:g} pictures "
            f"a second and gives {rate:.1f}. {cause} Or put fps = {max(1, round(rate))} into its section of the rig "
            "file."
        )

    def _look(self, image: CameraImage, now_ns: int) -> None:
        sample = image.rgb[::16, ::16]
        bright = np.count_nonzero(sample > _BLACK_LEVEL)
        self._black_ns = _since(self._black_ns, bright <= _BRIGHT_SHARE * sample.size, now_ns)
        # Of a JPEG every byte counts, of a picture each 64th pixel is enough: noise is everywhere.
        content = image.encoded if image.encoded is not None else image.rgb[::8, ::8].tobytes()
        fingerprint = zlib.crc32(content)
        same = fingerprint == self._print
        self._print, self._same = fingerprint, self._same + 1 if same else 0
        self._same_ns = _since(self._same_ns, same, now_ns)


class CameraReport:
    """Turns the states of one camera into what is told: each change once, and to the operator not again and again."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._state, self._text = STARTING, ""
        self._changed_ns = self._told_ns = 0
        self._notices: dict[str, int] = {}  # state -> when it was last a notice
        self._bad = ""  # the state whose end is news

    def next(self, state: str, text: str, now_ns: int) -> CameraState | None:
        """What to tell now; None when there is nothing new."""
        if state == self._state and (text == self._text or now_ns - self._told_ns < _TEXT_AGAIN_NS):
            return None
        notice = self._notice(state, text, now_ns) if state != self._state else ""
        if state != self._state:
            self._changed_ns = now_ns
        self._state, self._text, self._told_ns = state, text, now_ns
        return CameraState(self._name, state, text, notice)

    def _notice(self, state: str, text: str, now_ns: int) -> str:
        if state == OK:
            bad, self._bad = self._bad, ""
            if bad == LOST:
                away_s = (now_ns - self._changed_ns) * 1e-9
                return f"Camera {self._name} is back after {away_s:.0f} s. What a take misses is listed in its episode."
            return f"Camera {self._name} is well again." if bad else ""
        last_ns = self._notices.get(state)
        if not text or (last_ns is not None and now_ns - last_ns < _NOTICE_AGAIN_NS):
            return ""
        self._notices[state], self._bad = now_ns, state
        return text


def _since(since_ns: int, so: bool, now_ns: int) -> int:
    return (since_ns or now_ns) if so else 0


def _lasts(since_ns: int, now_ns: int) -> bool:
    return since_ns > 0 and now_ns - since_ns >= _LASTS_NS
