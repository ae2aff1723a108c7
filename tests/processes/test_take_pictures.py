"""A camera's own JPEGs come into the episode as they are; where it has none, they are made and that is said."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.picture_codec import decode_picture
from recorders.verify import verify
from teleop_studio.processes.rings import FrameRow, RigRings
from teleop_studio.processes.take import Take
from teleop_studio.processes.take_description import describe
from teleop_studio.processes.take_pictures import passing_through, stamped_by
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from tests.drivers.cameras.mjpeg_server import jpeg
from tests.processes.take_bench import PICTURE_NS, START_NS, TICK_NS, Bench

RIG = RigConfig(
    leader=ArmConfig("studio-leader", "/dev/leader"),
    follower=ArmConfig("studio-follower", "/dev/follower"),
    cameras=(
        CameraConfig("front", "usb", 64, 48, device="serial:046d:0825:A1"),
        CameraConfig("wrist", "network", 64, 48, device="http://eye:secret@10.0.0.5/stream"),
    ),
)


class PictureBench(Bench):
    """A take of a rig with two real cameras, whose pictures are put into the rings by hand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rings.close()
        self.rings = RigRings.create("pictures", RIG)
        self._folder = folder
        self._rows = {camera.name: FrameRow.of(camera) for camera in RIG.cameras}

    def show(self, camera: str, sequence: int, encoded: bytes | None, driver_stamp: bool = False) -> None:
        rgb = np.full((48, 64, 3), 10 * sequence, np.uint8)
        row = self._rows[camera].fill(sequence, rgb, encoded, driver_stamp)
        self.rings.frames[camera].push(row, START_NS + sequence * PICTURE_NS)

    def record(self, *pictures: tuple[str, int, bytes | None]) -> EpisodeReader:
        """A take that begins with what was shown so far."""
        passed = passing_through(self.rings)
        writer = EpisodeWriter(self._folder, describe(RIG, "grasp", "human", {}, passed_through=passed))
        take = Take(writer, RIG, self.rings, self.rings.ticks.written, None, passed)
        self.ticks(3)
        take.follow()
        for picture in pictures:
            self.show(*picture)
        self.ticks(round(10 * PICTURE_NS / TICK_NS))
        take.follow()
        path = build_episode(writer.finish("success"))
        assert verify(path) == []
        return EpisodeReader(path)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PictureBench]:
    bench = PictureBench(tmp_path)
    yield bench
    bench.rings.close()


def events(reader: EpisodeReader) -> list[tuple[int, dict[str, object]]]:
    return [
        ((e.stamp_ns - START_NS) // PICTURE_NS, e.detail) for e in reader.events() if e.kind == "camera passthrough"
    ]


def test_the_cameras_own_files_are_stored_byte_for_byte(bench: PictureBench) -> None:
    bench.show("front", 0, jpeg(10))
    bench.show("wrist", 0, None)
    with bench.record(*(("front", k, jpeg(10 + k)) for k in range(1, 6))) as reader:
        stream = reader.images("front")
        assert [stream.encoded(k) for k in range(len(stream))] == [jpeg(10 + k) for k in range(6)]
        front, wrist = reader.description.cameras
        assert (front.passthrough, front.quality, front.serial) == (True, -1, "usb serial:046d:0825:A1")
        assert (wrist.passthrough, wrist.quality, wrist.serial) == (False, 90, "network http://10.0.0.5/stream")
        assert events(reader) == []


def test_a_picture_without_a_file_is_encoded_with_the_rigs_quality_and_that_is_an_event(bench: PictureBench) -> None:
    bench.show("front", 0, jpeg(10))
    pictures = [("front", k, None if 2 <= k <= 3 else jpeg(10 + k)) for k in range(1, 6)]
    with bench.record(*pictures) as reader:
        stream = reader.images("front")
        assert stream.encoded(1) == jpeg(11)
        assert abs(int(decode_picture("jpeg", stream.encoded(2)).mean()) - 20) <= 1
        assert stream.encoded(4) == jpeg(14)
        assert events(reader) == [
            (2, {"camera": "front", "passthrough": False}),
            (4, {"camera": "front", "passthrough": True}),
        ]


@pytest.mark.parametrize("wrong", [jpeg(1, 32, 16), jpeg(1)[:-2], b"no picture", bytes(1 << 16)])
def test_a_file_that_the_take_does_not_expect_is_not_stored(bench: PictureBench, wrong: bytes) -> None:
    bench.show("front", 0, jpeg(10))
    with bench.record(("front", 1, wrong)) as reader:
        assert abs(int(reader.images("front")[1].mean()) - 10) <= 1
        assert events(reader) == [(1, {"camera": "front", "passthrough": False})]


def test_a_camera_that_had_no_file_when_the_take_began_is_encoded_throughout(bench: PictureBench) -> None:
    bench.show("front", 0, None)
    with bench.record(("front", 1, jpeg(77))) as reader:
        assert not reader.description.cameras[0].passthrough
        assert abs(int(reader.images("front")[1].mean()) - 10) <= 1


def test_it_is_known_whose_clock_stamps_each_cameras_pictures(bench: PictureBench) -> None:
    assert stamped_by(bench.rings) == {}
    bench.show("front", 0, None, driver_stamp=True)
    bench.show("wrist", 0, None)
    assert stamped_by(bench.rings) == {"front": "driver", "wrist": "arrival"}
