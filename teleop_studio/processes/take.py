"""One take while it is written: follows the rings by sequence number, so that nothing is lost without being named."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.episode_writer import ArmSample, EpisodeWriter, Frame
from teleop_studio.control.sources import LEADER, POLICY, REPLAY
from teleop_studio.processes.rings import RigRings, chunk_of
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.processes.tick_row import SOURCES

_MOVING = {SOURCES.index(name) for name in (LEADER, POLICY, REPLAY)}
_TICK_STREAM = "frames"


class Take:
    """Copies ticks, pictures and chunks from the rings into a writer.

    The first row kept is the first one after the soft start. `follow` may be called as rarely as the rings allow
    (a second for pictures); what was overwritten before it could be read becomes a gap in the episode.
    """

    def __init__(self, writer: EpisodeWriter, rings: RigRings, first_tick: int) -> None:
        self._writer, self._rings = writer, rings
        self._tick = first_tick
        self._image: dict[str, int] = {}
        self._due_image: dict[str, int] = {}
        self._chunk = rings.chunks.written
        self._due_index: int | None = None
        self._alert: NDArray[np.bool_] | None = None
        self.first_ns = 0
        self.frames = 0
        self.images = 0
        self.missing = 0
        self.gaps = 0

    @property
    def due(self) -> int:
        """Ticks and pictures that should lie in the file by now."""
        return self.frames + self.images + self.missing

    @property
    def written(self) -> int:
        return self.frames + self.images

    def follow(self, until_tick: int | None = None) -> None:
        """Write what is new, up to ring index `until_tick` (exclusive)."""
        newest = self._rings.ticks.written
        self._follow_ticks(newest if until_tick is None else min(until_tick, newest))
        if not self.frames:
            return
        if not self._image:
            self._image = {name: self._first_picture(ring) for name, ring in self._rings.frames.items()}
        for camera in self._image:
            self._follow_camera(camera)
        self._follow_chunks()

    def _follow_ticks(self, end: int) -> None:
        ring = self._rings.ticks
        while self._tick < end:
            item = ring.read(self._tick)
            if item is None:
                self._tick = max(self._tick + 1, ring.written - ring.spec.slots + 16)
                continue  # the next tick's own number shows how many are missing
            self._tick += 1
            self._keep_row(item[1])

    def _keep_row(self, row: NDArray[Any]) -> None:
        if not self.frames and (bool(row["aligning"]) or int(row["source"]) not in _MOVING):
            return
        index = int(row["index"])
        if self._due_index is not None and index > self._due_index:
            self._add_gap(_TICK_STREAM, self._due_index, index - self._due_index)
        self._due_index = index + 1
        if not self.frames:
            self.first_ns = int(row["stamp_ns"])
        self.frames += 1
        self._writer.add_frame(
            Frame(
                stamp_ns=int(row["stamp_ns"]),
                leader=_sample(row, "leader"),
                follower=_sample(row, "follower"),
                requested=np.array(row["requested"]),
                action=np.array(row["action"]),
                source=SOURCES[int(row["source"])],
            )
        )
        self._note_alert(row)

    def _note_alert(self, row: NDArray[Any]) -> None:
        alert = np.array(row["alert"])
        before = np.zeros_like(alert) if self._alert is None else self._alert
        if np.any(alert != before):
            self._writer.add_event(int(row["stamp_ns"]), "servo alert", {"joints": np.flatnonzero(alert).tolist()})
        self._alert = alert

    def _first_picture(self, ring: SharedRing) -> int:
        """Index of the newest picture not after the first frame: what there was to be seen at that moment.

        The oldest one that is still there when all are after it.
        """
        first = max(0, ring.written - 1)
        for index in range(first, -1, -1):
            item = ring.read(index)
            if item is None:
                break
            first = index
            if item[0] <= self.first_ns:
                break
        return first

    def _follow_camera(self, camera: str) -> None:
        ring = self._rings.frames[camera]
        while self._image[camera] < ring.written:
            item = ring.read(self._image[camera])
            if item is None:
                self._image[camera] = max(self._image[camera] + 1, ring.written - ring.spec.slots + 4)
                continue  # the next picture's sequence number shows how many are missing
            self._image[camera] += 1
            stamp_ns, row = item
            sequence = int(row["sequence"])
            due = self._due_image.get(camera)
            if due is not None and sequence > due:
                self._add_gap(camera, due, sequence - due)
            self._due_image[camera] = sequence + 1
            self._writer.add_image(camera, stamp_ns, sequence, row["rgb"])
            self.images += 1

    def _follow_chunks(self) -> None:
        ring = self._rings.chunks
        while self._chunk < ring.written:
            item = ring.read(self._chunk)
            self._chunk += 1
            chunk = None if item is None else chunk_of(item[1])
            if chunk is not None:
                self._writer.add_chunk(chunk.start_ns, chunk.dt_s, chunk.actions)

    def _add_gap(self, stream: str, first: int, count: int) -> None:
        self.gaps += 1
        self.missing += count
        self._writer.add_gap(stream, first, count)


def _sample(row: NDArray[Any], side: str) -> ArmSample:
    return ArmSample(
        stamp_ns=int(row[f"{side}_stamp_ns"]),
        position=np.array(row[f"{side}_position"]),
        velocity=np.array(row[f"{side}_velocity"]),
        effort=np.array(row[f"{side}_effort"]),
    )
