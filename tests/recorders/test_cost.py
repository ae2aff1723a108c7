"""What recording costs in CPU time: the recorder shares two cores with the control loop."""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_writer import CameraDescription, EpisodeWriter
from tests.recorders.takes import PICTURE_NS, START_NS, description, frame

CAMERA = CameraDescription("front", 320, 240, 30.0)


def busy_picture(index: int) -> NDArray[np.uint8]:
    """A picture with texture and sensor noise."""
    rng = np.random.default_rng(index)
    rows, columns = np.mgrid[:240, :320]
    smooth = np.stack([columns * 0.5 + rows * 0.2, np.sin(columns / 9) * 60 + 120, np.cos(rows / 7) * 60 + 120], -1)
    return np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


def test_recording_and_building_six_seconds_stays_cheap(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=(CAMERA,)))
    pictures = [busy_picture(index) for index in range(8)]
    frame_s, image_s = [], []
    for index in range(600):
        tick = frame(index)
        begin = time.process_time()
        writer.add_frame(tick)
        frame_s.append(time.process_time() - begin)
    for index in range(180):
        begin = time.process_time()
        writer.add_image("front", START_NS + index * PICTURE_NS, index, pictures[index % 8])
        image_s.append(time.process_time() - begin)
    journal = writer.finish("success")
    begin = time.process_time()
    path = build_episode(journal)
    build_s = time.process_time() - begin
    assert np.median(image_s) < 3e-3
    assert np.median(frame_s) < 1e-3
    assert build_s < 0.5
    assert path.stat().st_size < 8e6
    print(
        f"frame {np.median(frame_s) * 1e3:.3f} ms, image {np.median(image_s) * 1e3:.2f} ms, "
        f"build {build_s * 1e3:.0f} ms, {path.stat().st_size / 1e6:.2f} MB"
    )


def test_listing_known_episodes_opens_no_file(tmp_path: Path) -> None:
    path = build_episode(_short_take(tmp_path))
    first = list_episodes(tmp_path)
    # An unreadable file of the same size and time can only be listed well from memory.
    stat = path.stat()
    path.write_bytes(bytes(stat.st_size))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert list_episodes(tmp_path) == first


def _short_take(folder: Path) -> Path:
    writer = EpisodeWriter(folder, description())
    writer.add_frame(frame(0))
    return writer.finish("success")
