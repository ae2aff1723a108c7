"""What goes into a take comes out of its episode file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader, Event, Gap
from recorders.episode_writer import CameraDescription, EpisodeWriter, LoopStatistics
from recorders.errors import EpisodeIncomplete, EpisodeMissing
from recorders.verify import verify
from tests.recorders.takes import (
    CAMERAS,
    JOINTS,
    PICTURE_NS,
    START_NS,
    add_second,
    description,
    frame,
    picture,
    recorded,
)


def test_every_tick_comes_back_exactly(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    frames = [frame(index, "leader" if index < 60 else "policy") for index in range(100)]
    for entry in frames:
        writer.add_frame(entry)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        read = reader.frames
    np.testing.assert_array_equal(read.stamp_ns, [entry.stamp_ns for entry in frames])
    np.testing.assert_array_equal(read.leader_stamp_ns, [entry.leader.stamp_ns for entry in frames])
    np.testing.assert_array_equal(read.follower_stamp_ns, [entry.follower.stamp_ns for entry in frames])
    np.testing.assert_array_equal(read.leader_position, [entry.leader.position for entry in frames])
    np.testing.assert_array_equal(read.leader_velocity, [entry.leader.velocity for entry in frames])
    np.testing.assert_array_equal(read.leader_effort, [entry.leader.effort for entry in frames])
    np.testing.assert_array_equal(read.follower_position, [entry.follower.position for entry in frames])
    np.testing.assert_array_equal(read.follower_velocity, [entry.follower.velocity for entry in frames])
    np.testing.assert_array_equal(read.follower_effort, [entry.follower.effort for entry in frames])
    np.testing.assert_array_equal(read.requested, [entry.requested for entry in frames])
    np.testing.assert_array_equal(read.action, [entry.action for entry in frames])
    assert list(read.source) == ["leader"] * 60 + ["policy"] * 40


def test_pictures_come_back_with_their_clock_and_count(tmp_path: Path) -> None:
    with EpisodeReader(build_episode(recorded(tmp_path, 2))) as reader:
        assert reader.cameras == ("front", "wrist")
        for camera in CAMERAS:
            stream = reader.images(camera.name)
            assert len(stream) == 60
            np.testing.assert_array_equal(stream.stamp_ns, START_NS + PICTURE_NS * np.arange(60))
            np.testing.assert_array_equal(stream.sequence, np.arange(60))
            for index in (0, 17, 59):
                difference = stream[index].astype(int) - picture(index, camera)
                assert np.abs(difference).max() <= 4
            np.testing.assert_array_equal(stream[-1], stream[59])


def test_the_picture_at_a_moment_is_the_newest_one_not_after_it(tmp_path: Path) -> None:
    with EpisodeReader(build_episode(recorded(tmp_path))) as reader:
        stream = reader.images("front")
        assert stream.at(START_NS - 1) is None
        for stamp, wanted in ((0, 0), (PICTURE_NS - 1, 0), (PICTURE_NS, 1), (10**12, 29)):
            assert stream.index_at(START_NS + stamp) == wanted
            np.testing.assert_array_equal(stream.at(START_NS + stamp), stream[wanted])


def test_events_gaps_and_chunks_come_back(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(source="policy"))
    add_second(writer, 0)
    writer.add_event(START_NS + 5, "takeover", {"gap_rad": 0.2, "who": "Zoë"})
    writer.add_event(START_NS + 9, "mark")
    writer.add_gap("frames", 100, 3)
    actions = np.arange(16 * 7, dtype=float).reshape(16, 7)
    writer.add_chunk(START_NS, 1 / 15, actions)
    writer.add_chunk(START_NS + 7, 1 / 30, actions[:4] + 1)
    with EpisodeReader(build_episode(writer.finish("stopped"))) as reader:
        assert reader.events() == [
            Event(START_NS + 5, "takeover", {"gap_rad": 0.2, "who": "Zoë"}),
            Event(START_NS + 9, "mark", {}),
        ]
        assert reader.gaps() == [Gap("frames", 100, 3)]
        first, second = reader.chunks()
        assert (first.start_ns, first.dt_s, second.start_ns, second.dt_s) == (START_NS, 1 / 15, START_NS + 7, 1 / 30)
        np.testing.assert_array_equal(first.actions, actions)
        np.testing.assert_array_equal(second.actions, actions[:4] + 1)
        assert reader.info.gaps == 1


def test_the_description_comes_back_with_what_the_end_of_the_take_added(tmp_path: Path) -> None:
    told = description(extra={"run": "a", "table": "x" * 100_000}, cameras=tuple(reversed(CAMERAS)))
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    writer = EpisodeWriter(tmp_path, told, recorded_at=at)
    add_second(writer, 0)
    path = build_episode(writer.finish("failure", {"run": "b", "left_share": 0.25}, source="mixed"))
    with EpisodeReader(path) as reader:
        info, read = reader.info, reader.description
    assert (info.path, info.uuid, info.number) == (path, writer.uuid, 1)
    assert (info.task, info.source, info.outcome) == (told.task, "mixed", "failure")
    assert datetime.fromisoformat(info.recorded_at) == at
    assert info.duration_s == pytest.approx(0.99)
    assert (info.frames, info.images, info.gaps) == (100, {"wrist": 30, "front": 30}, 0)
    assert (info.simulated, info.rig, info.scene, info.recovered) == (True, "koch", "bottle", False)
    assert info.extra == {"run": "b", "table": "x" * 100_000, "left_share": 0.25}
    assert (read.cameras, read.joint_names, read.effort_units) == (told.cameras, JOINTS, ("mA",) * 7)
    assert (read.control_hz, read.operator) == (100.0, "ada")


def test_an_episode_says_what_it_was_made_from_and_what_its_positions_are_in(tmp_path: Path) -> None:
    told = description(
        position_unit="deg", derived_from="8ade8d35-0000-4000-8000-000000000000", derivation="imported from elsewhere"
    )
    writer = EpisodeWriter(tmp_path, told)
    writer.add_frame(frame(0))
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader:
        assert reader.description == told
        assert reader.position_unit == "deg"
    with h5py.File(path) as file:
        units = [file[name].attrs["unit"] for name in ("leader/position", "leader/velocity", "action/sent")]
        assert units == ["deg", "deg/s", "deg"]
    assert verify(path) == []


def test_the_loop_is_described_by_what_was_measured_until_the_end(tmp_path: Path) -> None:
    loop = LoopStatistics(1000, 2, 0.01, 0.3, 4.5, 7)
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    with EpisodeReader(build_episode(writer.finish("success", loop=loop))) as reader:
        assert reader.loop_statistics == loop


def test_a_jump_of_a_cameras_count_becomes_a_gap_unless_it_was_reported(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    for index in (0, 1, 4, 5, 8):
        writer.add_image("front", START_NS + index, index, picture(index, CAMERAS[0]))
    writer.add_gap("front", 2, 1)
    writer.add_gap("front", 3, 1)
    path = build_episode(writer.finish("success"))
    with EpisodeReader(path) as reader:
        assert reader.gaps() == [
            Gap("front", 2, 1),
            Gap("front", 3, 1),
            Gap("front", 6, 2, START_NS + 5, START_NS + 8),
        ]
    assert verify(path) == []


def test_a_take_without_cameras_is_an_episode(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=()))
    writer.add_frame(frame(0))
    path = build_episode(writer.finish("unrated"))
    with EpisodeReader(path) as reader:
        assert (reader.cameras, len(reader.frames), reader.chunks(), reader.events()) == ((), 1, [], [])
    assert verify(path) == []


def test_nothing_but_the_episode_stays_in_the_folder(tmp_path: Path) -> None:
    path = build_episode(recorded(tmp_path))
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == [".journal", path.name]


def test_a_discarded_take_leaves_nothing(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(frame(0))
    writer.discard()
    assert list((tmp_path / ".journal").iterdir()) == []
    with pytest.raises(ValueError, match="is over"):
        writer.add_frame(frame(1))


def test_only_a_finished_take_is_built(tmp_path: Path) -> None:
    empty = EpisodeWriter(tmp_path, description())
    with pytest.raises(EpisodeIncomplete, match="no control tick"):
        build_episode(empty.finish("success"))
    with pytest.raises(EpisodeMissing, match="no journal"):
        build_episode(tmp_path / ".journal" / "elsewhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": "ghost"}, "'ghost' is none of"),
        ({"effort_units": ("mA",)}, "7 joints need as many effort units"),
        ({"cameras": (CAMERAS[0], CAMERAS[0])}, "a name of its own"),
        ({"extra": {"when": object()}}, "can not be stored as JSON"),
    ],
)
def test_a_description_that_could_not_be_stored_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        description(**changes)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("../up", {}, "no camera name"),
        ("front", {"codec": "gif"}, "codec 'gif' is none of"),
        ("front", {"quality": 0}, "a quality of 1 to 100"),
        ("front", {"subsampling": "411"}, "one of \\('444', '422', '420'\\)"),
        ("front", {"codec": "png", "passthrough": True}, "only JPEGs of the camera itself"),
        ("front", {"calibration": {"when": object()}}, "can not be stored as JSON"),
    ],
)
def test_a_camera_that_could_not_be_stored_is_refused(name: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CameraDescription(name, 8, 8, 30.0, **changes)


def test_values_of_the_wrong_shape_are_refused_and_the_take_goes_on(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    good = frame(0)
    short = type(good)(good.stamp_ns, good.leader, good.follower, good.requested[:1], good.action, "leader")
    with pytest.raises(ValueError, match=r"requested has shape \(1,\), the episode has 7 joints"):
        writer.add_frame(short)
    with pytest.raises(ValueError, match="no camera 'rear'"):
        writer.add_image("rear", 0, 0, picture(0, CAMERAS[0]))
    with pytest.raises(ValueError, match=r"expects uint8 \(48, 64, 3\)"):
        writer.add_image("front", 0, 0, picture(0, CAMERAS[1]))
    with pytest.raises(ValueError, match="the chunk has shape"):
        writer.add_chunk(0, 0.1, np.zeros((16, 6)))
    with pytest.raises(ValueError, match="outcome 'fine' is none of"):
        writer.finish("fine")
    writer = EpisodeWriter(tmp_path, description())
    writer.add_frame(good)
    with EpisodeReader(build_episode(writer.finish("success"))) as reader:
        assert len(reader.frames) == 1
