"""Pictures go into an episode in the codec its camera is described with, and come back as they were put in."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import CameraDescription, EpisodeWriter
from recorders.png import decode_png, encode_png
from recorders.verify import verify
from tests.recorders.takes import START_NS, description, frame

SIDES = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))


def noise(seed: int = 0, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(rgb: NDArray[np.uint8], quality: int = 75, subsampling: str = "420") -> bytes:
    content: bytes = simplejpeg.encode_jpeg(rgb, quality, "RGB", subsampling)
    return content


def writer_for(folder: Path, **changes: Any) -> EpisodeWriter:
    camera = CameraDescription("front", 64, 48, 30.0, **changes)
    writer = EpisodeWriter(folder, description(cameras=(camera,)))
    writer.add_frame(frame(0))
    return writer


def png_by_the_book(rgb: NDArray[np.uint8], kinds: list[int]) -> bytes:
    """A PNG whose row k is filtered by `kinds[k]`, value by value as the standard says."""
    height, width, _ = rgb.shape
    raw = bytearray()
    for y in range(height):
        raw.append(kinds[y])
        for x in range(width):
            for c in range(3):
                a = int(rgb[y, x - 1, c]) if x else 0
                b = int(rgb[y - 1, x, c]) if y else 0
                corner = int(rgb[y - 1, x - 1, c]) if x and y else 0
                p = a + b - corner
                paeth = min((a, b, corner), key=lambda value, p=p: abs(p - value))
                raw.append((int(rgb[y, x, c]) - (0, a, b, (a + b) // 2, paeth)[kinds[y]]) % 256)
    header = np.array([width, height], ">u4").tobytes() + bytes((8, 2, 0, 0, 0))
    chunks = ((b"IHDR", header), (b"tEXt", b"a\0b"), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in chunks
    )


@given(rgb=arrays(np.uint8, SIDES))
def test_png_is_lossless(rgb: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(decode_png(encode_png(rgb)), rgb)


@given(rgb=arrays(np.uint8, SIDES), kinds=st.lists(st.integers(0, 4), min_size=9, max_size=9))
def test_png_of_others_is_read_whatever_filters_they_chose(rgb: NDArray[np.uint8], kinds: list[int]) -> None:
    np.testing.assert_array_equal(decode_png(png_by_the_book(rgb, kinds)), rgb)


def test_a_png_that_we_write_is_a_png_to_others() -> None:
    """The one thing that our decoder could not tell: checked by the standard's own words."""
    rgb = noise()
    assert zlib.decompress(_image_data(encode_png(rgb))) == zlib.decompress(_image_data(png_by_the_book(rgb, [2] * 48)))


def _image_data(png: bytes) -> bytes:
    begin = png.index(b"IDAT")
    return png[begin + 4 : begin + 4 + int.from_bytes(png[begin - 4 : begin], "big")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no PNG file"),
        (encode_png(noise())[:-5], "cut off"),
        (
            png_by_the_book(noise(), [2] * 47 + [0]).replace(b"\x08\x02\x00\x00\x00", b"\x08\x06\x00\x00\x00"),
            "not 8-bit",
        ),
        (encode_png(noise()).replace(b"IDAT", b"IDAT\x00", 1), "damaged"),
    ],
)
def test_a_png_that_can_not_be_read_says_why(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode_png(content)


def test_a_lossless_camera_gives_back_every_value(tmp_path: Path) -> None:
    writer = writer_for(tmp_path, codec="png")
    for index in range(3):
        writer.add_image("front", START_NS + index, index, noise(index))
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader:
        stream = reader.images("front")
        assert (stream.camera.codec, stream.camera.quality, stream.camera.subsampling) == ("png", 0, "")
        for index in range(3):
            np.testing.assert_array_equal(stream[index], noise(index))
        with pytest.raises(ValueError, match="are png, not jpeg"):
            stream.jpeg(0)
    assert verify(path) == []


@pytest.mark.parametrize(("quality", "subsampling"), [(90, "444"), (60, "420")])
def test_the_stated_quality_is_the_one_that_is_used(tmp_path: Path, quality: int, subsampling: str) -> None:
    writer = writer_for(tmp_path, quality=quality, subsampling=subsampling)
    writer.add_image("front", START_NS, 0, noise())
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        stream = reader.images("front")
        assert (stream.camera.quality, stream.camera.subsampling) == (quality, subsampling)
        assert stream.jpeg(0) == jpeg(noise(), quality, subsampling)


def test_a_cameras_own_jpeg_is_stored_as_it_came(tmp_path: Path) -> None:
    writer = writer_for(tmp_path, passthrough=True, serial="usb-0:1.2")
    own = jpeg(noise(), 83, "422")
    writer.add_encoded("front", START_NS, 0, own)
    writer.add_encoded("front", START_NS + 1, 1, own + bytes(13))  # as some cameras fill their buffer
    with pytest.raises(ValueError, match="hands over its own JPEGs"):
        writer.add_image("front", START_NS, 1, noise())
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader:
        stream = reader.images("front")
        assert [stream.encoded(0), stream.encoded(1)] == [own, own]
        camera = stream.camera
        assert (camera.passthrough, camera.quality, camera.subsampling, camera.serial) == (True, -1, "", "usb-0:1.2")
    assert verify(path) == []


@pytest.mark.parametrize(
    ("codec", "content", "words"),
    [
        ("jpeg", jpeg(noise())[:-2], "no whole JPEG"),
        ("jpeg", jpeg(noise())[2:], "no whole JPEG"),
        ("jpeg", jpeg(noise(0, 40)), "gave 64x40, the take expects 64x48"),
        ("jpeg", encode_png(noise()), "no whole JPEG"),
        ("png", jpeg(noise()), "no PNG file"),
        ("png", encode_png(noise(0, 48, 60)), "gave 60x48, the take expects 64x48"),
    ],
)
def test_a_picture_that_is_not_as_described_is_refused(tmp_path: Path, codec: str, content: bytes, words: str) -> None:
    writer = writer_for(tmp_path, codec=codec)
    with pytest.raises(ValueError, match=words):
        writer.add_encoded("front", START_NS, 0, content)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        assert len(reader.images("front")) == 0
