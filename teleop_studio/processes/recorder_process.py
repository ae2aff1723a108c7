"""The recorder as a process: writes takes into a crash-safe journal and never makes anybody wait.

To drive it without arms, as the benchmarks do: `rings = RigRings.create("bench", rig)`, push rows of `TickRow` and
`FrameRow` into `rings.ticks` and `rings.frames[name]`, start `Child("recorder", "recorder_process",
(rig, rings.specs))` and wait for `Ready`. Then send `StartTake(folder, task, "human", rings.ticks.written)` and
`FinishTake("success")`. It answers with `TakeProgress` while the take runs, `TakeEnded` and `TakeClosed`; a full pipe
would stop it, so hear it.
"""

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from recorders.episode_writer import EpisodeWriter, FinishingTake
from recorders.errors import DiskFull, RecorderError
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import RECORDER_PRIORITY, ParentGone, Pipe, raise_scheduling
from teleop_studio.processes.disk_room import LEAST_S, DiskRoom
from teleop_studio.processes.rings import RigRings, RingSpecs
from teleop_studio.processes.take import Take
from teleop_studio.processes.take_description import describe
from teleop_studio.processes.take_pictures import passing_through, stamped_by
from teleop_studio.rig import RigConfig

_FOLLOW_S = 0.02
_TELL_S = 0.2
_LOOK_S = 0.5  # at the disk's room, while a take runs
_LOOK_IDLE_S = 2.0


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs, folder: Path | None = None) -> None:
    """Obey until the supervisor closes the pipe; a take that runs then is closed as interrupted.

    `folder` is where takes are likely to go: the room on its disk is told before the first one.
    """
    # On a busy machine it fell behind the rings and lost pictures; it needs a third of a core for four large cameras.
    raise_scheduling(rig.realtime, RECORDER_PRIORITY)
    rings = RigRings.attach(specs)
    recorder = _Recorder(pipe, rig, rings, folder)
    pipe.send(m.Ready())
    try:
        recorder.run()
    except ParentGone:
        recorder.close_interrupted()
        raise
    finally:
        rings.close()


