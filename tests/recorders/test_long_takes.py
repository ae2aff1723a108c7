"""A long take needs no more memory than a short one: checked by a limit that the kernel enforces."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import simplejpeg

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import CameraDescription, EpisodeWriter
from tests.recorders.takes import PICTURE_NS, START_NS, description, frame

ROOT = Path(__file__).parents[2]
CAMERA = CameraDescription("front", 640, 480, 30.0)
JOURNAL_MB = 200
ALLOWED_MB = 60

# RLIMIT_DATA counts what a process has for itself; the mapped journal is the disk's cache and is not in it.
UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path
from recorders.episode_builder import build_episode
from recorders.verify import checksum_problems
now = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmData"))
limit = now + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    bytearray(2 * int(sys.argv[2]) << 20)
except MemoryError:
    path = build_episode(Path(sys.argv[1]))
    print(path)
    print(checksum_problems(path))
"""


def noisy_jpeg() -> bytes:
    rgb = np.random.default_rng(0).integers(0, 256, (CAMERA.height, CAMERA.width, 3), np.uint8)
    content: bytes = simplejpeg.encode_jpeg(rgb, 90, "RGB", "444")
    return content


def test_an_episode_of_200_mb_is_built_and_checked_in_60_mb(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=(CAMERA,)))
    content = noisy_jpeg()
    pictures = (JOURNAL_MB << 20) // len(content) + 1
    for index in range(pictures):
        writer.add_frame(frame(index))
        writer.add_encoded("front", START_NS + index * PICTURE_NS, index, content)
    assert writer.bytes_written > JOURNAL_MB << 20
    journal = writer.finish("success")
    command = [sys.executable, "-c", UNDER_A_LIMIT, str(journal), str(ALLOWED_MB)]
    path, problems = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert problems == "[]"
    with EpisodeReader(Path(path)) as reader:
        stream = reader.images("front")
        assert len(stream) == pictures
        assert {stream.encoded(index) for index in (0, pictures // 2, -1)} == {content}


def test_more_ticks_than_are_written_at_once_keep_their_order(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=(), control_hz=200.0))
    for index in range(9000):
        writer.add_frame(frame(index))
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        wanted = np.array([frame(index).action for index in range(9000)])
        np.testing.assert_array_equal(reader.frames.action, wanted)
        assert reader.frames.stamp_ns[-1] == frame(8999).stamp_ns
