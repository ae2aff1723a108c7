"""Reads one episode file: its arrays at once, its pictures one by one."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from recorders import schema
from recorders.catalog import EpisodeInfo, info_of, with_label
from recorders.episode import CameraDescription, EpisodeDescription
from recorders.episode_file import damage_reported, open_file
from recorders.errors import EpisodeCorrupt


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
class Gap:
    """`count` items of `stream` from sequence number `first_missing` on were never written."""

    stream: str
    first_missing: int
    count: int


@dataclass(frozen=True)
class RecordedChunk:
    """A chunk that the policy handed over: `actions` (H, D), first due at `start_ns`, then every `dt_s`."""

    start_ns: int
    dt_s: float
    actions: NDArray[np.float64]


class ImageStream:
    """The pictures of one camera. Usable while its reader is open; `[k]` decodes."""

    def __init__(self, path: Path, camera: str, group: h5py.Group) -> None:
        self._path = path
        self._camera = camera
        self._data = group[schema.IMAGE_DATA.path]
        end = np.asarray(group[schema.IMAGE_END.path], np.int64)
        self._begin = np.concatenate([np.zeros(1, np.int64), end])
        self.stamp_ns: NDArray[np.int64] = np.asarray(group[schema.IMAGE_STAMP.path], np.int64)
        self.sequence: NDArray[np.int64] = np.asarray(group[schema.IMAGE_SEQUENCE.path], np.int64)
        self.crc32: NDArray[np.uint32] = np.asarray(group[schema.IMAGE_CRC.path], np.uint32)

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Picture `index` (h, w, 3). Raises `IndexError`, `EpisodeCorrupt`."""
        jpeg = self.jpeg(index)
        try:
            rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg)
        except ValueError as error:
            raise EpisodeCorrupt(
                f"Picture {index} of camera {self._camera!r} in {self._path.name} can not be decoded. {error}. "
                f"Restore {self._path} from a copy, or move it to the bin."
            ) from error
        return rgb

    def jpeg(self, index: int) -> bytes:
        """The JPEG file of picture `index`. Raises `IndexError`, `EpisodeCorrupt`."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)} of camera {self._camera!r}")
        index %= len(self)
        with damage_reported(self._path):
            return bytes(self._data[self._begin[index] : self._begin[index + 1]])

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
                self._streams[camera] = ImageStream(self.path, camera, self._file[schema.camera_path(camera)])
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
            firsts, counts = self._array(schema.GAP_FIRST), self._array(schema.GAP_COUNT)
            rows = zip(self._texts(schema.GAP_STREAM), firsts, counts, strict=True)
            return [Gap(stream, int(first), int(count)) for stream, first, count in rows]

    def chunks(self) -> list[RecordedChunk]:
        with damage_reported(self.path):
            ends, actions = self._array(schema.CHUNK_END), self._array(schema.CHUNK_ACTIONS)
            starts, steps = self._array(schema.CHUNK_START), self._array(schema.CHUNK_DT)
            begins = [0, *ends[:-1]]
            rows = zip(starts, steps, begins, ends, strict=True) if len(ends) else ()
            return [RecordedChunk(int(start), float(dt_s), actions[begin:end]) for start, dt_s, begin, end in rows]

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
            )

    def _camera(self, name: str) -> CameraDescription:
        said = self._file[schema.camera_path(name)].attrs
        return CameraDescription(name, int(said[schema.WIDTH]), int(said[schema.HEIGHT]), float(said[schema.FPS]))
