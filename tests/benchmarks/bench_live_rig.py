"""The live rig under its full load: control loop at 100 Hz, two cameras at 30 fps, recorder, policy, window painting.

`python -m tests.benchmarks.bench_live_rig [--seconds S]` prints the rows of docs/benchmarks.md: for both links at the
real-time class, and for the socket pair without it. `--only LINK` measures one of them in this process.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from recorders.episode_reader import EpisodeReader
from teleop_studio.commands.driving import opened, until_job_ends
from teleop_studio.rig import RigConfig
from teleop_studio.script import Say, Show, Step, Wait
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.train_choices import TrainChoices
from teleop_studio.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the take and of the policy's turn")
    parser.add_argument("--only", choices=("socketpair", "pty"), help="measure only this link")
    parser.add_argument("--normal", action="store_true", help="with --only: without the real-time scheduling class")
    options = parser.parse_args()
    if options.only:
        measure(RigConfig(link=options.only, realtime=not options.normal), options.seconds)
        return
    for arguments in (["--only", "socketpair"], ["--only", "pty"], ["--only", "socketpair", "--normal"]):
        command = [sys.executable, "-m", "tests.benchmarks.bench_live_rig", *arguments]
        subprocess.run([*command, "--seconds", str(options.seconds)], check=True)


def measure(rig: RigConfig, seconds: float) -> None:
    """Print the rows of one rig."""
    from ui.app import run

    if sys.platform == "linux" and not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    paints = PaintTimes(sys.argv[:1])
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(rig, Workspace.create(Path(folder)))
        try:
            run(studio, _script(studio, seconds, paints))
        finally:
            studio.close()
        for row in studio.episodes()[-1:]:
            _print_recording(row.path)


class PaintTimes(QApplication):
    """Times every painting of the window's content."""

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.took_ms: list[float] = []

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest:
            return super().notify(receiver, event)
        began = time.perf_counter()
        handled = super().notify(receiver, event)
        self.took_ms.append((time.perf_counter() - began) * 1e3)
        return handled


def _script(studio: Studio, seconds: float, paints: PaintTimes) -> Iterator[Step]:
    studio.record_scripted(2, fast=True)
    yield from until_job_ends(studio)
    run = studio.train(TrainChoices(steps=2))
    while not (studio.status.training and studio.status.training.finished):
        yield Wait()
    yield from opened(studio)
    yield Show("record")
    yield from _pause(8.0)  # the policy process loads torch meanwhile
    studio.teleop()
    studio.record("benchmark")
    yield from _pause(2.0)
    window = psutil.Process()
    paints.took_ms.clear()
    cpu, start_s, first = window.cpu_times(), time.monotonic(), studio.status.loop
    stamps = _Stamps(studio)
    for step in _pause(seconds):
        yield step
        stamps.follow()
    last, passed_s = studio.status.loop, time.monotonic() - start_s
    _print_loop(studio, stamps, last.missed_deadlines - first.missed_deadlines, passed_s)
    _print_window("record", window, cpu, passed_s, paints)
    studio.accept()
    while studio.status.recorder.building or studio.status.recorder.recording:
        yield Wait()
    studio.stop()
    studio.resume()
    yield Show("deploy")
    studio.autonomous(run)
    while studio.status.state is not State.POLICY:
        yield Wait()
    paints.took_ms.clear()
    cpu, start_s = window.cpu_times(), time.monotonic()
    stamps = _Stamps(studio)
    for step in _pause(seconds):
        yield step
        stamps.follow()
    _print_window("deploy", window, cpu, time.monotonic() - start_s, paints)
    health = studio.status.inference
    yield Say(
        f"| chunk | {health.chunks} chunks | p50 {health.chunk_latency_p50_ms:.1f} ms | "
        f"p99 {health.chunk_latency_p99_ms:.1f} ms | all 32 samples: p50 {health.overlay_latency_p50_ms:.1f} ms |"
    )
    studio.discard()


class _Stamps:
    """All tick stamps of a stretch, from the history that the window keeps anyway."""

    def __init__(self, studio: Studio) -> None:
        live = studio._live
        assert live is not None
        self._ring = live.rings.ticks
        self._next = self._ring.written
        self.stamp_ns: list[int] = []

    def follow(self) -> None:
        while self._next < self._ring.written:
            item = self._ring.read(self._next)
            self._next += 1
            if item is not None:
                self.stamp_ns.append(item[0])


def _print_loop(studio: Studio, stamps: _Stamps, missed: int, seconds: float) -> None:
    period_ms = 1e3 / studio.rig.control_hz
    error_ms = np.abs(np.diff(stamps.stamp_ns) * 1e-6 - period_ms)
    p50, p99, p999 = np.percentile(error_ms, (50, 99, 99.9))
    print(
        f"| control | {studio.status.loop.scheduling} | {studio.rig.link} | {len(stamps.stamp_ns)} ticks | "
        f"{missed} missed in {seconds:.0f} s | period error {p50:.3f} / {p99:.3f} / {p999:.3f} ms, "
        f"largest {error_ms.max():.2f} ms |",
        flush=True,
    )


def _print_window(page: str, window: psutil.Process, before: object, seconds: float, paints: PaintTimes) -> None:
    now = window.cpu_times()
    used_s = now.user + now.system - before.user - before.system  # type: ignore[attr-defined]
    p50, p99 = np.percentile(paints.took_ms, (50, 99))
    print(
        f"| window | {page} | {100 * used_s / seconds:.0f} % of a core | "
        f"{len(paints.took_ms) / seconds:.0f} paints/s | "
        f"paint p50 {p50:.1f} ms, p99 {p99:.1f} ms |",
        flush=True,
    )


def _print_recording(path: Path) -> None:
    with EpisodeReader(path) as reader:
        missing = {stream: 0 for stream in ("frames", *reader.cameras)}
        for gap in reader.gaps():
            missing[gap.stream] = missing.get(gap.stream, 0) + gap.count
        written = {"frames": reader.info.frames, **reader.info.images}
        for stream, count in written.items():
            due = count + missing[stream]
            print(f"| recorded | {stream} | {count} of {due} due | {missing[stream]} listed as gaps |")
        rates = [1e9 / statistics.median(np.diff(reader.images(c).stamp_ns)) for c in reader.cameras]
        print(f"| cameras | median rate {', '.join(f'{rate:.1f}' for rate in rates)} fps |", flush=True)


def _pause(seconds: float) -> Iterator[Step]:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        yield Wait()


if __name__ == "__main__":
    main()
