"""Journals that were damaged by a disk, or forged with right checksums, made of the whole journal of a take."""

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from recorders.catalog import list_episodes
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import JOURNAL_FILE, JOURNALS
from recorders.journal import Kind, record_bytes, scan
from recorders.repair import recover
from recorders.verify import verify
from tests.recorders.sandbox import in_sandbox

HEAD = struct.Struct("<4sBBHIQq")
_OVERHEAD = HEAD.size + 4
Maker = Callable[[Random, bytes, bytes], bytes]

BROUGHT_BACK, KEPT, TOO_SHORT = "brought back", "kept as it is and reported", "too short to keep"


@dataclass(frozen=True)
class HostileJournal:
    """`make(rng, journal, another)`: `another` is the journal of a take that was recorded before."""

    name: str
    make: Maker
    may_be_too_short: bool = False


@dataclass(frozen=True)
class JournalVerdict:
    """`found` is one of the three words above, or what must never happen. `sentence` for the operator."""

    found: str
    sentence: str = ""
    seconds: float = 0.0
    growth_bytes: int = 0

    @property
    def ok(self) -> bool:
        return self.found in (BROUGHT_BACK, KEPT, TOO_SHORT)


def bring_back(folder: Path, name: str, content: bytes, original: bytes) -> JournalVerdict:
    """Recovers a journal of this content in the empty `folder`, in a child with 1 GB of memory and ten seconds.

    Each whole record of `original` that `content` still has must come back, and nothing that it never held.
    """
    journal = folder / JOURNALS / name
    journal.mkdir(parents=True)
    (journal / JOURNAL_FILE).write_bytes(content)
    ended = in_sandbox(lambda: _recovered(folder, journal, content, original))
    found, sentence = ended.value or (f"FAULT {ended.crash or ended.error}", "")
    return JournalVerdict(found, sentence, ended.seconds, ended.growth_bytes)


def _recovered(folder: Path, journal: Path, content: bytes, original: bytes) -> tuple[str, str]:
    (result,) = recover(folder)
    if result.problem:
        kept = (journal / JOURNAL_FILE).read_bytes() == content
        return (KEPT if kept and not list_episodes(folder) else "CHANGED a journal that it can not read"), result.text
    if result.path is None:
        return TOO_SHORT, result.text
    problems = verify(result.path)
    if problems:
        return f"BUILT an episode with a problem: {problems[0].text}", result.text
    ticks, pictures = _data_of(original)
    whole_ticks, whole_pictures = _data_of(content, original)
    with EpisodeReader(result.path) as reader:
        frames = reader.frames
        got_ticks = {int(stamp): frames.action[row].tobytes() for row, stamp in enumerate(frames.stamp_ns)}
        got_pictures = {
            (camera, int(number)): reader.images(camera).encoded(index)
            for camera in reader.cameras
            for index, number in enumerate(reader.images(camera).sequence)
        }
    if not (got_ticks.items() <= ticks.items() and got_pictures.items() <= pictures.items()):
        return "INVENTED data", result.text
    lost = len(whole_ticks.keys() - got_ticks.keys()) + len(whole_pictures.keys() - got_pictures.keys())
    return (f"LOST {lost} whole records" if lost else BROUGHT_BACK), result.text


def _data_of(content: bytes, original: bytes = b"") -> tuple[dict[int, bytes], dict[tuple[str, int], bytes]]:
    """The action of each tick by its stamp and the file of each picture by camera and number.

    With `original` only records that are also there, byte for byte.
    """
    first = json.loads(bytes(next(scan(memoryview(original or content))).payload))
    cameras = [camera["name"] for camera in first["cameras"]]
    ticks, pictures = {}, {}
    for record in scan(memoryview(content)):
        begin = record.payload_at - _OVERHEAD
        if original and content[begin : begin + record_bytes(record)] not in original:
            continue
        payload = bytes(record.payload)
        if record.kind == Kind.FRAME:
            ticks[record.stamp_ns] = payload[-56:]
        elif record.kind == Kind.IMAGE:
            pictures[cameras[record.stream], struct.unpack_from("<q", payload)[0]] = payload[8:]
    return ticks, pictures


# --- damage ----------------------------------------------------------------------------------------------------------


def truncated(rng: Random, journal: bytes, another: bytes) -> bytes:
    return journal[: rng.choice([rng.randrange(40), rng.randrange(len(journal)), len(journal) - rng.randrange(1, 200)])]