class _Recorder:
    def __init__(self, pipe: Pipe, rig: RigConfig, rings: RigRings, folder: Path | None) -> None:
        self._pipe, self._rig, self._rings = pipe, rig, rings
        self._writer: EpisodeWriter | None = None
        self._take: Take | None = None
        self._number = 0
        self._mixed = False  # the leader took the follower from a policy
        self._finishing: list[FinishingTake] = []
        self._discarding: list[Future[None]] = []
        # Removing a long journal takes a while, and the next take must not wait for it.
        self._remover = ThreadPoolExecutor(1, "remove-journal")
        self._folder, self._room = folder, DiskRoom(rig)
        self._told_s = self._looked_s = float("-inf")

    def run(self) -> None:
        while True:
            for message in self._pipe.receive(self._patience_s()):
                self._obey(message)
            if self._take is not None:
                with self._reporting():
                    self._take.follow()
                self._tell()
            self._hear_disk()
            self._look_at_room()

    def close_interrupted(self) -> None:
        """The window is gone: keep what there is."""
        with contextlib.suppress(RecorderError, ParentGone):
            if self._take is not None:
                self._end("interrupted")
        for finishing in self._finishing:
            with contextlib.suppress(RecorderError):
                finishing.wait()
        self._remover.shutdown()

    def _patience_s(self) -> float:
        return _FOLLOW_S if self._take is not None or self._finishing or self._discarding else 0.2

    def _obey(self, message: Any) -> None:
        match message:
            case m.StartTake():
                self._start(message)
            case m.FinishTake(outcome) if self._take is not None:
                with self._reporting():
                    self._end(outcome)
            case m.DiscardTake() if self._take is not None:
                self._discard("discarded")
            case m.MarkEvent(stamp_ns, kind, detail) if self._writer is not None:
                self._mixed |= kind == m.TAKEOVER
                with self._reporting():
                    self._writer.add_event(stamp_ns, kind, detail)

    # --- the running take ------------------------------------------------------------------------------------------

    def _start(self, message: m.StartTake) -> None:
        if self._take is not None:
            self._discard("a new take began")
        self._folder, self._number, self._mixed = message.folder, message.take, False
        self._told_s = float("-inf")
        try:
            self._require_room(message.folder)
            passed_through = passing_through(self._rings)
            extra = message.extra if self._rig.simulated else {"stamps": stamped_by(self._rings), **message.extra}
            description = describe(self._rig, message.task, message.source, extra, message.operator, passed_through)
            self._writer = EpisodeWriter(message.folder, description)
        except (RecorderError, ValueError) as error:
            self._writer = None
            self._pipe.send(m.TakeRefused(str(error), self._number))
            return
        self._take = Take(self._writer, self._rig, self._rings, message.first_tick, passed_through=passed_through)

    def _end(self, outcome: str, why: str = "") -> None:
        """The next take may begin as soon as this returns: nothing here waits for the disk."""
        assert self._take is not None
        assert self._writer is not None
        loop = self._take.close()
        if self._take.frames == 0:
            self._discard("nothing had been recorded yet")
            return
        self._room.learn(self._writer.bytes_written, self._take.duration_s)
        self._finishing.append(self._writer.begin_finish(outcome, source="mixed" if self._mixed else "", loop=loop))
        progress = self._progress(self._take)
        self._writer = self._take = None
        self._pipe.send(m.TakeEnded(progress, why))

    def _discard(self, why: str) -> None:
        if self._writer is not None:
            self._discarding.append(self._remover.submit(self._writer.discard))
        self._writer = self._take = None
        self._pipe.send(m.TakeDropped(why, self._number))

    def _tell(self) -> None:
        """At once when the first tick is written, then a few times a second."""
        if self._take is not None and self._take.frames and time.monotonic() - self._told_s > _TELL_S:
            self._told_s = time.monotonic()
            self._pipe.send(self._progress(self._take))

    def _progress(self, take: Take) -> m.TakeProgress:
        return replace(take.progress(), take=self._number)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """A disk that refuses ends the take, not the recorder; what is in the journal stays there."""
        try:
            yield
        except RecorderError as error:
            assert self._take is not None
            progress, self._writer, self._take = self._progress(self._take), None, None
            self._pipe.send(m.TakeEnded(progress, str(error), cut_off=True))

    # --- the disk --------------------------------------------------------------------------------------------------

    def _hear_disk(self) -> None:
        """Tell which finished takes are on the disk by now, and which it refused."""
        waiting, self._finishing = self._finishing, []
        for finishing in waiting:
            try:
                if finishing.saved():
                    self._pipe.send(m.TakeClosed(finishing.journal))
                else:
                    self._finishing.append(finishing)
            except RecorderError as error:
                self._pipe.send(m.TakeLost(str(error), finishing.journal))
        for removal in [removal for removal in self._discarding if removal.done()]:
            self._discarding.remove(removal)
            refusal = removal.exception()
            if isinstance(refusal, RecorderError):
                self._pipe.send(m.Warned(str(refusal)))

    def _require_room(self, folder: Path) -> None:
        """Raises `DiskFull` when a take would have to be ended before it is a minute long."""
        left_s = self._room.left_s(folder)
        if left_s < LEAST_S:
            raise DiskFull(
                f"The disk is nearly full. It has room for {left_s:.0f} s of a take at {folder}, a take needs "
                f"{LEAST_S:.0f} s. Free some space, or choose another workspace."
            )

    def _look_at_room(self) -> None:
        now_s = time.monotonic()
        if self._folder is None or now_s - self._looked_s < (_LOOK_IDLE_S if self._take is None else _LOOK_S):
            return
        self._looked_s = now_s
        if self._take is not None and self._writer is not None:
            self._room.learn(self._writer.bytes_written, self._take.duration_s)
        left_s = self._room.left_s(self._folder)
        self._pipe.send(m.DiskRoom(left_s))
        if left_s <= 0 and self._take is not None and self._writer is not None:
            with self._reporting():
                self._writer.add_event(time.monotonic_ns(), "disk full", {})
                self._end("interrupted", why=_FULL)


_FULL = (
    "The disk is full: the take was ended while there is still room to save it, and is kept as interrupted. "
    "Free some space, then record the next one."
)
