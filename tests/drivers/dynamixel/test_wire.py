import re

import pytest
from dynamixel_sdk import COMM_SUCCESS, Protocol2PacketHandler
from hypothesis import assume, given
from hypothesis.strategies import binary, integers, lists

from drivers.clock import ManualClock
from drivers.dynamixel.sdk_port import SdkPort
from drivers.dynamixel.transport import MemoryTransport
from drivers.dynamixel.wire import (
    BROADCAST,
    FAST_SYNC_READ,
    HEADER,
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


@given(data=binary(max_size=300))
def test_the_checksum_is_the_sdks(data: bytes) -> None:
    assert crc16(data) == Protocol2PacketHandler().updateCRC(0, data, len(data))


@given(data=binary(min_size=300, max_size=300))
def test_the_checksum_of_a_long_packet_is_the_sdks_at_any_length(data: bytes) -> None:
    for count in (63, 64, 65, 90, 255, 256, 257, 300):
        assert crc16(data[:count]) == Protocol2PacketHandler().updateCRC(0, data[:count], count)
        assert crc16(data[count:], crc16(data[:count])) == crc16(data)


@given(servo_id=integers(0, 252), instruction=integers(1, 255), data=payloads)
def test_a_request_is_byte_for_byte_the_sdks_where_that_needs_no_stuffing(
    servo_id: int, instruction: int, data: bytes
) -> None:
    assume(b"\xff\xff\xfd" not in bytes((instruction,)) + data)
    line = _Tape()
    length = len(data) + 3
    request = [0, 0, 0, 0, servo_id, length & 0xFF, length >> 8, instruction, *data, 0, 0]
    assert Protocol2PacketHandler().txPacket(line.port(), request) == COMM_SUCCESS
    assert packet(servo_id, instruction, data) == line.sent


@given(data=payloads)
def test_stuffing_is_the_sdks_own_which_it_computes_and_then_does_not_send(data: bytes) -> None:
    length = len(data) + 3
    stuffed = Protocol2PacketHandler().addStuffing([*HEADER, 3, length & 0xFF, length >> 8, WRITE, *data, 0, 0])
    assert packet(3, WRITE, data)[:-2] == bytes(stuffed[:-2])


@given(servo_id=integers(0, 252), error=integers(0, 255), data=payloads)
def test_the_sdk_reads_from_our_status_what_we_put_in(servo_id: int, error: int, data: bytes) -> None:
    line = _Tape(status(servo_id, error, data))
    port = line.port()
    port.setPacketTimeoutMillis(5.0)
    received, result = Protocol2PacketHandler().rxPacket(port, False)
    assert result == COMM_SUCCESS
    length = received[5] | received[6] << 8
    assert (received[4], received[8], bytes(received[9 : 7 + length - 2])) == (servo_id, error, data)


@given(head=binary(max_size=100), tail=binary(max_size=100))
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
    decoder = Decoder()
    found = decoder.feed(noise + status(1, 0, data) + status(2, 0, data)) + decoder.finish()
    assert [(p.servo_id, p.data) for p in found][-2:] == [(1, data), (2, data)]


@given(data=binary(min_size=4, max_size=20), at=integers(0, 200), bit=integers(0, 7))
def test_a_damaged_packet_is_never_handed_out_and_the_next_one_is(data: bytes, at: int, bit: int) -> None:
    damaged = bytearray(status(1, 0, data))
    damaged[at % len(damaged)] ^= 1 << bit
    decoder = Decoder()
    found = decoder.feed(bytes(damaged) + status(2, 0, data)) + decoder.finish()
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


class _Tape:
    """A line that keeps what is sent and plays back what was recorded."""

    def __init__(self, recorded: bytes = b"") -> None:
        self.sent = b""
        self._recorded = recorded
        self._clock = ManualClock()

    def port(self) -> SdkPort:
        return SdkPort(MemoryTransport(self, self._clock, "tape"), self._clock)

    def receive(self, data: bytes) -> None:
        self.sent += data

    def due_ns(self) -> int | None:
        return self._clock.now_ns() if self._recorded else None

    def take_replies(self, now_ns: int) -> bytes:
        taken, self._recorded = self._recorded, b""
        return taken