def flipped(rng: Random, journal: bytes, another: bytes) -> bytes:
    content = bytearray(journal)
    for _ in range(rng.randint(1, 20)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def zeroed(rng: Random, journal: bytes, another: bytes) -> bytes:
    begin, size = rng.randrange(len(journal)), rng.choice([1, 512, 4096, 65536])
    return _overwritten(journal, begin, bytes(size))


def zero_tail(rng: Random, journal: bytes, another: bytes) -> bytes:
    """What a power cut leaves when the new size was on the disk and the bytes were not."""
    return journal[: rng.randrange(len(journal))].ljust(len(journal), b"\0")


def garbage(rng: Random, journal: bytes, another: bytes) -> bytes:
    return _overwritten(journal, rng.randrange(len(journal)), rng.randbytes(rng.randint(1, 5000)))


def magic_everywhere(rng: Random, journal: bytes, another: bytes) -> bytes:
    """Many beginnings of records that are none, some with the greatest length."""
    piece = HEAD.pack(b"TSJ1", 3, 0, 0, rng.choice([0, 1000, 64 << 20, 2**32 - 1]), 5, 6)
    return _overwritten(journal, rng.randrange(len(journal)), piece * 500)


def copied_records(rng: Random, journal: bytes, another: bytes) -> bytes:
    """Whole records of earlier in the place of later ones."""
    places = _places(journal)
    source = rng.randrange(1, len(places) // 2)
    count = rng.randint(1, 20)
    begin, end = places[source], places[source + count]
    at = places[rng.randrange(len(places) // 2, len(places))]
    return journal[:at] + journal[begin:end] + journal[at + end - begin :]


def records_of_another_take(rng: Random, journal: bytes, another: bytes) -> bytes:
    """What the disk held before in the place of what was not written yet."""
    at = rng.choice(_places(journal)[2:])
    begin = rng.choice([at // 4096 * 4096, rng.choice(_places(another))])
    return journal[:at] + another[begin : begin + rng.choice([4096, len(another)])]


def removed_records(rng: Random, journal: bytes, another: bytes) -> bytes:
    places = _places(journal)
    first = rng.randrange(1, len(places) - 30)
    return journal[: places[first]] + journal[places[first + rng.randint(1, 25)] :]


# --- forged: the checksum of each record is right -------------------------------------------------------------------


def forged_record(kind: int, payload: bytes, stream: int = 0, count: int = 0, stamp_ns: int = 0, tag: int = 0) -> bytes:
    """A whole record with a checksum that is right."""
    head = HEAD.pack(b"TSJ1", kind, stream, tag, len(payload), count, stamp_ns)
    return head + struct.pack("<I", zlib.crc32(payload, zlib.crc32(head))) + payload


def wrong_json(rng: Random, journal: bytes, another: bytes) -> bytes:
    texts = [
        b"", b"{", b"null", b"[]", b"3", b'"x"', b"{}", b'{"kind": 3}', b"[" * 100_000, b"\xff\xfe", b"9" * 6000,
        b'{"kind": [], "detail": {}}', b'{"stream": 1, "first_missing": "a", "count": -1}', b'{"outcome": null}',
        b'{"outcome": "great", "source": "", "extra": {}}', b'{"outcome": "success", "source": "", "extra": 3}',
        b'{"stream": "front", "first_missing": 1e300, "count": 2}', b'{"detail": {}, "kind": "' + b"x" * 10**6 + b'"}',
    ]  # fmt: skip
    return _inserted(rng, journal, rng.choice([Kind.EVENT, Kind.GAP, Kind.END]), rng.choice(texts))


def wrong_description(rng: Random, journal: bytes, another: bytes) -> bytes:
    first = next(scan(memoryview(journal)))
    said = json.loads(bytes(first.payload))
    values: list[Any] = [None, 3, [], {}, "x", ["a"] * 3, -1, 1e300, [[]], [{"name": "../up"}], "\0", "../../up"]
    key = rng.choice(list(said))
    if rng.random() < 0.8:
        said[key] = rng.choice(values)
    else:
        del said[key]
    payload = json.dumps(said).encode()
    return forged_record(Kind.DESCRIPTION, payload, tag=first.tag) + journal[record_bytes(first) :]


def wrong_record(rng: Random, journal: bytes, another: bytes) -> bytes:
    kind = rng.choice([*Kind, 0, 99, 255])
    payload = rng.choice([b"", b"\0", rng.randbytes(16), rng.randbytes(472), bytes(8), b"\xff" * 24])
    if kind == Kind.CHUNK and rng.random() < 0.7:
        payload = struct.pack("<dII", 0.1, rng.choice([0, 1, 2**32 - 1]), rng.choice([0, 7, 2**32 - 1])) + bytes(56)
    return _inserted(rng, journal, kind, payload, stream=rng.choice([0, 1, 2, 200, 255]))


def leaping_counts(rng: Random, journal: bytes, another: bytes) -> bytes:
    return _inserted(
        rng, journal, Kind.EVENT, b'{"kind": "mark", "detail": {}}', leap=rng.choice([2**33, 2**62, 2**64 - 2])
    )


def _inserted(rng: Random, journal: bytes, kind: int, payload: bytes, stream: int = 0, leap: int = 0) -> bytes:
    """A forged record in the place of one in the middle; those behind it stay as they are."""
    records = list(scan(memoryview(journal)))
    old = records[rng.randrange(2, len(records))]
    begin = old.payload_at - _OVERHEAD
    count = min(old.count + leap, 2**64 - 1)
    forged = forged_record(kind, payload, stream, count, rng.choice([old.stamp_ns, 0, -1]), old.tag)
    return journal[:begin] + forged + journal[begin + record_bytes(old) :]


def _places(journal: bytes) -> list[int]:
    return [record.payload_at - _OVERHEAD for record in scan(memoryview(journal))]


def _overwritten(content: bytes, begin: int, piece: bytes) -> bytes:
    piece = piece[: len(content) - begin]
    return content[:begin] + piece + content[begin + len(piece) :]


KINDS = (
    HostileJournal("truncated at any byte", truncated, may_be_too_short=True),
    HostileJournal("1 to 20 bits flipped", flipped),
    HostileJournal("range zeroed", zeroed),
    HostileJournal("tail of zeros", zero_tail, may_be_too_short=True),
    HostileJournal("garbage written over it", garbage),
    HostileJournal("500 beginnings of records that are none", magic_everywhere),
    HostileJournal("earlier records in the place of later ones", copied_records),
    HostileJournal("tail of another take's journal", records_of_another_take, may_be_too_short=True),
    HostileJournal("records removed", removed_records),
    HostileJournal("forged: texts that are not what they should be", wrong_json),
    HostileJournal("forged: description of a take", wrong_description),
    HostileJournal("forged: kind, camera, sizes", wrong_record),
    HostileJournal("forged: counts that leap", leaping_counts),
)
