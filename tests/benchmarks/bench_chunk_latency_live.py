"""How long a chunk takes while the window runs: the real app, the simulated rig in real time, a policy that drives.

`python -m tests.benchmarks.bench_chunk_latency_live [--seconds S] [--policy NAME] [--run FOLDER]` prints the row of
docs/benchmarks.md: p50, p99 and the worst time from the wish for a chunk to the chunk, and to all 32 samples. The
policy was trained for two steps and has the networks it would have after thousands: weights do not change how long a
chunk takes. The aim is a p99 below 40 ms.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from teleop_studio.commands.driving import opened, until_job_ends
from teleop_studio.live import Inference
from teleop_studio.rig import RigConfig
from teleop_studio.script import Say, Show, Step, Wait
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.train_choices import TrainChoices
from teleop_studio.workspace import Workspace
from ui.app import run as run_window

WARM_UP_CHUNKS = 10
AIM_MS = 40.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--policy", default="flow-matching", help="of the registry (default: %(default)s)")
    parser.add_argument("--run", type=Path, default=None, help="a trained run instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(RigConfig(), Workspace.create(Path(folder)))
        try:
            run_window(studio, _script(studio, options.policy, options.run, options.seconds))
        finally:
            studio.close()


def _script(studio: Studio, policy: str, run: Path | None, seconds: float) -> Iterator[Step]:
    if run is None:
        studio.record_scripted(2, fast=True)
        yield from until_job_ends(studio)
        run = studio.train(TrainChoices(policy=policy, steps=2))
        while not (studio.status.training and studio.status.training.finished):
            if studio.status.training and studio.status.training.error:
                raise RuntimeError(studio.status.training.error)
            yield Wait()
    yield from opened(studio)
    yield Show("deploy")
    times = _Times(studio)
    end_s = 0.0
    layout = 1000
    while not end_s or time.monotonic() < end_s:
        # A barely trained policy may fail an attempt, which ends it: the next one begins in a new scene.
        yield from _fresh_scene(studio, layout)
        layout += 1
        studio.autonomous(run.resolve(), {"seed": layout})
        while studio.status.state is not State.POLICY:
            yield Wait()
        end_s = end_s or time.monotonic() + seconds
        while studio.status.state is State.POLICY and time.monotonic() < end_s:
            times.follow()
            yield Wait()
    times.follow()
    if studio.status.state is State.POLICY:
        studio.discard()
    yield Say(times.row(run.name, seconds))


def _fresh_scene(studio: Studio, layout: int) -> Iterator[Step]:
    studio.new_scene(layout)
    while not studio.scene_ready:
        yield Wait()


class _Times:
    """Every chunk's time, not only those of the last hundred that the window shows."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._seen = 0
        self.chunk_ms: list[float] = []
        self.samples_ms: list[float] = []

    def follow(self) -> None:
        live = self._studio._live
        assert live is not None
        inference: Inference = live.inference
        new = min(inference.chunks - self._seen, len(inference.chunk_ms))
        self._seen = inference.chunks
        if new > 0:
            self.chunk_ms += list(inference.chunk_ms)[-new:]
            self.samples_ms += list(inference.overlay_ms)[-new:]

    def row(self, run: str, seconds: float) -> str:
        chunk, samples = (np.array(times[WARM_UP_CHUNKS:]) for times in (self.chunk_ms, self.samples_ms))
        if len(chunk) == 0:
            return f"| {run} | too few chunks in {seconds:.0f} s |"
        p99 = float(np.percentile(chunk, 99))
        return (
            f"| {run} | {len(chunk)} chunks in {seconds:.0f} s | chunk p50 {np.percentile(chunk, 50):.1f} ms, "
            f"p99 {p99:.1f} ms, worst {chunk.max():.1f} ms | all 32 samples p50 {np.percentile(samples, 50):.1f} ms, "
            f"p99 {np.percentile(samples, 99):.1f} ms | aim of {AIM_MS:.0f} ms {'met' if p99 < AIM_MS else 'missed'} |"
        )


if __name__ == "__main__":
    main()
