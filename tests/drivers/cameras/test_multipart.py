"""Parts come out whole, however the bytes come in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.cameras.multipart import MultipartParser, PartTooLarge

BOUNDARY = b"edge"


def stream(parts: list[bytes], with_length: bool) -> bytes:
    """The parts, and the boundary of one more."""
    length = "Content-Length: {}\r\n" if with_length else ""
    heads = [f"--edge\r\nContent-Type: image/jpeg\r\n{length.format(len(part))}\r\n".encode() for part in parts]
    return b"".join(head + part + b"\r\n" for head, part in zip(heads, parts, strict=True)) + b"--edge\r\n"


def drain(parser: MultipartParser) -> list[bytes]:
    found = []
    while (part := parser.next()) is not None:
        found.append(part)
    return found


@given(
    parts=st.lists(st.binary(max_size=200).filter(lambda part: b"--edge" not in part), max_size=6),
    with_length=st.booleans(),
    cuts=st.lists(st.integers(0, 1500), max_size=12),
)
def test_every_part_comes_out_as_it_was_sent(parts: list[bytes], with_length: bool, cuts: list[int]) -> None:
    whole = stream(parts, with_length)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    parser = MultipartParser(BOUNDARY, 1 << 20)
    found = []
    for begin, end in pairwise(edges):
        parser.feed(whole[begin:end])
        found += drain(parser)
    assert found == parts


def test_a_part_that_says_its_length_may_hold_the_boundary() -> None:
    parser = MultipartParser(BOUNDARY, 1 << 20)
    parser.feed(stream([b"before --edge behind"], with_length=True))
    assert drain(parser) == [b"before --edge behind"]


def test_a_sender_that_writes_the_dashes_into_its_header_is_understood() -> None:
    parser = MultipartParser(b"--edge", 1 << 20)
    parser.feed(stream([b"one"], with_length=False))
    assert drain(parser) == [b"one"]


def test_a_length_that_is_no_number_is_as_if_there_were_none() -> None:
    parser = MultipartParser(BOUNDARY, 1 << 20)
    parser.feed(b"--edge\r\nContent-Length: many\r\n\r\nabc\r\n--edge\r\n")
    assert drain(parser) == [b"abc"]


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (b"--edge\r\nContent-Length: 1001\r\n\r\n", "a picture of 1001 bytes, more than 1000"),
        (b"--edge\r\nContent-Type: image/jpeg\r\n\r\n" + bytes(1100), "a picture that does not end"),
        (bytes(1 << 15), "no header of a picture of 32768 bytes, more than 16384"),
    ],
)
def test_what_would_fill_the_memory_is_refused(sent: bytes, what: str) -> None:
    parser = MultipartParser(BOUNDARY, 1000)
    parser.feed(sent)
    with pytest.raises(PartTooLarge, match=what):
        drain(parser)
