"""H.264 in MP4: pictures with their true stamps, and the counting afterwards."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

TICKS_PER_S = 90_000  # the usual clock of MP4; 11 us fine
CRF = "18"  # visually lossless
_PRESET = "veryfast"


def write_video(path: Path, size: tuple[int, int], pictures: Iterable[tuple[int, NDArray[np.uint8]]]) -> int:
    """An MP4 of `size` (width, height) from (ticks, rgb) in rising order; variable frame rate. Returns the count."""
    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": CRF, "preset": _PRESET, "bf": "0", "g": "15"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p" if not (size[0] | size[1]) & 1 else "yuv444p"  # 4:2:0 halves both sides
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        for ticks, rgb in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = ticks, Fraction(1, TICKS_PER_S)
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode())
    return count


def rising_ticks(stamp_ns: NDArray[np.int64], origin_ns: int) -> NDArray[np.int64]:
    """Stamps as ticks since `origin_ns`, each at least one after the last: a video can not show two at once."""
    ticks = ((stamp_ns - origin_ns) * TICKS_PER_S + 500_000_000) // 1_000_000_000
    steps = np.arange(len(ticks))
    rising: NDArray[np.int64] = np.maximum.accumulate(ticks - steps) + steps
    return rising


def ticks_of(path: Path) -> NDArray[np.int64]:
    """When each picture of a video is shown, by decoding all of it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        scale = stream.time_base * TICKS_PER_S
        return np.array([round(frame.pts * scale) for frame in container.decode(stream)], np.int64)
