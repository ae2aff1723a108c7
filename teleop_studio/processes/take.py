"""One take while it is written: follows the rings by sequence number, so that nothing is lost without being named."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.clock_anchors import ANCHOR_PERIOD_S, clock_jumps, read_clocks
from recorders.episode import LoopStatistics
from recorders.episode_writer import ArmSample, EpisodeWriter, Frame
from teleop_studio.control.sources import LEADER, POLICY, REPLAY
from teleop_studio.processes.loop_meter import LoopMeter
from teleop_studio.processes.messages import TakeProgress
from teleop_studio.processes.picture_count import Missing, PictureCount
from teleop_studio.processes.rings import RigRings, chunk_of
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.processes.take_pictures import TakePictures
from teleop_studio.processes.tick_row import SOURCES
from teleop_studio.rig import RigConfig

_MOVING = [SOURCES.index(name) for name in (LEADER, POLICY, REPLAY)]
_TICK_STREAM = "frames"
# Flags of each joint in a tick's row, and the event that tells of their changes.
_FLAGS: dict[str, tuple[str, dict[str, str]]] = {
    "alert": ("servo alert", {}),
    "leader_old": ("no answer", {"arm": "leader"}),  # the frame repeats what the servo said last
    "follower_old": ("no answer", {"arm": "follower"}),
}

Clocks = Callable[[], tuple[int, int]]


class Take:
    """Copies ticks, pictures and chunks from the rings into a writer.

    The first row kept is the first one after the soft start. `follow` may be called as rarely as the rings allow
    (two seconds for pictures); what was overwritten before it could be read becomes a gap in the episode, and so does
    what the clock says was due and never came. `clocks` gives (monotonic, wall) ns for the anchors; None in lock-step,
    whose clock runs beside that of the wall. `passed_through` are the cameras whose description says so.
    """

    def __init__(
        self,
        writer: EpisodeWriter,
        rig: RigConfig,
        rings: RigRings,
        first_tick: int,
        clocks: Clocks | None = read_clocks,
        passed_through: frozenset[str] = frozenset(),
    ) -> None:
        self._pictures = TakePictures(writer, rig, passed_through)
        self._writer, self._rig, self._rings, self._clocks = writer, rig, rings, clocks
        self._tick = first_tick
        self._kept_tick = -1  # ring index of the newest row kept
        self._due_index: int | None = None
        self._newest_ns = 0
        joints = len(rig.follower.model.joints)
        self._flags = {field: np.zeros(joints, np.bool_) for field in _FLAGS}
        self._aligning = False
        self._meter = LoopMeter(rig.control_hz)
        self._picture: dict[str, int] = {}  # ring index of the next one to be read
        self._counts: dict[str, PictureCount] = {}
        self._buffers: dict[str, NDArray[Any]] = {}
        self._chunk = rings.chunks.written
        self._anchor: tuple[int, int] | None = None
        self.first_ns = 0
        self.frames = 0
        self.missing_ticks = 0
        self.gaps = 0

    @property
    def images(self) -> int:
        return sum(count.written for count in self._counts.values())

    @property
    def missing(self) -> int:
        """Ticks and pictures that are named as missing so far."""
        return self.missing_ticks + sum(count.missing for count in self._counts.values())

    @property
    def written(self) -> int:
        return self.frames + self.images

    @property
    def due(self) -> int:
        """Ticks and pictures that should lie in the file by now."""
        return self.written + self.missing

    @property
    def duration_s(self) -> float:
        """From the first tick to the newest."""
        return (self._newest_ns - self.first_ns) * 1e-9

    def progress(self) -> TakeProgress:
        """How the take stands; pictures that are overdue count as missing before they have become a gap."""
        overdue = {camera: count.overdue(self._newest_ns) for camera, count in self._counts.items()}
        pictures = {camera: (count.written, count.missing + overdue[camera]) for camera, count in self._counts.items()}
        missing = self.missing + sum(overdue.values())
        return TakeProgress(self.written, missing, self.gaps, self.first_ns, pictures, self.missing_ticks)

    def follow(self, until_tick: int | None = None) -> None:
        """Write what is new, up to ring index `until_tick` (exclusive)."""
        newest = self._rings.ticks.written
        self._follow_ticks(newest if until_tick is None else min(until_tick, newest))
        if not self.frames:
            return
        if not self._counts:
            self._begin_pictures()
        for camera in self._counts:
            self._follow_camera(camera)
        self._follow_chunks()
        self._anchor_clock()

    def close(self) -> LoopStatistics:
        """Write what is new, and account for what should have come by now. The last call."""
        end = self._rings.ticks.written
        self.follow(end)
        if self.frames:
            if self._due_index is not None and self._kept_tick + 1 < end:
                # Overwritten after the newest row that was kept: no later row could show it.
                self._add_gap(_TICK_STREAM, Missing(self._due_index, end - self._kept_tick - 1, self._newest_ns))
                self.missing_ticks += end - self._kept_tick - 1
            for camera, count in self._counts.items():
                self._close_camera(camera, count)
            self._anchor_clock(end=True)
        return self._meter.statistics()

    # --- control ticks ---------------------------------------------------------------------------------------------

    def _follow_ticks(self, end: int) -> None:
        while self._tick < end:
            first, rows = self._rings.ticks.read_run(self._tick, end)
            self._tick = first + len(rows)
            if not self.frames:
                # Whatever drives once the take runs belongs to it; what came before does not.
                begun = np.flatnonzero(~rows["aligning"] & np.isin(rows["source"], _MOVING))
                rows = rows[begun[0] :] if len(begun) else rows[:0]
            if len(rows):
                self._keep(rows)

    def _keep(self, rows: NDArray[Any]) -> None:
        """`rows` (n,) of `tick_dtype`, n >= 1."""
        self._note_missing_ticks(rows)
        if not self.frames:
            self.first_ns = int(rows["stamp_ns"][0])
        columns = {name: rows[name] for name in rows.dtype.names or ()}
        for k in range(len(rows)):
            self._writer.add_frame(_frame(columns, k))
        self.frames += len(rows)
        self._kept_tick = self._tick - 1
        self._newest_ns = int(rows["stamp_ns"][-1])
        self._meter.follow(rows)
        for field, (kind, detail) in _FLAGS.items():
            self._note_flags(field, rows, kind, detail)
        self._note_soft_starts(rows)

    def _note_missing_ticks(self, rows: NDArray[Any]) -> None:
        index, stamps = rows["index"], rows["stamp_ns"]
        if index[0] == self._due_index and index[-1] - index[0] == len(rows) - 1:
            self._due_index = int(index[-1]) + 1
            return
        before = index[0] - 1 if self._due_index is None else self._due_index - 1
        jumps = np.diff(index, prepend=before) - 1
        for k in np.flatnonzero(jumps > 0):
            last_ns = self._newest_ns if k == 0 else stamps[k - 1]
            missing = int(jumps[k])
            self._add_gap(_TICK_STREAM, Missing(int(index[k]) - missing, missing, int(last_ns), int(stamps[k])))
            self.missing_ticks += missing
        self._due_index = int(index[-1]) + 1

    def _note_flags(self, field: str, rows: NDArray[Any], kind: str, detail: dict[str, str]) -> None:
        """An event for each change of the joints that are flagged; one without joints ends it."""
        flags, before = rows[field], self._flags[field]
        if not flags.any() and not before.any():
            return
        changed = np.any(np.concatenate([before[None], flags[:-1]]) != flags, axis=1)
        for k in np.flatnonzero(changed):
            joints = np.flatnonzero(flags[k]).tolist()
            self._writer.add_event(int(rows["stamp_ns"][k]), kind, {**detail, "joints": joints})
        self._flags[field] = flags[-1].copy()

    def _note_soft_starts(self, rows: NDArray[Any]) -> None:
        aligning = rows["aligning"]
        if not aligning.any() and not self._aligning:
            return
        for k in np.flatnonzero(np.concatenate([[self._aligning], aligning[:-1]]) != aligning):
            stamp_ns, gap_rad = int(rows["stamp_ns"][k]), round(float(rows["gap"][k]), 4)
            kind = "soft start" if aligning[k] else "soft start over"
            self._writer.add_event(stamp_ns, kind, {"largest_gap_rad": gap_rad} if aligning[k] else {})
        self._aligning = bool(aligning[-1])

    # --- pictures --------------------------------------------------------------------------------------------------

    def _begin_pictures(self) -> None:
        for camera in self._rig.cameras:
            ring = self._rings.frames[camera.name]
            self._picture[camera.name] = self._first_picture(ring)
            self._counts[camera.name] = PictureCount(camera.fps, self.first_ns)
            self._buffers[camera.name] = np.zeros(ring.spec.shape, ring.spec.dtype)

    def _first_picture(self, ring: SharedRing) -> int:
        """Index of the newest picture not after the first frame: what there was to be seen at that moment.

        The oldest one that is still there when all are after it.
        """
        first = max(0, ring.written - 1)
        for index in range(first, -1, -1):
            stamp_ns = ring.stamp_ns(index)
            if stamp_ns is None:
                break
            first = index
            if stamp_ns <= self.first_ns:
                break
        return first

    def _follow_camera(self, camera: str) -> None:
        ring, row, count = self._rings.frames[camera], self._buffers[camera], self._counts[camera]
        while self._picture[camera] < ring.written:
            stamp_ns = ring.read_into(self._picture[camera], row)
            if stamp_ns is None:
                self._picture[camera] = max(self._picture[camera] + 1, ring.written - ring.spec.slots + 4)
                continue  # the next picture's sequence number shows how many are missing
            self._picture[camera] += 1
            number, missing = count.next(int(row["sequence"]), stamp_ns)
            if missing is not None:
                self._add_gap(camera, missing)
            self._pictures.add(camera, stamp_ns, number, row)

    def _close_camera(self, camera: str, count: PictureCount) -> None:
        for missing in count.close(self._newest_ns):
            self._add_gap(camera, missing)
            account = {"camera": camera, "written": count.written, "missing": missing.count}
            self._writer.add_event(self._newest_ns, "camera shortfall", account)

    def _add_gap(self, stream: str, missing: Missing) -> None:
        self.gaps += 1
        self._writer.add_gap(stream, missing.first, missing.count, missing.t0_ns, missing.t1_ns)

    # --- chunks and clocks -----------------------------------------------------------------------------------------

    def _follow_chunks(self) -> None:
        ring = self._rings.chunks
        while self._chunk < ring.written:
            item = ring.read(self._chunk)
            self._chunk += 1
            chunk = None if item is None else chunk_of(item[1])
            if chunk is not None:
                self._writer.add_chunk(chunk.start_ns, chunk.dt_s, chunk.actions)

    def _anchor_clock(self, end: bool = False) -> None:
        """Only these anchors are of the wall clock: when it is set, they show it, and no duration changes."""
        if self._clocks is None:
            return
        mono_ns, wall_ns = self._clocks()
        if self._anchor is not None:
            if mono_ns - self._anchor[0] < (1 if end else ANCHOR_PERIOD_S * 1e9):
                return
            for jump in clock_jumps(np.array([self._anchor, (mono_ns, wall_ns)])):
                self._writer.add_event(mono_ns, "wall clock jump", asdict(jump))
        self._anchor = (mono_ns, wall_ns)
        self._writer.add_clock_anchor(mono_ns, wall_ns)


def _frame(columns: dict[str, NDArray[Any]], k: int) -> Frame:
    """Row `k` of a run of ticks, as views."""
    return Frame(
        stamp_ns=int(columns["stamp_ns"][k]),
        leader=_sample(columns, "leader", k),
        follower=_sample(columns, "follower", k),
        requested=columns["requested"][k],
        action=columns["action"][k],
        source=SOURCES[int(columns["source"][k])],
    )


def _sample(columns: dict[str, NDArray[Any]], side: str, k: int) -> ArmSample:
    return ArmSample(
        stamp_ns=int(columns[f"{side}_stamp_ns"][k]),
        position=columns[f"{side}_position"][k],
        velocity=columns[f"{side}_velocity"][k],
        effort=columns[f"{side}_effort"][k],
    )
