"""A camera in the simulated scene: renders the newest snapshot at each frame deadline."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.clock import Clock
from drivers.errors import CameraSilent
from drivers.samples import CameraImage
from drivers.sim.renderer import SceneRenderer

TakeSnapshot = Callable[[], tuple[int, NDArray[np.float64]] | None]

_PATIENCE_S = 5.0


class SimulatedCamera:
    """Several cameras of one process may share a renderer; `close` closes it for all of them."""

    def __init__(
        self, name: str, renderer: SceneRenderer, take_snapshot: TakeSnapshot, fps: float, clock: Clock
    ) -> None:
        """`take_snapshot` gives the newest (stamp_ns, `World.snapshot()`), None while there is none."""
        renderer.check_camera(name)
        self.name, self.fps, self.device = name, fps, "simulated"
        self.remarks: tuple[str, ...] = ()
        self.width, self.height = renderer.width, renderer.height
        self._renderer, self._take_snapshot, self._clock = renderer, take_snapshot, clock
        self._period_ns = round(1e9 / fps)
        self._due_ns = clock.now_ns()
        self._sequence = 0

    def read(self) -> CameraImage:
        """The picture due at the next deadline, stamped with the moment its snapshot was taken.

        Deadlines are absolute. Those missed while nobody read are counted in `sequence`, as a real camera would.
        Raises `CameraSilent` when the simulator gives nothing for 5 s.
        """
        give_up_ns = self._clock.now_ns() + round(_PATIENCE_S * 1e9)
        while True:
            self._wait_for_deadline()
            snapshot = self._take_snapshot()
            if snapshot is not None:
                stamp_ns, positions = snapshot
                picture = self._renderer.render(positions, self.name)
                return CameraImage(stamp_ns, picture, self._sequence - 1)
            if self._clock.now_ns() >= give_up_ns:
                raise CameraSilent(
                    f"The simulated camera {self.name} got no scene for {_PATIENCE_S:g} s. "
                    "The simulator process has stopped or was never started; start the rig again."
                )

    def close(self) -> None:
        """Close the renderer."""
        self._renderer.close()

    def _wait_for_deadline(self) -> None:
        missed = (self._clock.now_ns() - self._due_ns) // self._period_ns
        if missed > 0:
            self._due_ns += missed * self._period_ns
            self._sequence += missed
        self._clock.sleep_until_ns(self._due_ns)
        self._due_ns += self._period_ns
        self._sequence += 1
