"""Streams and files through OpenCV's FFmpeg: opened with time limits, read as RGB."""

import os
import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_opening = threading.Lock()
cv2.setNumThreads(1)  # its pool waits busily for the next picture


def opened(address: str, options: str = "", open_s: float = 5.0, read_s: float = 2.0) -> Any:
    """A `cv2.VideoCapture`, which may not be opened. `options` of FFmpeg as "name;value|name;value".

    The time limits hold for streams; a file is there or not.
    """
    # One thread: with several, FFmpeg keeps as many pictures back.
    limits = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_s * 1e3)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(read_s * 1e3)),
        *(cv2.CAP_PROP_N_THREADS, 1),
    ]
    with _opening:  # the options are the whole process's
        before = os.environ.get(_OPTIONS)
        os.environ[_OPTIONS] = options
        try:
            return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
        finally:
            if before is None:
                del os.environ[_OPTIONS]
            else:
                os.environ[_OPTIONS] = before


def next_picture(capture: Any) -> NDArray[np.uint8] | None:
    """The next picture (h, w, 3); None at the end, or when none comes in time."""
    found, picture = capture.read()
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8) if found and picture is not None else None


def size_of(capture: Any) -> tuple[int, int]:
    """(width, height) px."""
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
