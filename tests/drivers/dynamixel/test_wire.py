import re

import pytest
from dynamixel_sdk import Protocol2PacketHandler
from hypothesis import given
from hypothesis.strategies import binary, integers, lists

from drivers.dynamixel.wire import (
    BROADCAST,
    FAST_SYNC_READ,
    PING,
    READ,
    REBOOT,
    STATUS,
    SYNC_READ,
    SYNC_WRITE,
    WRITE,
    Decoder,
    Packet,
    crc16,
    packet,
    status,
)

# ROBOTIS e-manual, DYNAMIXEL Protocol 2.0, the examples of each instruction.
MANUAL = {
    "ping": (packet(1, PING), "ff ff fd 00 01 03 00 01 19 4e"),
    "read": (packet(1, READ, bytes.fromhex("84 00 04 00")), "ff ff fd 00 01 07 00 02 84 00 04 00 1d 15"),
    "write": (packet(1, WRITE, bytes.fromhex("74 00 00 02 00 00")), "ff ff fd 00 01 09 00 03 74 00 00 02 00 00 ca 89"),
    "reboot": (packet(1, REBOOT), "ff ff fd 00 01 03 00 08 2f 4e"),
    "sync read": (
        packet(BROADCAST, SYNC_READ, bytes.fromhex("84 00 04 00 01 02")),
        "ff ff fd 00 fe 09 00 82 84 00 04 00 01 02 ce fa",
    ),
    "sync write": (
        packet(BROADCAST, SYNC_WRITE, bytes.fromhex("74 00 04 00 01 96 00 00 00 02 aa 00 00 00")),
        "ff ff fd 00 fe 11 00 83 74 00 04 00 01 96 00 00 00 02 aa 00 00 00 82 87",
    ),
    "status of a ping": (status(1, 0, bytes.fromhex("06 04 26")), "ff ff fd 00 01 07 00 55 00 06 04 26 65 5d"),
    "status of a read": (status(1, 0, bytes.fromhex("a6 00 00 00")), "ff ff fd 00 01 08 00 55 00 a6 00 00 00 8c c0"),
}
payloads = binary(max_size=40) | lists(integers(0xFC, 0xFF), max_size=40).map(bytes)


@pytest.mark.parametrize("name", MANUAL)
def test_packets_are_those_of_the_manual(name: str) -> None:
    made, expected = MANUAL[name]
    assert made.hex(" ") == expected


@given(data=binary(max_size=60))
def test_the_checksum_is_the_sdks(data: bytes) -> None:
    assert crc16(data) == Protocol2PacketHandler().updateCRC(0, data, len(data))


@given(head=binary(max_size=30), tail=binary(max_size=30))
def test_a_checksum_can_be_continued(head: bytes, tail: bytes) -> None:
    assert crc16(tail, crc16(head)) == crc16(head + tail)


@given(data=payloads)
def test_a_header_inside_the_data_is_stuffed_and_comes_back_unstuffed(data: bytes) -> None:
    raw = packet(3, WRITE, data)
    assert re.search(rb"\xff\xff\xfd(?!\xfd)", raw[7:-2]) is None
    assert Decoder().feed(raw) == [Packet(3, WRITE, data)]


@given(bodies=lists(payloads, min_size=1, max_size=4), cuts=lists(integers(1, 20), min_size=1, max_size=60))
def test_packets_come_whole_however_the_stream_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(status(k, 0, body) for k, body in enumerate(bodies))
    decoder, found = Decoder(), []
    for cut in [*cuts, len(stream)]:
        found += decoder.feed(stream[:cut])
        stream = stream[cut:]
    assert [(p.servo_id, p.error, p.data) for p in found] == [(k, 0, body) for k, body in enumerate(bodies)]


@given(noise=binary(max_size=20), data=payloads)
def test_noise_before_a_packet_is_skipped(noise: bytes, data: bytes) -> None:
    # Two packets: noise that ends like a header may cost the first, never the second.
    found = Decoder().feed(noise + status(1, 0, data) + status(2, 0, data) + bytes(1100))
    assert (2, data) in [(p.servo_id, p.data) for p in found]


@given(data=binary(min_size=4, max_size=20), at=integers(0, 200), bit=integers(0, 7))
def test_a_damaged_packet_is_never_handed_out_and_the_next_one_is(data: bytes, at: int, bit: int) -> None:
    damaged = bytearray(status(1, 0, data))
    damaged[at % len(damaged)] ^= 1 << bit
    found = Decoder().feed(bytes(damaged) + bytes(1100) + status(2, 0, data))
    assert [(p.servo_id, p.data) for p in found] == [(2, data)]


def test_a_wrong_checksum_is_counted() -> None:
    decoder = Decoder()
    raw = bytearray(status(1, 0, b"abcd"))
    raw[-1] ^= 1
    assert decoder.feed(bytes(raw)) == []
    assert decoder.crc_errors == 1


def test_the_decoder_says_how_many_bytes_it_lacks() -> None:
    raw = status(1, 0, b"abcd")
    decoder = Decoder()
    assert decoder.wanted == 11
    decoder.feed(raw[:9])
    assert decoder.wanted == len(raw) - 9


def test_the_joint_answer_of_a_fast_read_is_not_unstuffed() -> None:
    body = bytes((0,)) + b"\xff\xff\xfd\xfd"
    head = b"\xff\xff\xfd\x00\xfe" + (len(body) + 3).to_bytes(2, "little") + bytes((STATUS,)) + body
    (found,) = Decoder().feed(head + crc16(head).to_bytes(2, "little"))
    assert found.params == body


def test_fast_sync_read_asks_like_sync_read() -> None:
    request = packet(BROADCAST, FAST_SYNC_READ, bytes.fromhex("84 00 04 00 03 07 04"))
    assert request[:-2].hex(" ") == "ff ff fd 00 fe 0a 00 8a 84 00 04 00 03 07 04"
