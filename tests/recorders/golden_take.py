"""The take that lies in `golden/` as each version of the format wrote it.

Run `python -m tests.recorders.golden_take FOLDER` with the code of a version before the next one is begun, and keep
what it leaves in FOLDER.
"""

import gzip
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recorders.episode_builder import build_episode
from recorders.episode_writer import JOURNAL_FILE, CameraDescription, EpisodeWriter, LoopStatistics
from recorders.schema import FORMAT_VERSION
from tests.recorders.takes import PICTURE_NS, START_NS, description, frame, picture

SHOWN = (0, 1, 2, 5, 6)  # numbers of the pictures
LENS = {"intrinsics": [[30.0, 0.0, 16.0], [0.0, 30.0, 12.0], [0.0, 0.0, 1.0]]}
FRONT = CameraDescription("front", 32, 24, 30.0, codec="png", serial="A-17", calibration=LENS)
CAMERAS = {
    "1.0": (CameraDescription("wrist", 32, 24, 30.0), CameraDescription("front", 32, 24, 30.0)),
    "1.1": (CameraDescription("wrist", 32, 24, 30.0), FRONT),
}
CALIBRATION = {"leader": {"home_ticks": [1, 2, 3]}, "follower": {"home_ticks": [4, 5, 6]}}
LOOP = LoopStatistics(12, 1, 0.02, 0.4, 1.5, 3)
WALL_NS = 1_767_323_045_000_000_000
ANCHORS = ((START_NS, WALL_NS), (START_NS + 10**9, WALL_NS + 61 * 10**9))  # set forward by a minute


def record(folder: Path) -> Path:
    """The finished journal: 12 ticks, 5 pictures of each camera, reported and unreported gaps, events, chunks."""
    cameras = CAMERAS["1.1"]
    told = description(cameras=cameras, calibration=CALIBRATION)
    writer = EpisodeWriter(folder, told, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    for index in range(12):
        writer.add_frame(frame(index, "leader" if index < 6 else "policy"))
    for index in SHOWN:
        for camera in cameras:
            writer.add_image(camera.name, START_NS + index * PICTURE_NS, index, picture(index, camera))
    writer.add_gap("frames", 12, 3, frame(11).stamp_ns, frame(15).stamp_ns)
    writer.add_gap("front", 3, 2, START_NS + 2 * PICTURE_NS, START_NS + 5 * PICTURE_NS)
    writer.add_event(START_NS + 5, "takeover", {"gap_rad": 0.2, "who": "Zoë"})
    writer.add_event(START_NS + 9, "mark")
    writer.add_chunk(START_NS, 1 / 15, np.arange(16 * 7, dtype=float).reshape(16, 7))
    writer.add_chunk(START_NS + 7, 1 / 30, np.arange(4 * 7, dtype=float).reshape(4, 7))
    for mono_ns, wall_ns in ANCHORS:
        writer.add_clock_anchor(mono_ns, wall_ns)
    return writer.finish("success", {"note": "golden"}, source="mixed", loop=LOOP)


def main() -> None:
    folder = Path(sys.argv[1])
    journal = record(folder)
    version = ".".join(map(str, FORMAT_VERSION))
    packed = gzip.compress((journal / JOURNAL_FILE).read_bytes(), mtime=0)
    (folder / f"{version}.journal.gz").write_bytes(packed)
    path = build_episode(journal)
    (folder / f"{version}.h5.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
