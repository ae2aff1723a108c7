"""The shared-memory rings of one rig: what lies in each, who writes it, how many are kept."""

import itertools
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.chunk import ActionChunk
from teleop_studio.insight.overlay import SHOWN_STEPS
from teleop_studio.processes.shared_ring import RingSpec, SharedRing
from teleop_studio.processes.tick_row import tick_dtype
from teleop_studio.rig import CameraConfig, RigConfig, RigError
from teleop_studio.status import Overlay

TICK_SLOTS = 2048  # 10 to 40 s
_OTHER_RINGS_BYTES = 4 << 20
FRAME_RING_S = 2.5  # how long the disk may stall before a picture is lost
ENCODING_KINDS = ("usb", "network")  # of camera: these may hand over JPEGs of their own
_LEAST_ENCODED_BYTES = 16 << 10  # tables and headers weigh more than the pixels of a small picture
MAX_HORIZON = 64
MAX_SOLVER_STEPS = 100  # of which SHOWN_STEPS are drawn
OVERLAY_SAMPLES = 32
OVERLAY_HORIZON = 32
_counter = itertools.count(1)
SNAPSHOT_VALUES = 255  # more than any scene has, so that the owner need not load the simulator to know


def frame_slots(fps: float, keep_s: float = FRAME_RING_S) -> int:
    """How many pictures a camera's ring holds: 75 at 30 fps, which is 17 MB at 320x240 and 69 MB at 640x480."""
    return max(8, math.ceil(keep_s * fps))


def frame_dtype(width: int, height: int, encoded_bytes: int = 0) -> list[Any]:
    """One picture. `sequence` counts the pictures that were due, so a skipped one shows.

    `encoded` the JPEG that the camera made itself, `encoded_size` bytes of it; 0 when it made none, or one that does
    not fit. `driver_stamp` as in `CameraImage`.
    """
    return [
        ("sequence", np.int64),
        ("rgb", np.uint8, (height, width, 3)),
        ("driver_stamp", np.bool_),
        ("encoded_size", np.int32),
        ("encoded", np.uint8, (encoded_bytes,)),
    ]


def encoded_room(camera: CameraConfig) -> int:
    """Bytes kept in a picture's row for the camera's own JPEG; none where nothing is passed through.

    One a pixel: a noisy picture of quality 95 needs half of that (decision 14).
    """
    own = camera.passthrough and camera.codec == "jpeg" and camera.kind in ENCODING_KINDS
    return max(camera.width * camera.height, _LEAST_ENCODED_BYTES) if own else 0


def wish_dtype() -> list[Any]:
    """Control asks for chunk number `request`."""
    return [("request", np.int64), ("asked_ns", np.int64)]


def chunk_dtype(joints: int) -> list[Any]:
    """The answer to wish `request`; `horizon` 0 means the policy failed."""
    return [
        ("request", np.int64),
        ("start_ns", np.int64),
        ("dt_s", np.float64),
        ("horizon", np.int32),
        ("actions", np.float64, (MAX_HORIZON, joints)),
    ]


def overlay_dtype() -> list[Any]:
    """An `Overlay` in its largest size; `solver_steps`, `horizon` tell how much of it is filled."""
    return [
        ("stamp_ns", np.int64),
        ("solver_steps", np.int32),
        ("samples", np.int32),
        ("horizon", np.int32),
        ("executed_steps", np.int32),
        ("left_share", np.float64),
        ("right_share", np.float64),
        ("spread_mm", np.float64),
        ("tip_paths", np.float32, (SHOWN_STEPS + 1, OVERLAY_SAMPLES, OVERLAY_HORIZON, 3)),
        ("velocity_norm", np.float32, (SHOWN_STEPS, OVERLAY_SAMPLES)),
    ]


@dataclass(frozen=True)
class RingSpecs:
    """All rings of a rig, picklable: what a child needs to attach."""

    ticks: RingSpec
    frames: dict[str, RingSpec]
    wishes: RingSpec
    chunks: RingSpec
    overlays: RingSpec
    snapshots: RingSpec | None


