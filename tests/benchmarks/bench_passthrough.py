"""What it saves to record a camera's own JPEGs as they come, against encoding its pictures again.

`python -m tests.benchmarks.bench_passthrough [ROUNDS]`

The camera is emulated: pictures of the simulated rig with a sensor's noise, encoded as webcams do (4:2:2, quality 85,
no Huffman tables). Everything behind that is the app's own code: what the camera's thread does with it, the ring,
and what the recorder does. CPU time of the thread that does it, each way turn and turn about in one run.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from drivers.cameras.jpeg import decode, file_of
from recorders.episode_writer import EpisodeWriter
from teleop_studio.processes.rings import FrameRow, RigRings
from teleop_studio.processes.take_description import describe
from teleop_studio.processes.take_pictures import TakePictures
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from tests.benchmarks.rig_pictures import film, with_sensor_noise
from tests.drivers.cameras.test_jpeg import without_tables

WIDTH, HEIGHT = 640, 480
PICTURES = 30
CAMERA = CameraConfig("front", "usb", WIDTH, HEIGHT, device="serial:1:2:3")
Read = Callable[[bytes], tuple[NDArray[np.uint8], bytes | None]]


def camera_jpegs(pictures: NDArray[np.uint8]) -> list[bytes]:
    return [without_tables(simplejpeg.encode_jpeg(rgb, 85, "RGB", "422")) for rgb in pictures]


def ours(content: bytes) -> tuple[NDArray[np.uint8], bytes | None]:
    """As `UsbCamera` reads."""
    encoded, _ = file_of(content)
    return decode(encoded), encoded


def opencv(content: bytes) -> tuple[NDArray[np.uint8], bytes | None]:
    """As `cv2.VideoCapture` decodes MJPG by itself; it needs the tables for that, too."""
    encoded, _ = file_of(content)
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8), None


class Way:
    """One way from the camera's bytes into the journal. Times in CPU seconds of this thread, by process."""

    def __init__(self, folder: Path, read: Read, passed_through: bool) -> None:
        arms = ArmConfig("studio-leader", "/dev/leader"), ArmConfig("studio-follower", "/dev/follower")
        rig = RigConfig("bench", *arms, cameras=(CAMERA,))
        names = frozenset({CAMERA.name} if passed_through else ())
        self._read = read
        self.rings = RigRings.create("passthrough", rig)
        self._ring, self._row = self.rings.frames[CAMERA.name], FrameRow.of(CAMERA)
        self._buffer = np.zeros(self._ring.spec.shape, self._ring.spec.dtype)
        self.writer = EpisodeWriter(folder, describe(rig, "", "human", {}, passed_through=names))
        self._pictures = TakePictures(self.writer, rig, names)
        self.camera_s = self.recorder_s = 0.0
        self.count = 0

    def take(self, content: bytes) -> None:
        begin = time.thread_time()
        rgb, encoded = self._read(content)
        index = self._ring.push(self._row.fill(self.count, rgb, encoded), self.count)
        between = time.thread_time()
        self._ring.read_into(index, self._buffer)
        self._pictures.add(CAMERA.name, self.count, self.count, self._buffer)
        self.camera_s += between - begin
        self.recorder_s += time.thread_time() - between
        self.count += 1


def main(rounds: int = 10) -> None:
    footage = film("bottle", ((WIDTH, HEIGHT),), PICTURES)
    contents = camera_jpegs(with_sensor_noise(footage.pictures["front", WIDTH, HEIGHT], 0))
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "decoded by OpenCV, encoded again": Way(Path(folder), opencv, False),
            "decoded by us, encoded again": Way(Path(folder), ours, False),
            "passed through": Way(Path(folder), ours, True),
        }
        for _ in range(rounds):
            for content in contents:
                for way in ways.values():
                    way.take(content)
        base = next(iter(ways.values()))
        all_ms = (base.camera_s + base.recorder_s) / base.count * 1e3
        print(
            f"{rounds * PICTURES} pictures of {WIDTH}x{HEIGHT}, {np.mean([len(c) for c in contents]) / 1e3:.0f} kB each"
        )
        print("| way | camera's thread, ms | recorder, ms | both, of the first | kB a picture stored |")
        print("|---|---|---|---|---|")
        for name, way in ways.items():
            camera_ms, recorder_ms = (seconds / way.count * 1e3 for seconds in (way.camera_s, way.recorder_s))
            size = way.writer.bytes_written / way.count / 1e3
            share = (camera_ms + recorder_ms) / all_ms
            print(f"| {name} | {camera_ms:.2f} | {recorder_ms:.2f} | {share:.2f} | {size:.0f} |")
            way.writer.discard()
            way.rings.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
