"""What a journal holds, sorted into the columns of an episode file. Bulk data stays in the mapped journal."""

import hashlib
import json
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from recorders import schema
from recorders.episode import CameraDescription, EpisodeDescription, Gap, LoopStatistics
from recorders.episode_writer import ANCHOR, CHUNK_HEAD, IMAGE_HEAD
from recorders.errors import EpisodeCorrupt, EpisodeFormatUnknown
from recorders.frame_row import frame_dtype
from recorders.journal import Kind, Record, record_bytes, scan

_BLOCK_ROWS = 8192
_LONGEST_LEAP = 1 << 32  # records that may be lost at one place
_NOT_READABLE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RuntimeError, struct.error)

Missing = tuple[str, int, int]  # stream, first missing, count


def _numbers() -> "array[int]":
    return array("q")


class Pictures:
    """All pictures of one camera as they came: half an hour is 54,000, so each costs 40 bytes and no object."""

    def __init__(self, data: memoryview) -> None:
        """`data` is the journal."""
        self._data = data
        self.stamp_ns, self.sequence, self.begin, self.end, self.crc32 = (_numbers() for _ in range(5))
        self.total_bytes = 0
        self._digest = hashlib.sha256()

    def add(self, stamp_ns: int, sequence: int, begin: int, end: int) -> None:
        """The next one: its file lies from `begin` to `end` of the journal."""
        file = self._data[begin:end]
        self.stamp_ns.append(stamp_ns)
        self.sequence.append(sequence)
        self.begin.append(begin)
        self.end.append(end)
        self.crc32.append(zlib.crc32(file))
        self.total_bytes += len(file)
        self._digest.update(file)

    def __len__(self) -> int:
        return len(self.stamp_ns)

    @property
    def sha256(self) -> str:
        """Of all files one after the other."""
        return self._digest.hexdigest()

    def files(self) -> Iterator[memoryview]:
        """The JPEG or PNG file of each picture."""
        for begin, end in zip(self.begin, self.end, strict=True):
            yield self._data[begin:end]

    def columns(self) -> dict[schema.Column, NDArray[Any]]:
        """Everything but the files themselves."""
        lengths = np.asarray(self.end, np.int64) - np.asarray(self.begin, np.int64)
        return {
            schema.IMAGE_END: np.cumsum(lengths),
            schema.IMAGE_STAMP: np.asarray(self.stamp_ns, np.int64),
            schema.IMAGE_SEQUENCE: np.asarray(self.sequence, np.int64),
            schema.IMAGE_CRC: np.asarray(self.crc32, np.uint32),
        }

    def jumps(self, camera: str) -> list[Gap]:
        """Sequence numbers that no picture has."""
        sequence = np.asarray(self.sequence, np.int64)
        return [
            Gap(
                camera,
                self.sequence[last] + 1,
                self.sequence[last + 1] - self.sequence[last] - 1,
                self.stamp_ns[last],
                self.stamp_ns[last + 1],
            )
            for last in np.flatnonzero(np.diff(sequence) > 1).tolist()
        ]


