"""What a run measures, as lines of metrics.jsonl and, the same, as event files that TensorBoard shows."""

import math
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from teleop_studio.training.run_folder import add_metrics, forget_metrics_after

TENSORBOARD = "tensorboard"


class Curves:
    """Goes on after `step`: what was measured beyond it, before the run stopped there, is forgotten in both."""

    def __init__(self, run: Path, step: int) -> None:
        self._run = run
        forget_metrics_after(run, step)
        self._writer = EventFileWriter(str(run / TENSORBOARD), flush_secs=10)
        self._write(Event(step=step + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step: int, **values: float) -> None:
        """One measurement."""
        add_metrics(self._run, step, **values)
        finite = [Summary.Value(tag=name, simple_value=value) for name, value in values.items() if math.isfinite(value)]
        self._write(Event(step=step, summary=Summary(value=finite)))

    def flush(self) -> None:
        """Nothing of what was measured so far is lost, whatever happens to the process."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._writer.add_event(event)
