"""Streams of noise, damage and packets for the parser of bytes from servos, and what it makes of them."""

import random
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drivers.dynamixel.sync import Outcome, SyncRead
from drivers.dynamixel.wire import BROADCAST, HEADER, STATUS, Decoder, Packet, crc16, packet

FIELDS = np.dtype([("effort", "<i2"), ("velocity", "<i4"), ("position", "<i4")])
IDS = (1, 2, 3, 4, 5, 6)
# What a header is made of, and what stuffing looks for: noise of these bytes is the hardest.
_TOUCHY = b"\xff\xff\xff\xfd\xfd\x00\x55\xfe\x01\x07\x03"
_LAST = Packet(0x2A, STATUS, b"\x00the last packet")


@dataclass
class FuzzResult:
    """What `fuzz_parser` found. All of `uncaught`, `wrong`, `lost`, `untrue` must stay 0.

    `wrong` packets handed out that are nowhere on the line with their checksum. `lost` streams whose last, whole packet
    was not found. `by_chance` the same, but noise in front of it happened to have a right checksum: one in 65536 does.
    `untrue` values of a joint answer that are not what the servo sent.
    """

    inputs: int = 0
    stream_bytes: int = 0
    packets: int = 0
    crc_errors: int = 0
    values: int = 0
    uncaught: int = 0
    wrong: int = 0
    lost: int = 0
    by_chance: int = 0
    untrue: int = 0
    seconds: float = 0.0
    first_failure: str = ""


def fuzz_parser(count: int, seed: int) -> dict[str, Any]:
    """Feed `count` streams: half of them to `Decoder`, half to the parser of joint answers; `FuzzResult` as a dict."""
    chance, result = random.Random(seed), FuzzResult()
    start_s = time.perf_counter()
    block = SyncRead(IDS, 126, FIELDS)
    for k in range(count):
        try:
            if k % 2:
                _feed_joint_answer(chance, block, result)
            else:
                _feed_stream(chance, result)
        except Exception as error:  # this is what the fuzzing looks for
            result.uncaught += 1
            result.first_failure = result.first_failure or f"input {k} of seed {seed}: {error!r}"
    result.inputs, result.seconds = count, time.perf_counter() - start_s
    return asdict(result)


def noise(chance: random.Random, most: int = 24) -> bytes:
    """Bytes that nobody sent; half of the time such that look like a packet's."""
    length = chance.randrange(most)
    if chance.random() < 0.5:
        return chance.randbytes(length)
    return bytes(chance.choice(_TOUCHY) for _ in range(length))


def any_packet(chance: random.Random) -> Packet:
    """A packet as servos and hosts send them, often with a body that has to be stuffed."""
    return Packet(chance.randrange(253), chance.choice((STATUS, 1, 2, 3, 0x82, 0x83)), noise(chance, 20))


def stream(chance: random.Random, sent: list[Packet]) -> bytes:
    """Noise, whole packets (added to `sent`), damaged ones, cut ones and beginnings, in any order."""
    pieces = []
    for _ in range(chance.randrange(5)):
        kind = chance.randrange(6)
        made = any_packet(chance)
        raw = packet(*made)
        if kind == 0:
            pieces.append(noise(chance))
        elif kind == 1:
            pieces.append(_damaged(chance, raw))
        elif kind == 2:
            pieces.append(raw[: chance.randrange(len(raw))])
        elif kind == 3:
            pieces.append(HEADER + chance.randbytes(1) + bytes((chance.randrange(40), chance.randrange(4) // 3)))
        elif kind == 4:
            pieces.append(HEADER + bytes((BROADCAST, chance.randrange(60), 0, STATUS)) + noise(chance))
        else:
            sent.append(made)
            pieces.append(raw)
    return b"".join(pieces)


def joint_answer(chance: random.Random, block: SyncRead) -> tuple[bytes, np.ndarray[Any, Any]]:
    """A whole joint answer with any values, and those values."""
    values = np.frombuffer(
        b"".join(
            chance.choice((chance.randbytes(FIELDS.itemsize), b"\xff\xff\xfd\x00\xfe\x55\x00\x55\xff\xff")) for _ in IDS
        ),
        FIELDS,
    )
    raw = block.fast_head
    for servo_id, row in zip(IDS, values, strict=True):
        raw += bytes((chance.choice((0, 0x80)), servo_id)) + row.tobytes()
        raw += crc16(raw).to_bytes(2, "little")
    return raw, values


def _feed_stream(chance: random.Random, result: FuzzResult) -> None:
    sent: list[Packet] = []
    raw = stream(chance, sent) + packet(*_LAST)
    decoder, found, at = Decoder(), list[Packet](), 0
    while at < len(raw):
        step = chance.choice((1, 3, 11, len(raw)))
        found += decoder.feed(raw[at : at + step])
        at += step
    found += decoder.finish()
    result.stream_bytes += len(raw)
    result.packets += len(found)
    result.crc_errors += decoder.crc_errors
    strangers = [one for one in found if one not in sent and one != _LAST]
    if any(not _on_the_line(one, raw) for one in strangers):
        result.wrong += 1
        result.first_failure = result.first_failure or f"handed out of {raw.hex()}: {strangers}"
    if _LAST not in found:
        if strangers:
            result.by_chance += 1
        else:
            result.lost += 1
            result.first_failure = result.first_failure or f"not found in {raw.hex()}"


def _feed_joint_answer(chance: random.Random, block: SyncRead, result: FuzzResult) -> None:
    raw, values = joint_answer(chance, block)
    match chance.randrange(4):
        case 0:
            raw = _damaged(chance, raw)
        case 1:
            raw = raw[: chance.randrange(len(raw))]
        case 2:
            raw = noise(chance) + raw
        case _:
            raw += noise(chance)
    reply = block.parse_fast(raw)
    result.stream_bytes += len(raw)
    fresh = reply.outcome == Outcome.OK
    result.values += int(fresh.sum())
    if (reply.values[fresh] != values[fresh]).any():
        result.untrue += 1
        result.first_failure = result.first_failure or f"read from {raw.hex()}: {reply}"


def _damaged(chance: random.Random, raw: bytes) -> bytes:
    """One to three wrong bits: the checksum finds all of these, so that no chance is in the result."""
    damaged = bytearray(raw)
    for bit in chance.sample(range(8 * len(raw)), chance.randint(1, 3)):
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def _on_the_line(one: Packet, raw: bytes) -> bool:
    """Whether the packet's bytes, stuffed or not, with a checksum that fits, are in the stream."""
    plain = HEADER + bytes((one.servo_id,)) + (len(one.params) + 3).to_bytes(2, "little") + bytes((one.instruction,))
    plain += one.params
    return packet(*one) in raw or plain + crc16(plain).to_bytes(2, "little") in raw