@dataclass
class JournalContent:
    """A journal in memory. `outcome` is None when the take was never finished."""

    data: memoryview
    uuid: str
    recorded_at: str
    description: EpisodeDescription
    cameras: dict[str, Pictures]
    outcome: str | None = None
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    loop: LoopStatistics | None = None
    damaged: bool = False  # records between whole ones are lost
    unread_bytes: int = 0  # in no whole record of this take: a torn tail, or damage
    row_bytes: int = field(init=False)  # of one control tick
    newest_ns: int = -1  # stamp of the newest tick or picture
    source_names: dict[int, str] = field(default_factory=dict)
    frame_stamps: "array[int]" = field(default_factory=_numbers)
    frame_sources: bytearray = field(default_factory=bytearray)
    frames_at: "array[int]" = field(default_factory=_numbers)
    events: list[tuple[int, str, str]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    anchors: list[tuple[int, int]] = field(default_factory=list)
    chunks: list[tuple[int, float, NDArray[np.float64]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.row_bytes = frame_dtype(len(self.description.joint_names)).itemsize

    @property
    def duration_s(self) -> float:
        """From the first control tick to the last."""
        return (self.frame_stamps[-1] - self.frame_stamps[0]) * 1e-9 if self.frame_stamps else 0.0

    def frame_blocks(self) -> Iterator[NDArray[Any]]:
        """The rows of all ticks in order, some thousands at a time (`frame_dtype`)."""
        row = frame_dtype(len(self.description.joint_names))
        for begin in range(0, len(self.frames_at), _BLOCK_ROWS):
            block = self.frames_at[begin : begin + _BLOCK_ROWS]
            yield np.frombuffer(b"".join(self.data[at : at + row.itemsize] for at in block), row)

    def columns(self) -> dict[schema.Column, NDArray[Any] | list[str]]:
        """All columns of the episode file but those of the cameras and of `frame_blocks`."""
        return {
            schema.FRAME_STAMP: np.asarray(self.frame_stamps, np.int64),
            schema.FRAME_SOURCE: np.frombuffer(self.frame_sources, np.uint8),
            schema.CLOCK_ANCHORS: np.array(self.anchors, np.int64).reshape(-1, 2),
            **self._event_columns(),
            **self._gap_columns(),
            **self._chunk_columns(),
        }

    def _event_columns(self) -> dict[schema.Column, NDArray[Any] | list[str]]:
        return {
            schema.EVENT_STAMP: np.array([stamp for stamp, _, _ in self.events], np.int64),
            schema.EVENT_KIND: [kind for _, kind, _ in self.events],
            schema.EVENT_DETAIL: [detail for _, _, detail in self.events],
        }

    def _gap_columns(self) -> dict[schema.Column, NDArray[Any] | list[str]]:
        gaps = self.all_gaps()
        return {
            schema.GAP_STREAM: [gap.stream for gap in gaps],
            schema.GAP_FIRST: np.array([gap.first_missing for gap in gaps], np.int64),
            schema.GAP_COUNT: np.array([gap.count for gap in gaps], np.int64),
            schema.GAP_T0: np.array([gap.t0_ns for gap in gaps], np.int64),
            schema.GAP_T1: np.array([gap.t1_ns for gap in gaps], np.int64),
        }

    def _chunk_columns(self) -> dict[schema.Column, NDArray[Any]]:
        empty = np.zeros((0, len(self.description.joint_names)))
        return {
            schema.CHUNK_START: np.array([start for start, _, _ in self.chunks], np.int64),
            schema.CHUNK_DT: np.array([dt_s for _, dt_s, _ in self.chunks], np.float64),
            schema.CHUNK_END: np.cumsum([len(actions) for _, _, actions in self.chunks], dtype=np.int64),
            schema.CHUNK_ACTIONS: np.concatenate([empty, *(actions for _, _, actions in self.chunks)]),
        }

    def all_gaps(self) -> list[Gap]:
        """The gaps that were reported, and each jump of a camera's count that nobody reported."""
        known = covered([_missing(gap) for gap in self.gaps])
        jumps = [jump for camera, pictures in self.cameras.items() for jump in pictures.jumps(camera)]
        return self.gaps + [jump for jump in jumps if not is_covered(_missing(jump), known)]


def covered(gaps: list[Missing]) -> dict[str, list[tuple[int, int]]]:
    """Per stream the missing numbers as (first, end) in order, neighbours joined."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    for stream, first, count in sorted(gaps):
        known = ranges.setdefault(stream, [])
        if known and first <= known[-1][1]:
            known[-1] = (known[-1][0], max(known[-1][1], first + count))
        else:
            known.append((first, first + count))
    return ranges


def is_covered(gap: Missing, known: dict[str, list[tuple[int, int]]]) -> bool:
    """Whether the reported gaps hold every number of `gap`."""
    stream, first, count = gap
    return any(begin <= first and first + count <= end for begin, end in known.get(stream, []))


def _missing(gap: Gap) -> Missing:
    return gap.stream, gap.first_missing, gap.count


def read_journal(data: memoryview) -> JournalContent:
    """The content of a journal, whole or torn; lost records are listed as gaps of stream `journal`.

    Usable while `data` is. Raises `EpisodeCorrupt` when the description at its start can not be read or a record holds
    what no version of the app writes, `EpisodeFormatUnknown` for a kind of record that only a newer one writes.
    """
    records = scan(data)
    first = next(records, None)
    if first is None or first.kind != Kind.DESCRIPTION:
        raise EpisodeCorrupt(
            "The journal has no readable beginning. Nothing can be built from it; "
            "remove its folder when you do not need it any more."
        )
    content = _content_of(data, first)
    content.unread_bytes = len(data) - record_bytes(first)
    due = 1
    for record in records:
        if not due <= record.count <= due + _LONGEST_LEAP:
            # Whole, but in a wrong place: an old copy that the disk brought up.
            content.damaged = True
            continue
        content.unread_bytes -= record_bytes(record)
        if record.count > due:
            after_ns = record.stamp_ns if record.kind in (Kind.FRAME, Kind.IMAGE) else -1
            content.gaps.append(Gap("journal", due, record.count - due, content.newest_ns, after_ns))
            content.damaged = True
        due = record.count + 1
        try:
            _take_in(content, record)
        except _NOT_READABLE as error:
            raise EpisodeCorrupt(_unknown(record, error)) from error
    return content


def _content_of(data: memoryview, first: Record) -> JournalContent:
    try:
        start = json.loads(bytes(first.payload))
        uuid, recorded_at = str(UUID(start.pop("uuid"))), str(start.pop("recorded_at"))
        start["cameras"] = tuple(CameraDescription(**camera) for camera in start["cameras"])
        description = EpisodeDescription(**start)
    except _NOT_READABLE as error:
        raise EpisodeCorrupt(_unknown(first, error)) from error
    cameras = {camera.name: Pictures(data) for camera in description.cameras}
    source, extra = description.source, description.extra
    return JournalContent(data, uuid, recorded_at, description, cameras, source=source, extra=extra)


def _unknown(record: Record, error: Exception) -> str:
    why = str(error).strip() or type(error).__name__
    return (
        f"Record {record.count} of the journal (kind {record.kind}) holds what no version of the app writes: {why}. "
        "Keep the journal, and report it."
    )


def _take_in(content: JournalContent, record: Record) -> None:
    match record.kind:
        case Kind.FRAME:
            if len(record.payload) != content.row_bytes:
                raise ValueError(f"a control tick has {content.row_bytes} bytes, not {len(record.payload)}")
            content.newest_ns = record.stamp_ns
            content.frame_stamps.append(record.stamp_ns)
            content.frame_sources.append(record.stream)
            content.frames_at.append(record.payload_at)
        case Kind.IMAGE:
            content.newest_ns = record.stamp_ns
            pictures = content.cameras[content.description.cameras[record.stream].name]
            (sequence,) = IMAGE_HEAD.unpack_from(record.payload)
            begin, end = record.payload_at + IMAGE_HEAD.size, record.payload_at + len(record.payload)
            pictures.add(record.stamp_ns, sequence, begin, end)
        case Kind.SOURCE_NAME:
            content.source_names[record.stream] = bytes(record.payload).decode()
        case Kind.CLOCK_ANCHOR:
            content.anchors.append((record.stamp_ns, ANCHOR.unpack(record.payload)[0]))
        case Kind.CHUNK:
            dt_s, horizon, joints = CHUNK_HEAD.unpack_from(record.payload)
            actions = np.frombuffer(record.payload, "<f8", offset=CHUNK_HEAD.size).reshape(horizon, joints)
            content.chunks.append((record.stamp_ns, dt_s, actions))
        case Kind.EVENT | Kind.GAP | Kind.END:
            _take_in_text(content, record)
        case _:
            raise EpisodeFormatUnknown(
                f"The journal of take {content.uuid} holds a record of kind {record.kind} that this app does not know. "
                "Update the app to the version that recorded it."
            )


def _take_in_text(content: JournalContent, record: Record) -> None:
    text = json.loads(bytes(record.payload))
    match record.kind:
        case Kind.EVENT:
            content.events.append((record.stamp_ns, text["kind"], json.dumps(text["detail"])))
        case Kind.GAP:
            gap = Gap(**text)
            struct.pack("<4q", gap.first_missing, gap.count, gap.t0_ns, gap.t1_ns)  # raises for what is no such number
            content.gaps.append(gap)
        case Kind.END:
            content.outcome = text["outcome"]
            content.source = text["source"] or content.source
            content.extra = {**content.extra, **text["extra"]}
            content.loop = LoopStatistics(**text["loop"]) if text.get("loop") else None
