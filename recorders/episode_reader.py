"""Reads one episode file: its arrays at once, its pictures one by one."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.catalog import EpisodeInfo, info_of, with_label
from recorders.clock_anchors import ClockJump, clock_jumps, wall_time_ns
from recorders.episode import CameraDescription, EpisodeDescription, LoopStatistics
from recorders.episode import Gap as Gap
from recorders.episode_file import damage_reported, open_file
from recorders.errors import EpisodeCorrupt
from recorders.picture_codec import decode_picture, picture_size

_MAX_PICTURE_BYTES = 64 << 20


@dataclass(frozen=True)
class Frames:
    """All T control ticks. Stamps (T,) monotonic ns, vectors (T, D) rad, rad/s, effort in the arm's units.

    `requested` by the source, `action` really sent. `source` (T,) the name of who asked for it.
    """

    stamp_ns: NDArray[np.int64]
    leader_stamp_ns: NDArray[np.int64]
    leader_position: NDArray[np.float64]
    leader_velocity: NDArray[np.float64]
    leader_effort: NDArray[np.float64]
    follower_stamp_ns: NDArray[np.int64]
    follower_position: NDArray[np.float64]
    follower_velocity: NDArray[np.float64]
    follower_effort: NDArray[np.float64]
    requested: NDArray[np.float64]
    action: NDArray[np.float64]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.stamp_ns)


@dataclass(frozen=True)
class Event:
    stamp_ns: int
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class RecordedChunk:
    """A chunk that the policy handed over: `actions` (H, D), first due at `start_ns`, then every `dt_s`."""

    start_ns: int
    dt_s: float
    actions: NDArray[np.float64]


class ImageStream:
    """The pictures of one camera. Usable while its reader is open; `[k]` decodes."""

    def __init__(self, path: Path, camera: CameraDescription, group: h5py.Group) -> None:
        self._path = path
        self.camera = camera
        self._data = group[schema.IMAGE_DATA.path]
        end = np.asarray(group[schema.IMAGE_END.path], np.int64)
        self._begin = np.concatenate([np.zeros(1, np.int64), end])
        sizes = np.diff(self._begin)
        if self._begin[-1] != len(self._data) or not np.all((sizes > 0) & (sizes <= _MAX_PICTURE_BYTES)):
            raise ValueError(f"The pictures of camera {camera.name!r} do not fill their data one after the other")
        self.stamp_ns: NDArray[np.int64] = np.asarray(group[schema.IMAGE_STAMP.path], np.int64)
        self.sequence: NDArray[np.int64] = np.asarray(group[schema.IMAGE_SEQUENCE.path], np.int64)
        self.crc32: NDArray[np.uint32] = np.asarray(group[schema.IMAGE_CRC.path], np.uint32)

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Picture `index` (h, w, 3). Raises `IndexError`, `EpisodeCorrupt`."""
        content = self.encoded(index)
        camera = self.camera
        try:
            # By the header first: a damaged one could claim gigabytes.
            width, height = picture_size(camera.codec, content)
            if (width, height) != (camera.width, camera.height):
                raise ValueError(f"It is {width}x{height}, not {camera.width}x{camera.height}")
            return decode_picture(camera.codec, content)
        except ValueError as error:
            raise EpisodeCorrupt(
                f"Picture {index} of camera {camera.name!r} in {self._path.name} can not be decoded. {error}. "
                f"Restore {self._path} from a copy, or move it to the bin."
            ) from error

    def encoded(self, index: int) -> bytes:
        """The file of picture `index`, in the camera's codec. Raises `IndexError`, `EpisodeCorrupt`."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)} of camera {self.camera.name!r}")
        index %= len(self)
        with damage_reported(self._path):
            return bytes(self._data[self._begin[index] : self._begin[index + 1]])

    def jpeg(self, index: int) -> bytes:
        """As `encoded`, of a camera whose codec is jpeg. Raises `ValueError` for another one."""
        if self.camera.codec != "jpeg":
            raise ValueError(f"the pictures of camera {self.camera.name!r} are {self.camera.codec}, not jpeg")
        return self.encoded(index)

    def index_at(self, stamp_ns: int) -> int:
        """The newest picture not after `stamp_ns`; -1 before the first."""
        return int(np.searchsorted(self.stamp_ns, stamp_ns, side="right")) - 1

    def at(self, stamp_ns: int) -> NDArray[np.uint8] | None:
        """The newest picture (h, w, 3) not after `stamp_ns`; None before the first. Raises `EpisodeCorrupt`."""
        index = self.index_at(stamp_ns)
        return None if index < 0 else self[index]


class EpisodeReader:
    """An open episode file, a context manager. Arrays are read at their first use.

    Raises `EpisodeMissing`, `EpisodeCorrupt`, `EpisodeFormatUnknown`, `DiskError` at opening, and `EpisodeCorrupt`
    where damage is met later. Open it in the process and thread that uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._streams: dict[str, ImageStream] = {}
        self._file = open_file(path)
        try:
            with damage_reported(path):
                major, minor = self._file.attrs[schema.ROOT_VERSION]
                self.format_version = (int(major), int(minor))
            self.info: EpisodeInfo = with_label(info_of(path, self._file))
            self.description: EpisodeDescription = self._description()
        except Exception:
            self._file.close()
            raise

    def __enter__(self) -> "EpisodeReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(camera.name for camera in self.description.cameras)

    @property
    def joint_names(self) -> tuple[str, ...]:
        return self.description.joint_names

    @cached_property
    def frames(self) -> Frames:
        with damage_reported(self.path):
            codes = self._array(schema.FRAME_SOURCE)
            names = np.array([str(name) for name in self._file[schema.FRAME_SOURCE.path].attrs[schema.NAMES]], np.str_)
            return Frames(
                stamp_ns=self._array(schema.FRAME_STAMP),
                leader_stamp_ns=self._array(schema.LEADER_STAMP),
                leader_position=self._array(schema.LEADER_POSITION),
                leader_velocity=self._array(schema.LEADER_VELOCITY),
                leader_effort=self._array(schema.LEADER_EFFORT),
                follower_stamp_ns=self._array(schema.FOLLOWER_STAMP),
                follower_position=self._array(schema.FOLLOWER_POSITION),
                follower_velocity=self._array(schema.FOLLOWER_VELOCITY),
                follower_effort=self._array(schema.FOLLOWER_EFFORT),
                requested=self._array(schema.REQUESTED),
                action=self._array(schema.ACTION),
                source=names[codes],
            )

    def images(self, camera: str) -> ImageStream:
        """Raises `ValueError` for a camera that the episode has not, `EpisodeCorrupt`."""
        if camera not in self.cameras:
            raise ValueError(f"{self.path.name} has no camera {camera!r}, only {self.cameras}")
        if camera not in self._streams:
            with damage_reported(self.path):
                described = self.description.cameras[self.cameras.index(camera)]
                self._streams[camera] = ImageStream(self.path, described, self._file[schema.camera_path(camera)])
        return self._streams[camera]

    def events(self) -> list[Event]:
        with damage_reported(self.path):
            rows = zip(
                self._array(schema.EVENT_STAMP),
                self._texts(schema.EVENT_KIND),
                self._texts(schema.EVENT_DETAIL),
                strict=True,
            )
            return [Event(int(stamp), kind, json.loads(detail)) for stamp, kind, detail in rows]

    def gaps(self) -> list[Gap]:
        with damage_reported(self.path):
            streams, firsts = self._texts(schema.GAP_STREAM), self._array(schema.GAP_FIRST)
            unknown = np.full(len(firsts), -1)
            befores = self._array(schema.GAP_T0) if self._has(schema.GAP_T0) else unknown
            afters = self._array(schema.GAP_T1) if self._has(schema.GAP_T1) else unknown
            rows = zip(streams, firsts, self._array(schema.GAP_COUNT), befores, afters, strict=True)
            return [Gap(stream, int(first), int(count), int(t0), int(t1)) for stream, first, count, t0, t1 in rows]

    def chunks(self) -> list[RecordedChunk]:
        with damage_reported(self.path):
            ends, actions = self._array(schema.CHUNK_END), self._array(schema.CHUNK_ACTIONS)
            starts, steps = self._array(schema.CHUNK_START), self._array(schema.CHUNK_DT)
            begins = np.concatenate([np.zeros(1, np.int64), ends])
            if begins[-1] != len(actions) or np.any(np.diff(begins) < 0):
                raise ValueError("The chunks do not fill their actions one after the other")
            rows = zip(starts, steps, begins[:-1], ends, strict=True)
            return [RecordedChunk(int(start), float(dt_s), actions[begin:end]) for start, dt_s, begin, end in rows]

    def clock_anchors(self) -> NDArray[np.int64]:
        """(A, 2) ns: the same moment on the monotonic and on the wall clock. None (A = 0) for simulated time."""
        with damage_reported(self.path):
            known = self._has(schema.CLOCK_ANCHORS)
            return self._array(schema.CLOCK_ANCHORS) if known else np.zeros((0, 2), np.int64)

    def clock_jumps(self) -> list[ClockJump]:
        """Where somebody or something set the wall clock during the take; no stamp of the file moves with it."""
        return clock_jumps(self.clock_anchors())

    def wall_time_ns(self, mono_ns: int) -> int | None:
        """The wall clock at a stamp of this file, ns since 1970 UTC; None when it is not known."""
        return wall_time_ns(self.clock_anchors(), mono_ns)

    @cached_property
    def loop_statistics(self) -> LoopStatistics | None:
        """The control loop during the take; None when nobody measured it."""
        with damage_reported(self.path):
            said = json.loads(self._file.attrs.get(schema.LOOP_STATISTICS, "{}"))
            return LoopStatistics(**said) if said else None

    @cached_property
    def software(self) -> dict[str, str]:
        """Which program made the file: versions by name, and the git commit when it ran from a checkout."""
        with damage_reported(self.path):
            said: dict[str, str] = json.loads(self._file.attrs[schema.SOFTWARE])
            return said

    @property
    def position_unit(self) -> str:
        return self.description.position_unit

    def _has(self, column: schema.Column) -> bool:
        return column.since <= self.format_version[1]

    def _array(self, column: schema.Column) -> NDArray[Any]:
        return np.asarray(self._file[column.path])

    def _texts(self, column: schema.Column) -> list[str]:
        return [text.decode() for text in self._file[column.path][:]]

    def _description(self) -> EpisodeDescription:
        with damage_reported(self.path):
            said = self._file.attrs
            return EpisodeDescription(
                task=self.info.task,
                source=self.info.source,
                rig=self.info.rig,
                simulated=self.info.simulated,
                scene=self.info.scene,
                joint_names=tuple(str(name) for name in said[schema.JOINT_NAMES]),
                effort_units=tuple(str(unit) for unit in said[schema.EFFORT_UNITS]),
                control_hz=float(said[schema.CONTROL_HZ]),
                cameras=tuple(self._camera(name) for name in self.info.images),
                operator=str(said[schema.OPERATOR]),
                extra=self.info.extra,
                calibration=json.loads(said.get(schema.CALIBRATION, "{}")),
                position_unit=str(said.get(schema.POSITION_UNIT, "rad")),
                derived_from=str(said.get(schema.DERIVED_FROM, "")),
                derivation=str(said.get(schema.DERIVATION, "")),
            )

    def _camera(self, name: str) -> CameraDescription:
        said = self._file[schema.camera_path(name)].attrs
        size = (int(said[schema.WIDTH]), int(said[schema.HEIGHT]), float(said[schema.FPS]))
        if self.format_version < (1, 1):
            # All that 1.0 could write, without saying so: the defaults of the description.
            return CameraDescription(name, *size)
        return CameraDescription(
            name,
            *size,
            codec=str(said[schema.CODEC]),
            quality=int(said[schema.QUALITY]),
            subsampling=str(said[schema.SUBSAMPLING]),
            passthrough=bool(said[schema.PASSTHROUGH]),
            serial=str(said[schema.SERIAL]),
            calibration=json.loads(said[schema.CAMERA_CALIBRATION]),
        )
