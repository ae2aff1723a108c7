"""A camera that does what a script says: pictures, errors, and calls that do not return."""

import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from drivers.clock import Clock
from drivers.errors import CameraSilent
from drivers.samples import CameraImage
from teleop_studio.rig import CameraConfig

PATIENCE_S = 20.0
Step = Exception | CameraImage | threading.Event


def image(sequence: int, stamp_ns: int = 0, level: int = 90, encoded: bytes | None = None) -> CameraImage:
    return CameraImage(stamp_ns, np.full((48, 64, 3), level, np.uint8), sequence, encoded)


class ScriptedCamera:
    """Its `read` does the next step: gives the picture, raises the error, or waits for the event and raises nothing.

    `reads` counts the calls of `read`; once the next one is made, what the last one gave has been used.
    """

    def __init__(self, config: CameraConfig, remarks: tuple[str, ...] = (), device: str = "") -> None:
        self.name, self.width, self.height, self.fps = config.name, config.width, config.height, config.fps
        self.device, self.remarks = device or config.device, remarks
        self.steps: queue.Queue[Step] = queue.Queue()
        self.closed = threading.Event()
        self._reads = 0
        self._called = threading.Condition()

    def read(self) -> CameraImage:
        with self._called:
            self._reads += 1
            self._called.notify_all()
        try:
            step = self.steps.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise CameraSilent("The script is over.") from None
        if isinstance(step, threading.Event):
            assert step.wait(PATIENCE_S)
            return image(99)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed.set()

    def wait_for_read(self, number: int) -> None:
        """Until `read` is called for the `number`-th time."""
        with self._called:
            assert self._called.wait_for(lambda: self._reads >= number, PATIENCE_S)


class Opener:
    """`open_` of a `CameraThread`: does the next of `outcomes`; `opened` are the settings it was asked with."""

    def __init__(self, *outcomes: ScriptedCamera | Exception | Callable[[], Any]) -> None:
        self.outcomes: queue.Queue[Any] = queue.Queue()
        for outcome in outcomes:
            self.outcomes.put(outcome)
        self.opened: list[CameraConfig] = []

    def __call__(self, config: CameraConfig, clock: Clock) -> ScriptedCamera:
        self.opened.append(config)
        outcome = self.outcomes.get(timeout=PATIENCE_S)
        if isinstance(outcome, Exception):
            raise outcome
        camera: ScriptedCamera = outcome if isinstance(outcome, ScriptedCamera) else outcome()
        return camera
