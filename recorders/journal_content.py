"""What a journal holds, sorted into the columns of an episode file."""

import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.episode import CameraDescription, EpisodeDescription
from recorders.episode_writer import CHUNK_HEAD, IMAGE_HEAD
from recorders.errors import EpisodeCorrupt
from recorders.frame_row import frame_dtype
from recorders.journal import Kind, Record, record_bytes, scan

Gap = tuple[str, int, int]  # stream, first missing, count


@dataclass
class Pictures:
    """All pictures of one camera as they came."""

    stamp_ns: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    jpegs: list[memoryview] = field(default_factory=list)

    def columns(self) -> dict[schema.Column, NDArray[Any]]:
        """Everything but the JPEG bytes themselves."""
        return {
            schema.IMAGE_END: np.cumsum([len(jpeg) for jpeg in self.jpegs], dtype="<i8"),
            schema.IMAGE_STAMP: np.array(self.stamp_ns, "<i8"),
            schema.IMAGE_SEQUENCE: np.array(self.sequence, "<i8"),
            schema.IMAGE_CRC: np.array([zlib.crc32(jpeg) for jpeg in self.jpegs], "<u4"),
        }

    def jumps(self, camera: str) -> list[Gap]:
        """Sequence numbers that no picture has."""
        pairs = zip(self.sequence, self.sequence[1:], strict=False)
        return [(camera, last + 1, this - last - 1) for last, this in pairs if this > last + 1]