class RigRings:
    """The rings themselves, in the process that owns them or attached in a child."""

    def __init__(
        self,
        ticks: SharedRing,
        frames: dict[str, SharedRing],
        wishes: SharedRing,
        chunks: SharedRing,
        overlays: SharedRing,
        snapshots: SharedRing | None,
    ) -> None:
        self.ticks, self.frames = ticks, frames
        self.wishes, self.chunks, self.overlays, self.snapshots = wishes, chunks, overlays, snapshots

    @classmethod
    def create(cls, tag: str, rig: RigConfig, keep_s: float = FRAME_RING_S) -> "RigRings":
        """New rings owned by this process. `tag` says in the system's list of segments what they are for.

        Pictures are kept for `keep_s`. Raises `RigError` when the machine has too little shared memory for them.
        """
        _require_shared_memory(rig, keep_s)
        tag = f"{tag}{next(_counter)}"  # two rigs may be open in one process
        joints = len(rig.follower.model.joints)
        return cls(
            SharedRing.create(f"{tag}_ticks", TICK_SLOTS, (), tick_dtype(joints)),
            {
                camera.name: SharedRing.create(
                    f"{tag}_camera_{camera.name}",
                    frame_slots(camera.fps, keep_s),
                    (),
                    frame_dtype(camera.width, camera.height, encoded_room(camera)),
                )
                for camera in rig.cameras
            },
            SharedRing.create(f"{tag}_wishes", 16, (), wish_dtype()),
            SharedRing.create(f"{tag}_chunks", 16, (), chunk_dtype(joints)),
            SharedRing.create(f"{tag}_overlays", 4, (), overlay_dtype()),
            SharedRing.create(f"{tag}_scene", 64, (1 + SNAPSHOT_VALUES,), np.float64) if rig.simulated else None,
        )

    @classmethod
    def attach(cls, specs: RingSpecs) -> "RigRings":
        """Raises `FileNotFoundError` when the owner has removed them."""
        return cls(
            SharedRing.attach(specs.ticks),
            {name: SharedRing.attach(spec) for name, spec in specs.frames.items()},
            SharedRing.attach(specs.wishes),
            SharedRing.attach(specs.chunks),
            SharedRing.attach(specs.overlays),
            None if specs.snapshots is None else SharedRing.attach(specs.snapshots),
        )

    @property
    def specs(self) -> RingSpecs:
        return RingSpecs(
            self.ticks.spec,
            {name: ring.spec for name, ring in self.frames.items()},
            self.wishes.spec,
            self.chunks.spec,
            self.overlays.spec,
            None if self.snapshots is None else self.snapshots.spec,
        )

    def close(self) -> None:
        for ring in (self.ticks, *self.frames.values(), self.wishes, self.chunks, self.overlays, self.snapshots):
            if ring is not None:
                ring.close()


def _require_shared_memory(rig: RigConfig, keep_s: float, folder: Path = Path("/dev/shm")) -> None:
    """Without this check the first write into a page that there is no room for would kill the process."""
    if not folder.is_dir():
        return
    needed = sum((3 * c.width * c.height + encoded_room(c)) * frame_slots(c.fps, keep_s) for c in rig.cameras)
    needed += _OTHER_RINGS_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RigError(
            f"This machine has too little shared memory for the cameras of {rig.name}. The rings between the processes "
            f"need {needed / 1e6:.0f} MB in {folder}, {free / 1e6:.0f} MB are free. Start a container with "
            "--shm-size=1g, or use fewer or smaller cameras."
        )


class FrameRow:
    """Fills one reusable picture row. `encoded_bytes` as the ring was made, `encoded_room`."""

    def __init__(self, width: int, height: int, encoded_bytes: int = 0) -> None:
        self._row: NDArray[Any] = np.zeros((), frame_dtype(width, height, encoded_bytes))
        self._room = encoded_bytes

    @classmethod
    def of(cls, camera: CameraConfig) -> "FrameRow":
        """The row of `camera`'s ring."""
        return cls(camera.width, camera.height, encoded_room(camera))

    def fill(
        self, sequence: int, rgb: NDArray[np.uint8], encoded: bytes | None = None, driver_stamp: bool = False
    ) -> NDArray[Any]:
        """`rgb` (h, w, 3); `encoded` is left out when it does not fit. The same array each time."""
        self._row["sequence"], self._row["driver_stamp"] = sequence, driver_stamp
        self._row["rgb"] = rgb
        size = 0 if encoded is None or len(encoded) > self._room else len(encoded)
        self._row["encoded_size"] = size
        if encoded is not None and size:
            self._row["encoded"][:size] = np.frombuffer(encoded, np.uint8)
        return self._row


