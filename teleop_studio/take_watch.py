"""What is known of the takes: the running one, those on their way to the disk, and how much room the disk has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from teleop_studio.notices import Notices
from teleop_studio.processes import messages as m
from teleop_studio.status import RecorderHealth

LOW_S = (600.0, 120.0)  # the operator is told once at each
_STILL_PICTURES = 15  # so many missing are told while the take can still be discarded
_NO_TAKE = m.TakeProgress(0, 0, 0, 0)


class TakeWatch:
    """Hears recorder and builder. `saved` are new episode files; `recovered` that some came back from a crash."""

    def __init__(self, notices: Notices, tell_builder: Callable[[Any], object]) -> None:
        self._notices, self._tell_builder = notices, tell_builder
        self.take = 0
        self.recording = False
        self.progress = _NO_TAKE
        self.saved: list[Path] = []
        self.recovered = False
        self._folder: Path | None = None
        self._saving = 0
        self._waiting: set[Path] = set()
        self._left_s, self._warned_s = float("inf"), float("inf")
        self._still: set[str] = set()

    @property
    def left_s(self) -> float:
        """For how long a take could go on before the disk is full."""
        return self._left_s

    def health(self) -> RecorderHealth:
        progress = self.progress
        return RecorderHealth(
            recording=self.recording,
            frames_written=progress.frames_written,
            frames_due=progress.frames_written + progress.missing,
            gaps=progress.gaps,
            building=self._saving,
            missing=progress.missing,
            pictures=progress.pictures,
            waiting=len(self._waiting),
            disk_left_s=self._left_s,
        )

    def begin(self, folder: Path) -> int:
        """A take is about to be started; returns its number."""
        self.take += 1
        self.recording, self.progress, self._folder = True, _NO_TAKE, folder
        self._still.clear()
        return self.take

    def recorder_died(self) -> None:
        """What it has written is brought back by the builder, finished takes included."""
        self.recording, self._saving = False, len(self._waiting)
        self._tell_builder(m.RecoverTakes())

    def builder_died(self) -> None:
        """The next one begins with bringing back whatever is not built."""
        self._saving = 0
        self._waiting.clear()

    def hear(self, message: Any) -> str:
        """Returns what the session must act on: "take_ended", "take_refused" or ""."""
        match message:
            case m.TakeProgress() if message.take == self.take and self.recording:
                self.progress = message
                self._note_still_cameras()
            case m.DiskRoom(left_s):
                self._left_s = left_s
                self._note_low_disk()
            case m.TakeEnded():
                return self._ended(message)
            case m.TakeRefused(why, take) if take == self.take:
                self.recording = False
                self._notices.add(why)
                return "take_refused"
            case m.TakeDropped(why, take):
                self.recording = self.recording and take != self.take
                if why != "discarded":
                    self._notices.add(f"The take was not kept: {why}.")
            case _:
                self._hear_saving(message)
        return ""

    def _ended(self, message: m.TakeEnded) -> str:
        newest = message.progress.take == self.take
        if newest:
            self.recording, self.progress = False, message.progress
        self._notices.add(_gap_sentence(message.progress))
        self._notices.add(message.why)
        if message.cut_off:
            self._tell_builder(m.RecoverTakes(self._folder))
        else:
            self._saving += 1
        return "take_ended" if newest and message.why else ""

    def _hear_saving(self, message: Any) -> None:
        match message:
            case m.TakeClosed(journal):
                self._tell_builder(m.BuildEpisode(journal))
            case m.TakeWaiting(journal, why):
                self._waiting.add(journal)
                self._notices.add(f"A take waits for room on the disk. {why} It is saved as soon as there is room.")
            case m.TakeSaved(journal, path):
                self._out(journal)
                self.saved.append(path)
            case m.TakeLost(why, journal):
                self._out(journal)
                self._notices.add(f"A take could not be saved. {why}")
            case m.TakeRecovered(text, path):
                self._notices.add(text)
                self.recovered |= path is not None
            case m.Warned(text):
                self._notices.add(text)

    def _out(self, journal: Path | None) -> None:
        self._saving = max(0, self._saving - 1)
        if journal is not None:
            self._waiting.discard(journal)

    def _note_still_cameras(self) -> None:
        for camera, (_, missing) in self.progress.pictures.items():
            if missing >= _STILL_PICTURES and camera not in self._still:
                self._still.add(camera)
                self._notices.add(
                    f"Camera {camera} stands still or is too slow. {missing} of its pictures are missing in the "
                    "running take so far; each is listed in the episode. Check the camera, or discard the take."
                )

    def _note_low_disk(self) -> None:
        if self._left_s > 1.2 * self._warned_s:
            self._warned_s = min((limit for limit in LOW_S if self._left_s <= limit), default=float("inf"))
        for limit in LOW_S:
            if self._left_s < limit < self._warned_s:
                self._warned_s = limit
                self._notices.add(
                    f"The disk is filling up. It has room for {_span(self._left_s)} of recording. "
                    "Free some space before it is full; a take is then ended while it can still be saved."
                )


def _gap_sentence(progress: m.TakeProgress) -> str:
    """What is missing in a take, "" when nothing is."""
    missing = [f"{progress.missing_ticks} control ticks"] if progress.missing_ticks else []
    missing += [f"{lost} pictures of {camera}" for camera, (_, lost) in progress.pictures.items() if lost]
    if not missing:
        return ""
    return f"The take has gaps. Missing are {', '.join(missing)}; the episode lists when."


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
