"""A video file in place of a camera: for trying a rig out without one."""

from pathlib import Path

import cv2

from drivers.cameras import CameraSettings, check_options, wrong_size
from drivers.cameras.ffmpeg import next_picture, opened, size_of
from drivers.clock import Clock
from drivers.errors import CameraMissing, CameraSilent
from drivers.samples import CameraImage

_MOST_SKIPPED = 300


class VideoFileCamera:
    """Plays the file again and again, each picture at its time; stamps are those times.

    It plays at the rig file's rate, whatever the film's own is. What nobody fetched in time is left out and counted, as
    a camera would. Option: `loop = false` ends it with the film.
    """

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        """Raises `CameraMissing` for a file that can not be read, `CameraRefused` for another size."""
        check_options(settings, ("loop",))
        self.name, self.device, self.fps = settings.name, settings.device, settings.fps
        self._clock, self._loops = clock, bool(settings.options.get("loop", True))
        self._capture = opened(settings.device)
        if not Path(settings.device).is_file() or not self._capture.isOpened():
            self._capture.release()
            missing = "" if Path(settings.device).is_file() else " There is no such file."
            raise CameraMissing(
                f"Camera {self.name} can not play {settings.device}.{missing} Correct its device in the rig file."
            )
        self.width, self.height = size_of(self._capture)
        if (self.width, self.height) != (settings.width, settings.height):
            self.close()
            raise wrong_size(settings, self.width, self.height)
        own = float(self._capture.get(cv2.CAP_PROP_FPS))
        speed = f", {self.fps / own:.2g} times as fast as it was filmed" if own and abs(own - self.fps) > 0.5 else ""
        again = "again and again" if self._loops else "once"
        self.remarks: tuple[str, ...] = (
            f"Camera {self.name} is a film. {settings.device} is shown {again}{speed}: no camera sees the arm there.",
        )
        self._period_ns = round(1e9 / self.fps)
        self._due_ns = clock.now_ns()
        self._sequence = -1

    def read(self) -> CameraImage:
        """The picture that is due next, at its time. Raises `CameraSilent` at the end of a film that does not loop."""
        missed = max(0, (self._clock.now_ns() - self._due_ns) // self._period_ns)
        self._due_ns += missed * self._period_ns
        self._sequence += 1 + missed
        for _ in range(min(missed, _MOST_SKIPPED)):
            self._skip()
        self._clock.sleep_until_ns(self._due_ns)
        stamp_ns, self._due_ns = self._due_ns, self._due_ns + self._period_ns
        rgb = next_picture(self._capture)
        if rgb is None and self._loops:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            rgb = next_picture(self._capture)
        if rgb is None:
            raise CameraSilent(
                f"Camera {self.name} has come to the end of {self.device} after {self._sequence} pictures. "
                "Take loop = false out of its options to play it again and again."
            )
        return CameraImage(stamp_ns, rgb, self._sequence)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._capture.release()

    def _skip(self) -> None:
        if not self._capture.grab() and self._loops:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