def encoded_of(row: NDArray[Any]) -> bytes:
    """The camera's own JPEG of a picture row; b"" when it has none."""
    return bytes(row["encoded"][: int(row["encoded_size"])])


def snapshot_row(snapshot: NDArray[np.float64]) -> NDArray[np.float64]:
    """A simulator snapshot (n,) with its length in front. Raises `ValueError` when it is too long for the ring."""
    if len(snapshot) > SNAPSHOT_VALUES:
        raise ValueError(f"the scene has {len(snapshot)} values, the snapshot ring holds {SNAPSHOT_VALUES}")
    row = np.zeros(1 + SNAPSHOT_VALUES)
    row[0] = len(snapshot)
    row[1 : 1 + len(snapshot)] = snapshot
    return row


def snapshot_of(row: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `snapshot_row`."""
    return row[1 : 1 + int(row[0])]


def wish_row(request: int, asked_ns: int) -> NDArray[Any]:
    row: NDArray[Any] = np.zeros((), wish_dtype())
    row["request"], row["asked_ns"] = request, asked_ns
    return row


def chunk_row(request: int, chunk: ActionChunk | None, joints: int) -> NDArray[Any]:
    """`chunk` None: the wish can not be met. Raises `ValueError` for a chunk longer than `MAX_HORIZON`."""
    row: NDArray[Any] = np.zeros((), chunk_dtype(joints))
    row["request"] = request
    if chunk is None:
        return row
    horizon = len(chunk.actions)
    if horizon > MAX_HORIZON:
        raise ValueError(f"the chunk has {horizon} steps, at most {MAX_HORIZON} can be played")
    row["start_ns"], row["dt_s"], row["horizon"] = chunk.start_ns, chunk.dt_s, horizon
    row["actions"][:horizon] = chunk.actions
    return row


def chunk_of(row: NDArray[Any]) -> ActionChunk | None:
    """The inverse of `chunk_row`."""
    horizon = int(row["horizon"])
    if horizon == 0:
        return None
    return ActionChunk(int(row["start_ns"]), float(row["dt_s"]), np.array(row["actions"][:horizon]))


def overlay_row(overlay: Overlay) -> NDArray[Any]:
    """Clips to the ring's largest size in samples and horizon; solver steps must fit."""
    row: NDArray[Any] = np.zeros((), overlay_dtype())
    steps, samples, horizon, _ = overlay.tip_paths[:, :OVERLAY_SAMPLES, :OVERLAY_HORIZON].shape
    row["stamp_ns"], row["solver_steps"], row["samples"], row["horizon"] = overlay.stamp_ns, steps - 1, samples, horizon
    row["executed_steps"] = overlay.executed_steps
    row["left_share"], row["right_share"], row["spread_mm"] = (
        overlay.left_share,
        overlay.right_share,
        overlay.spread_mm,
    )
    row["tip_paths"][:steps, :samples, :horizon] = overlay.tip_paths[:, :samples, :horizon]
    row["velocity_norm"][: steps - 1, :samples] = overlay.velocity_norm[:, :samples]
    return row


def overlay_of(row: NDArray[Any]) -> Overlay:
    """The inverse of `overlay_row`."""
    steps, samples, horizon = int(row["solver_steps"]), int(row["samples"]), int(row["horizon"])
    return Overlay(
        stamp_ns=int(row["stamp_ns"]),
        tip_paths=np.array(row["tip_paths"][: steps + 1, :samples, :horizon]),
        velocity_norm=np.array(row["velocity_norm"][:steps, :samples]),
        executed_steps=int(row["executed_steps"]),
        left_share=float(row["left_share"]),
        right_share=float(row["right_share"]),
        spread_mm=float(row["spread_mm"]),
    )


def check_solver_steps(steps: int) -> int:
    """Raises `ValueError` outside 1..`MAX_SOLVER_STEPS`."""
    if not 1 <= steps <= MAX_SOLVER_STEPS:
        raise ValueError(f"solver steps = {steps}: 1 to {MAX_SOLVER_STEPS} can be taken")
    return steps