@dataclass
class JournalContent:
    """A journal in memory. `outcome` is None when the take was never finished."""

    uuid: str
    recorded_at: str
    description: EpisodeDescription
    cameras: dict[str, Pictures]
    outcome: str | None = None
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    damaged: bool = False  # records between whole ones are lost
    unread_bytes: int = 0  # in no whole record: a torn tail, or damage
    source_names: dict[int, str] = field(default_factory=dict)
    frame_stamps: list[int] = field(default_factory=list)
    frame_sources: list[int] = field(default_factory=list)
    frame_rows: list[memoryview] = field(default_factory=list)
    events: list[tuple[int, str, str]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    chunks: list[tuple[int, float, NDArray[np.float64]]] = field(default_factory=list)

    @property
    def duration_s(self) -> float:
        """From the first control tick to the last."""
        return (self.frame_stamps[-1] - self.frame_stamps[0]) * 1e-9 if self.frame_stamps else 0.0

    def columns(self) -> dict[schema.Column, NDArray[Any] | list[str]]:
        """All columns of the episode file but those of the cameras."""
        return {**self._frame_columns(), **self._event_columns(), **self._chunk_columns()}

    def _frame_columns(self) -> dict[schema.Column, NDArray[Any]]:
        rows: NDArray[Any] = np.frombuffer(b"".join(self.frame_rows), frame_dtype(len(self.description.joint_names)))
        return {
            schema.FRAME_STAMP: np.array(self.frame_stamps, "<i8"),
            schema.FRAME_SOURCE: np.array(self.frame_sources, "|u1"),
            schema.LEADER_STAMP: rows["leader_stamp_ns"],
            schema.LEADER_POSITION: rows["leader_position"],
            schema.LEADER_VELOCITY: rows["leader_velocity"],
            schema.LEADER_EFFORT: rows["leader_effort"],
            schema.FOLLOWER_STAMP: rows["follower_stamp_ns"],
            schema.FOLLOWER_POSITION: rows["follower_position"],
            schema.FOLLOWER_VELOCITY: rows["follower_velocity"],
            schema.FOLLOWER_EFFORT: rows["follower_effort"],
            schema.REQUESTED: rows["requested"],
            schema.ACTION: rows["action"],
        }

    def _event_columns(self) -> dict[schema.Column, NDArray[Any] | list[str]]:
        gaps = self.all_gaps()
        return {
            schema.EVENT_STAMP: np.array([stamp for stamp, _, _ in self.events], "<i8"),
            schema.EVENT_KIND: [kind for _, kind, _ in self.events],
            schema.EVENT_DETAIL: [detail for _, _, detail in self.events],
            schema.GAP_STREAM: [stream for stream, _, _ in gaps],
            schema.GAP_FIRST: np.array([first for _, first, _ in gaps], "<i8"),
            schema.GAP_COUNT: np.array([count for _, _, count in gaps], "<i8"),
        }

    def _chunk_columns(self) -> dict[schema.Column, NDArray[Any]]:
        empty = np.zeros((0, len(self.description.joint_names)))
        return {
            schema.CHUNK_START: np.array([start for start, _, _ in self.chunks], "<i8"),
            schema.CHUNK_DT: np.array([dt_s for _, dt_s, _ in self.chunks], "<f8"),
            schema.CHUNK_END: np.cumsum([len(actions) for _, _, actions in self.chunks], dtype="<i8"),
            schema.CHUNK_ACTIONS: np.concatenate([empty, *(actions for _, _, actions in self.chunks)]),
        }

    def all_gaps(self) -> list[Gap]:
        """The gaps that were reported, and each jump of a camera's count that nobody reported."""
        known = covered(self.gaps)
        jumps = [jump for camera, pictures in self.cameras.items() for jump in pictures.jumps(camera)]
        return self.gaps + [jump for jump in jumps if not is_covered(jump, known)]


def covered(gaps: list[Gap]) -> dict[str, list[tuple[int, int]]]:
    """Per stream the missing numbers as (first, end) in order, neighbours joined."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for stream, first, count in sorted(gaps):
        known = ranges.setdefault(stream, [])
        if known and first <= known[-1][1]:
            known[-1] = (known[-1][0], max(known[-1][1], first + count))
        else:
            known.append((first, first + count))
    return ranges


def is_covered(gap: Gap, known: dict[str, list[tuple[int, int]]]) -> bool:
    """Whether the reported gaps hold every number of `gap`."""
    stream, first, count = gap
    return any(begin <= first and first + count <= end for begin, end in known.get(stream, []))


def read_journal(data: memoryview) -> JournalContent:
    """The content of a journal, whole or torn; lost records are listed as gaps of stream `journal`.

    Raises `EpisodeCorrupt` when the description at its start can not be read.
    """
    records = scan(data)
    first = next(records, None)
    if first is None or first.kind != Kind.DESCRIPTION:
        raise EpisodeCorrupt(
            "The journal has no readable beginning. Nothing can be built from it; "
            "remove its folder when you do not need it any more."
        )
    content = _content_of(json.loads(bytes(first.payload)))
    content.unread_bytes = len(data) - record_bytes(first)
    due = 1
    for record in records:
        content.unread_bytes -= record_bytes(record)
        if record.count > due:
            content.gaps.append(("journal", due, record.count - due))
            content.damaged = True
        due = record.count + 1
        _take_in(content, record)
    return content


def _content_of(start: dict[str, Any]) -> JournalContent:
    uuid, recorded_at = start.pop("uuid"), start.pop("recorded_at")
    start["cameras"] = tuple(CameraDescription(**camera) for camera in start["cameras"])
    description = EpisodeDescription(**start)
    cameras = {camera.name: Pictures() for camera in description.cameras}
    return JournalContent(uuid, recorded_at, description, cameras, source=description.source, extra=description.extra)


def _take_in(content: JournalContent, record: Record) -> None:
    match record.kind:
        case Kind.FRAME:
            content.frame_stamps.append(record.stamp_ns)
            content.frame_sources.append(record.stream)
            content.frame_rows.append(record.payload)
        case Kind.IMAGE:
            pictures = content.cameras[content.description.cameras[record.stream].name]
            pictures.stamp_ns.append(record.stamp_ns)
            pictures.sequence.append(IMAGE_HEAD.unpack_from(record.payload)[0])
            pictures.jpegs.append(record.payload[IMAGE_HEAD.size :])
        case Kind.SOURCE_NAME:
            content.source_names[record.stream] = bytes(record.payload).decode()
        case Kind.CHUNK:
            dt_s, horizon, joints = CHUNK_HEAD.unpack_from(record.payload)
            actions = np.frombuffer(record.payload, "<f8", offset=CHUNK_HEAD.size).reshape(horizon, joints)
            content.chunks.append((record.stamp_ns, dt_s, actions))
        case _:
            _take_in_text(content, record)


def _take_in_text(content: JournalContent, record: Record) -> None:
    text = json.loads(bytes(record.payload))
    match record.kind:
        case Kind.EVENT:
            content.events.append((record.stamp_ns, text["kind"], json.dumps(text["detail"])))
        case Kind.GAP:
            content.gaps.append((text["stream"], text["first_missing"], text["count"]))
        case Kind.END:
            content.outcome = text["outcome"]
            content.source = text["source"] or content.source
            content.extra = {**content.extra, **text["extra"]}
