"""What cameras send as JPEG becomes a file that everybody opens, with every compressed pixel as it came."""

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from drivers.cameras.jpeg import STANDARD_TABLES, JpegDamaged, decode, file_of
from tests.drivers.cameras.mjpeg_server import jpeg, noise


def without_tables(content: bytes) -> bytes:
    """As a camera sends it: the DHT segments taken out, and nothing else."""
    found, at = content[:2], 2
    while content[at + 1] != 0xDA:
        size = 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        found += b"" if content[at + 1] == 0xC4 else content[at : at + size]
        at += size
    return found + content[at:]


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_a_picture_without_huffman_tables_gets_those_of_the_standard(subsampling: str) -> None:
    whole = simplejpeg.encode_jpeg(noise(1), 80, "RGB", subsampling)
    sent = without_tables(whole)
    assert len(sent) < len(whole) - 400
    file, header = file_of(sent)
    assert (header.width, header.height, header.has_tables) == (64, 48, False)
    assert file == sent[: header.scan] + STANDARD_TABLES + sent[header.scan :]
    np.testing.assert_array_equal(decode(file), decode(whole))
    np.testing.assert_array_equal(
        cv2.imdecode(np.frombuffer(file, np.uint8), 1), cv2.imdecode(np.frombuffer(whole, np.uint8), 1)
    )


def test_a_picture_with_tables_is_left_as_it_is() -> None:
    whole = jpeg(90)
    assert file_of(whole) == (whole, file_of(whole)[1])
    assert file_of(whole)[1].has_tables


@pytest.mark.parametrize("padding", [b"\0" * 300, b"\0\xff\0", b"AVI1 rubbish"])
def test_what_a_camera_adds_behind_the_picture_is_cut_off(padding: bytes) -> None:
    assert file_of(jpeg(90) + padding)[0] == jpeg(90)


def test_fill_bytes_and_comments_before_the_picture_do_not_matter() -> None:
    whole = jpeg(90)
    odd = whole[:2] + b"\xff\xfe\x00\x06AVI1" + b"\xff\xff" + whole[2:]
    assert (file_of(odd)[1].width, file_of(odd)[1].height) == (64, 48)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no end"),
        (b"\xff\xd8", "no end"),
        (b"<html>", "no end"),
        (b"GIF89a\xff\xd9", "begins with 47494638"),
        (b"\xff\xd8\x00\x00\x00\x00\xff\xd9", "no marker at byte 2"),
        (b"\xff\xd8\xff\xe0\xff\xff\xff\xd9", "header does not end"),
        (b"\xff\xd8\xff\xda\x00\x08" + bytes(8) + b"\xff\xd9", "how large it is"),
    ],
)
def test_what_is_no_picture_is_said(content: bytes, why: str) -> None:
    with pytest.raises(JpegDamaged, match=why):
        file_of(content)


def test_a_picture_that_was_cut_off_on_the_way_is_damaged_even_with_an_end() -> None:
    whole = simplejpeg.encode_jpeg(noise(2), 80, "RGB", "422")
    with pytest.raises(JpegDamaged, match="premature end"):
        decode(file_of(whole[: len(whole) // 2] + b"\xff\xd9")[0])


@given(content=st.binary(max_size=400), cut=st.integers(0, 2000), at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_no_bytes_bring_anything_but_a_picture_or_the_news_that_it_is_damaged(
    content: bytes, cut: int, at: int, byte: int
) -> None:
    damaged = bytearray(jpeg(90)[:cut] + content)
    if damaged:
        damaged[at % len(damaged)] = byte
    try:
        assert decode(file_of(bytes(damaged))[0]).shape[2] == 3
    except JpegDamaged:
        return
