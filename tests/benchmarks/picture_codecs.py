"""The ways to compress pictures that are compared: each turns a sequence of pictures into bytes and back."""

import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from recorders.png import decode_png, encode_png

os.environ.setdefault("SVT_LOG", "1")  # errors only; read when the encoder is made

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Codec:
    """`encode` pictures (n, h, w, 3) to packets, `decode` packets of h x w pictures to pictures (n, h, w, 3).

    `alone` True: each packet is one picture, which can be read without the others.
    """

    name: str
    encode: Callable[[NDArray[np.uint8]], list[bytes]]
    decode: Callable[[list[bytes], int, int], list[Picture]]
    alone: bool = True


def codecs() -> list[Codec]:
    """All of them, the cheapest to describe first."""
    jpegs = [
        _jpeg(quality, subsampling, fast)
        for quality in (75, 85, 90, 95)
        for subsampling in ("420", "444")
        for fast in (True, False)
    ]
    return [
        Codec("raw", lambda p: [x.tobytes() for x in p], lambda d, h, w: [_raw(x, h, w) for x in d]),
        Codec("zlib 1", lambda p: [zlib.compress(x, 1) for x in p], lambda d, h, w: [_unzipped(x, h, w) for x in d]),
        Codec("PNG of this project", lambda p: [encode_png(x) for x in p], lambda d, h, w: [decode_png(x) for x in d]),
        Codec("PNG 1 (OpenCV)", lambda p: [_png(x, 1) for x in p], lambda d, h, w: [_read_png(x) for x in d]),
        Codec("PNG 6 (OpenCV)", lambda p: [_png(x, 6) for x in p], lambda d, h, w: [_read_png(x) for x in d]),
        *jpegs,
        # LeRobot's stream settings: g=2, crf=30, yuv420p; SVT-AV1 with preset 12 is its default.
        _video("H.264 ultrafast g=2", "libx264", {"preset": "ultrafast", "crf": "30", "g": "2"}),
        _video("H.264 veryfast g=2", "libx264", {"preset": "veryfast", "crf": "30", "g": "2"}),
        _video(
            "SVT-AV1 preset 12 g=2",
            "libsvtav1",
            {"preset": "12", "crf": "30", "g": "2", "svtav1-params": "fast-decode=0:lp=1"},
        ),
    ]


def _jpeg(quality: int, subsampling: str, fast: bool) -> Codec:
    # Fast arithmetic is asked for in decoding only: for encoding the library makes the same bytes with it and without.
    def encode(pictures: NDArray[np.uint8]) -> list[bytes]:
        return [simplejpeg.encode_jpeg(picture, quality, "RGB", subsampling, False) for picture in pictures]

    def decode(packets: list[bytes], height: int, width: int) -> list[Picture]:
        return [simplejpeg.decode_jpeg(packet, "RGB", fast, fast) for packet in packets]

    sampling = ":".join(subsampling)
    return Codec(f"JPEG q{quality} {sampling}, decoded {'fast' if fast else 'exactly'}", encode, decode)


def _video(name: str, library: str, options: dict[str, str]) -> Codec:
    def encode(pictures: NDArray[np.uint8]) -> list[bytes]:
        height, width = pictures.shape[1:3]
        encoder = av.CodecContext.create(library, "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
        encoder.thread_count = 1
        encoder.options = options
        packets = []
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = index
            packets += [bytes(packet) for packet in encoder.encode(frame)]
        return packets + [bytes(packet) for packet in encoder.encode(None)]

    def decode(packets: list[bytes], height: int, width: int) -> list[Picture]:
        decoder = av.CodecContext.create({"libx264": "h264", "libsvtav1": "libdav1d"}[library], "r")
        decoder.thread_count = 1
        shown: list[Picture] = []
        for packet in packets:
            shown += _pictures(decoder.decode(av.Packet(packet)))
        return shown + _pictures(decoder.decode(None))

    return Codec(name, encode, decode, alone=False)


def _pictures(frames: Iterable[av.VideoFrame]) -> list[Picture]:
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def _raw(packet: bytes, height: int, width: int) -> Picture:
    return np.frombuffer(packet, np.uint8).reshape(height, width, 3).copy()


def _unzipped(packet: bytes, height: int, width: int) -> Picture:
    return np.frombuffer(zlib.decompress(packet), np.uint8).reshape(height, width, 3)


def _png(picture: Picture, level: int) -> bytes:
    _, packet = cv2.imencode(".png", picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, level])
    return packet.tobytes()


def _read_png(packet: bytes) -> Picture:
    bgr = cv2.imdecode(np.frombuffer(packet, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.ascontiguousarray(bgr[:, :, ::-1])
