"""The parser against random streams; tests/benchmarks/bench_fuzz.py runs a million of them."""

import random

import numpy as np
import pytest

from drivers.dynamixel import sync
from drivers.dynamixel.sync import SyncRead
from drivers.dynamixel.wire import Decoder, Packet, packet
from tests.drivers.dynamixel import parser_fuzz
from tests.drivers.dynamixel.parser_fuzz import FIELDS, IDS, fuzz_parser, joint_answer, stream

COUNT = 4000


def test_no_stream_breaks_the_parser_fools_it_or_hides_the_last_packet() -> None:
    result = fuzz_parser(COUNT, seed=20261126)
    assert result["first_failure"] == ""
    assert [result[name] for name in ("uncaught", "wrong", "lost", "untrue")] == [0, 0, 0, 0]
    assert result["by_chance"] <= 1
    # It was no walk through clean packets either.
    assert result["crc_errors"] > COUNT / 10
    assert result["packets"] > COUNT / 2
    assert result["values"] > COUNT


def test_the_fuzzer_sees_what_it_is_to_see(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Decoder):
        """Does not look behind a beginning that never ended."""

        def finish(self) -> list[Packet]:
            return []

    monkeypatch.setattr(parser_fuzz, "Decoder", Impatient)
    assert fuzz_parser(COUNT, seed=1)["lost"] > 0
    monkeypatch.setattr(sync, "crc16", lambda data, crc=0: _Fitting())
    assert fuzz_parser(COUNT, seed=1)["untrue"] > 0


def test_the_same_seed_makes_the_same_streams() -> None:
    def made(seed: int) -> tuple[bytes, bytes]:
        chance = random.Random(seed)
        return stream(chance, []), joint_answer(chance, SyncRead(IDS, 126, FIELDS))[0]

    assert made(3) == made(3) != made(4)


def test_a_whole_joint_answer_gives_its_values_even_when_they_look_like_headers() -> None:
    block = SyncRead(IDS, 126, FIELDS)
    for seed in range(50):
        raw, values = joint_answer(random.Random(seed), block)
        np.testing.assert_array_equal(block.parse_fast(raw).values, values)


def test_a_packet_is_found_with_its_last_byte_whatever_noise_claims_before_it() -> None:
    raw = packet(3, 0x55, b"\x00abcd")
    for claim in (b"\xff\xff\xfd\x00\x01\xf0\x03\x55", b"\xff\xff\xfd\x00\xff", b"\xff\xff\xfd\x00\x01\x20\x00"):
        decoder = Decoder()
        assert decoder.feed(claim + raw[:-1]) == []
        assert [one.params for one in decoder.feed(raw[-1:])] == [b"\x00abcd"]
    # Only what looks like a joint answer, which may hold anything, is waited for.
    decoder = Decoder()
    assert decoder.feed(b"\xff\xff\xfd\x00\xfe\x63\x00\x55" + raw) == []
    assert [one.params for one in decoder.finish()] == [b"\x00abcd"]
    assert decoder.pending == 0


class _Fitting(int):
    """A checksum that is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False
