"""The rings of a rig filled by hand, as control, cameras and policy would, and a take at the other end."""

from functools import cached_property
from pathlib import Path

import numpy as np

from drivers.samples import JointState
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.verify import verify
from teleop_studio.control.loop import Tick
from teleop_studio.control.sources import LEADER
from teleop_studio.processes.rings import FrameRow, RigRings, frame_slots
from teleop_studio.processes.take import Take
from teleop_studio.processes.take_description import describe
from teleop_studio.processes.tick_row import TickRow
from teleop_studio.rig import CameraConfig, RigConfig

D = 7
RIG = RigConfig(cameras=(CameraConfig("front", width=16, height=16), CameraConfig("wrist", width=16, height=16)))
TICK_NS, PICTURE_NS, START_NS = 10_000_000, 33_333_333, 1_000_000_000
WALL_NS = 1_790_000_000_000_000_000  # the wall clock is that much ahead of the bench's own
FRAME_SLOTS = frame_slots(30.0)


class Bench:
    """The rings filled by hand, as control, cameras and policy would; a writer for those who bring no recorder."""

    def __init__(self, folder: Path) -> None:
        self.rings = RigRings.create("take", RIG)
        self._folder = folder
        self._tick_row, self._frame_row = TickRow(D), FrameRow(16, 16)
        self.index = self.missed = self.retries = 0
        self.wall_ahead_ns = WALL_NS

    @cached_property
    def writer(self) -> EpisodeWriter:
        return EpisodeWriter(self._folder, describe(RIG, "grasp", "human", {}))

    @property
    def now_ns(self) -> int:
        return START_NS + self.index * TICK_NS

    def begin(self) -> Take:
        return Take(
            self.writer,
            RIG,
            self.rings,
            self.rings.ticks.written,
            lambda: (self.now_ns, self.now_ns + self.wall_ahead_ns),
        )

    def tick(
        self,
        source: str = LEADER,
        aligning: bool = False,
        alert: tuple[int, ...] = (),
        late_ns: int = 0,
        silent: tuple[int, ...] = (),
    ) -> int:
        """Push the next tick; returns its stamp. `silent` joints of the leader did not answer."""
        stamp_ns = START_NS + self.index * TICK_NS + late_ns
        alerts = np.zeros(D, np.bool_)
        alerts[list(alert)] = True
        leader, follower = (self._state(stamp_ns - ago, offset) for ago, offset in ((2000, 0.0), (1000, 0.25)))
        follower = JointState(**{**vars(follower), "alert": alerts})
        age_ns = np.zeros(D, np.int64)
        age_ns[list(silent)] = TICK_NS
        leader = JointState(**{**vars(leader), "age_ns": age_ns})
        requested, action = np.full(D, self.index + 0.5), np.full(D, self.index + 0.75)
        tick = Tick(
            self.index, stamp_ns, leader, follower, requested, action, source, aligning, 0.25, "", late_ns, self.missed
        )
        self.rings.ticks.push(self._tick_row.fill(tick, self.retries), stamp_ns)
        self.index += 1
        return stamp_ns

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick()

    def picture(self, camera: str, sequence: int, stamp_ns: int | None = None) -> None:
        rgb = np.full((16, 16, 3), sequence % 256, np.uint8)
        self.rings.frames[camera].push(
            self._frame_row.fill(sequence, rgb), START_NS + sequence * PICTURE_NS if stamp_ns is None else stamp_ns
        )

    def pictures(self, sequences: range) -> None:
        for sequence in sequences:
            for camera in self.rings.frames:
                self.picture(camera, sequence)

    def seconds(self, take: Take | None, seconds: float, cameras: tuple[str, ...] = ("front", "wrist")) -> None:
        """Both arms and `cameras` at their rates, each picture numbered by the time at which it was due."""
        for _ in range(round(seconds * 100)):
            before, now = ((self.index + k) * TICK_NS // PICTURE_NS for k in (-1, 0))
            for sequence in range(before + 1, now + 1):
                for camera in cameras:
                    self.picture(camera, sequence)
            self.tick()
            if take is not None and self.index % 10 == 0:
                take.follow()

    def finished(self, take: Take | None = None) -> EpisodeReader:
        """The episode; with `take`, accounted for as the recorder does at the end."""
        loop = None if take is None else take.close()
        path = build_episode(self.writer.finish("success", loop=loop))
        assert verify(path) == []
        return EpisodeReader(path)

    def _state(self, stamp_ns: int, offset: float) -> JointState:
        base = np.full(D, self.index + offset)
        return JointState(
            stamp_ns, base, base + 1000, base + 2000, ("mA",) * D, np.zeros(D, np.int64), np.zeros(D, np.bool_)
        )
