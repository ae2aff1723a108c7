"""The recorder as a process: writes takes into a crash-safe journal and never makes anybody wait."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from recorders.episode_writer import CameraDescription, EpisodeDescription, EpisodeWriter
from recorders.errors import RecorderError
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import ParentGone, Pipe
from teleop_studio.processes.rings import RigRings, RingSpecs
from teleop_studio.processes.take import Take
from teleop_studio.rig import RigConfig

_FOLLOW_S = 0.02
_TELL_S = 0.2


def main(pipe: Pipe, rig: RigConfig, specs: RingSpecs) -> None:
    """Obey until the supervisor closes the pipe; a take that runs then is closed as interrupted."""
    rings = RigRings.attach(specs)
    recorder = _Recorder(pipe, rig, rings)
    pipe.send(m.Ready())
    try:
        recorder.run()
    except ParentGone:
        recorder.close_interrupted()
        raise
    finally:
        rings.close()


def describe(rig: RigConfig, task: str, source: str, extra: dict[str, Any]) -> EpisodeDescription:
    """What stands in the episode file about the rig."""
    model = rig.follower.model
    return EpisodeDescription(
        task=task,
        source=source,
        rig=rig.name,
        simulated=rig.simulated,
        scene=rig.scene if rig.simulated else "",
        joint_names=model.names,
        effort_units=tuple("mA" if joint.servo.startswith("xl330") else "0.1%" for joint in model.joints),
        control_hz=rig.control_hz,
        cameras=tuple(CameraDescription(c.name, c.width, c.height, c.fps) for c in rig.cameras),
        operator="",
        extra={"leader": asdict(rig.leader), "follower": asdict(rig.follower), **extra},
    )


class _Recorder:
    def __init__(self, pipe: Pipe, rig: RigConfig, rings: RigRings) -> None:
        self._pipe, self._rig, self._rings = pipe, rig, rings
        self._writer: EpisodeWriter | None = None
        self._take: Take | None = None
        self._told_s = 0.0

    def run(self) -> None:
        while True:
            for message in self._pipe.receive(0.2 if self._take is None else _FOLLOW_S):
                self._obey(message)
            if self._take is not None:
                with self._reporting():
                    self._take.follow()
                self._tell()

    def close_interrupted(self) -> None:
        """The window is gone: keep what there is."""
        if self._writer is not None and self._take is not None:
            with contextlib.suppress(RecorderError, ParentGone):
                self._take.follow()
                self._writer.finish("interrupted")

    def _obey(self, message: Any) -> None:
        with self._reporting():
            match message:
                case m.StartTake():
                    self._start(message)
                case m.FinishTake():
                    self._finish(message)
                case m.DiscardTake():
                    self._discard("discarded")
                case m.MarkEvent(stamp_ns, kind, detail) if self._writer is not None:
                    self._writer.add_event(stamp_ns, kind, detail)

    def _start(self, message: m.StartTake) -> None:
        if self._take is not None:
            self._discard("a new take began")
        description = describe(self._rig, message.task, message.source, message.extra)
        self._writer = EpisodeWriter(message.folder, description)
        self._take = Take(self._writer, self._rings, message.first_tick)

    def _finish(self, message: m.FinishTake) -> None:
        if self._take is None or self._writer is None:
            return
        self._take.follow()
        if self._take.frames == 0:
            self._discard("nothing had been recorded yet")
            return
        self._tell(force=True)
        journal = self._writer.finish(message.outcome, message.extra, message.source)
        self._writer = self._take = None
        self._pipe.send(m.TakeClosed(journal))
        self._pipe.send(m.TakeProgress(False, 0, 0, 0, 0))

    def _discard(self, why: str) -> None:
        if self._writer is not None:
            self._writer.discard()
        self._writer = self._take = None
        self._pipe.send(m.TakeDropped(why))

    def _tell(self, force: bool = False) -> None:
        take = self._take
        if take is None or (not force and time.monotonic() - self._told_s < _TELL_S):
            return
        self._told_s = time.monotonic()
        self._pipe.send(m.TakeProgress(True, take.written, take.due, take.gaps, take.first_ns))

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """A full disk ends the take, not the recorder; what is in the journal stays there."""
        try:
            yield
        except RecorderError as error:
            journal = None
            if self._writer is not None:
                journal = self._writer.journal
            self._writer = self._take = None
            self._pipe.send(m.TakeLost(str(error), journal))
