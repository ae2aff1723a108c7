"""This project's recorder and builder, the app's own processes, measured and killed."""

import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from recorders.episode_reader import EpisodeReader
from recorders.repair import recover
from recorders.verify import verify
from teleop_studio.processes import messages as m
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import RigConfig
from tests.benchmarks.process_cost import ProcessCost
from tests.benchmarks.recording_result import Result, count_kept
from tests.benchmarks.rig_feed import Feeder

NAME = "Teleop Studio"
_PATIENCE_S = 600.0
_ENDINGS = (ChildFailed, m.TakeLost, m.TakeDropped, m.TakeRefused)


class OwnRecorder:
    """Recorder and builder of one rig, ready to record into `folder`."""

    def __init__(self, rig: RigConfig, rings: RigRings, folder: Path) -> None:
        self._rings, self._folder = rings, folder
        self.recorder = Child("recorder", "recorder_process", (rig, rings.specs))
        self.builder = Child("builder", "builder_process", ((folder,),))
        self._recorder, self._builder = _Inbox(self.recorder), _Inbox(self.builder)
        for inbox in (self._recorder, self._builder):
            inbox.await_one(m.Ready)

    def start(self) -> None:
        self.recorder.send(m.StartTake(self._folder, "pick up the bottle", "human", self._rings.ticks.written))

    def hear_for(self, seconds: float) -> int:
        """Let the take run; returns how many ticks and pictures the recorder was behind at its most."""
        rings = (self._rings.ticks, *self._rings.frames.values())
        before = sum(ring.written for ring in rings)
        behind, end_s = 0, time.monotonic() + seconds
        while time.monotonic() < end_s:
            time.sleep(0.05)
            offered = sum(ring.written for ring in rings) - before
            for progress in self._recorder.take_all(m.TakeProgress):
                behind = max(behind, offered - progress.frames_written - progress.missing)
        return behind

    def finish(self) -> tuple[float, Path]:
        """Ends the take; returns how long it took until the next could begin (s), and the finished episode."""
        stop_s = time.monotonic()
        self.recorder.send(m.FinishTake("success"))
        self._recorder.await_one(m.TakeEnded)
        ready_s = time.monotonic() - stop_s
        closed = self._recorder.await_one(m.TakeClosed)
        self.builder.send(m.BuildEpisode(closed.journal))
        return ready_s, self._builder.await_one(m.TakeSaved).path

    def stop(self) -> None:
        self.recorder.stop()
        self.builder.stop()


def measure(rig: RigConfig, rings: RigRings, feeder: Feeder, folder: Path, seconds: float) -> Result:
    """One take of `seconds`."""
    result = Result(NAME)
    own = OwnRecorder(rig, rings, folder)
    assert own.recorder.pid is not None
    assert own.builder.pid is not None
    recorder, builder = ProcessCost(own.recorder.pid), ProcessCost(own.builder.pid)
    cpu_s, built_s, began_s = recorder.cpu_s(), builder.cpu_s(), time.monotonic()
    own.start()
    behind = own.hear_for(seconds)
    result.cpu = (recorder.cpu_s() - cpu_s) / (time.monotonic() - began_s)
    stop_ns = time.monotonic_ns()
    result.ready_s, path = own.finish()
    result.finished_s = time.monotonic() - stop_ns * 1e-9
    result.cpu_after_s = builder.cpu_s() - built_s
    fed = feeder.stop()
    recorder.close()
    builder.close()
    own.stop()
    result.peak_bytes = recorder.peak_bytes + builder.peak_bytes
    with EpisodeReader(path) as reader:
        ticks = reader.frames.stamp_ns
        result.seconds = (stop_ns - int(ticks[0])) * 1e-9
        pictures = {camera: reader.images(camera).stamp_ns for camera in reader.cameras}
        count_kept(result, fed, pictures, ticks, (int(ticks[0]), stop_ns))
        listed = sum(gap.count for gap in reader.gaps())
    result.bytes_stored = path.stat().st_size
    began_s = time.monotonic()
    problems = "; ".join(problem.text for problem in verify(path))
    result.notes += [
        f"memory: recorder {recorder.peak_bytes / 1e6:.0f} MB, builder {builder.peak_bytes / 1e6:.0f} MB",
        f"ticks and pictures not yet written, at most: {behind}",
        f"ticks and pictures listed as missing in the file: {listed}",
        f"verify, {time.monotonic() - began_s:.1f} s: {problems or 'the file is whole'}",
    ]
    return result


def kill(rig: RigConfig, rings: RigRings, feeder: Feeder, folder: Path, seconds: float) -> str:
    """One finished take, then kill -9 after `seconds` of the next; what the next start finds."""
    own = OwnRecorder(rig, rings, folder)
    own.start()
    own.hear_for(seconds)
    _, finished = own.finish()
    own.start()
    start_ns = time.monotonic_ns()
    own.hear_for(seconds)
    killed_ns = time.monotonic_ns()
    own.recorder.kill()
    own.builder.kill()
    fed = feeder.stop()
    found = recover(folder)
    finished_problems = verify(finished)
    said = f"finished take: {'whole' if not finished_problems else finished_problems[0].text}"
    if len(found) != 1 or found[0].path is None:
        return f"{said}; running take: {[str(entry) for entry in found]}"
    with EpisodeReader(found[0].path) as reader:
        offered = {"ticks": fed.ticks, **fed.pictures}
        kept = {"ticks": reader.frames.stamp_ns, **{name: reader.images(name).stamp_ns for name in reader.cameras}}
    due = {name: stamps[(stamps >= start_ns) & (stamps <= killed_ns)] for name, stamps in offered.items()}
    lost = sum(int(np.sum(~np.isin(due[name], kept[name]))) for name in due)
    last_ms = max((killed_ns - int(stamps[-1])) * 1e-6 for stamps in kept.values())
    problems = verify(found[0].path)
    return (
        f"{said}; running take: recovered, {'whole' if not problems else problems[0].text}, "
        f"{lost} of {sum(map(len, due.values()))} pictures and ticks not in it, its last item {last_ms:.0f} ms "
        "before the kill"
    )


class _Inbox:
    """What a child has said and nobody has read yet."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._waiting: deque[Any] = deque()

    def take_all(self, kind: type) -> list[Any]:
        """All messages of `kind` that wait; the others stay."""
        self._waiting += self.child.receive()
        found = [message for message in self._waiting if isinstance(message, kind)]
        self._waiting = deque(message for message in self._waiting if not isinstance(message, kind))
        return found

    def await_one(self, kind: type) -> Any:
        """The next message of `kind`. Raises `RuntimeError` when the child fails or says that there is no take."""
        end_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end_s:
            self._waiting += self.child.receive()
            while self._waiting:
                message = self._waiting.popleft()
                if isinstance(message, kind):
                    return message
                if isinstance(message, _ENDINGS):
                    raise RuntimeError(f"{self.child.name} said {message}, not {kind.__name__}")
            time.sleep(0.002)
        raise RuntimeError(f"{self.child.name} did not say {kind.__name__} within {_PATIENCE_S:.0f} s")
