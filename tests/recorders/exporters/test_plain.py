"""The plain export is opened by ordinary readers of video, CSV, Parquet and JSON, and has every tick and picture."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import CameraDescription, EpisodeWriter
from recorders.exporters.export import export
from recorders.exporters.video import rising_ticks, ticks_of, write_video
from tests.recorders.takes import CAMERAS, JOINTS, PICTURE_NS, START_NS, description, frame, picture

WALL_NS = 1_800_000_000_000_000_000
# Not in step with the ticks, two with the same stamp, one missing, a long pause.
OFFSETS_NS = (-7_000_000, 20_000_000, 61_000_000, 61_000_000, 900_000_000)
SEQUENCES = (0, 1, 2, 3, 5)


@pytest.fixture
def episode(tmp_path: Path) -> Path:
    writer = EpisodeWriter(tmp_path / "episodes", description(cameras=CAMERAS[:1]))
    writer.add_clock_anchor(START_NS, WALL_NS)
    for index in range(100):
        writer.add_frame(frame(index))
    for sequence, offset in zip(SEQUENCES, OFFSETS_NS, strict=True):
        writer.add_image("front", START_NS + offset, sequence, picture(20 * sequence, CAMERAS[0]))
    writer.add_event(START_NS + 5, "bookmark", {"text": "da ist er"})
    return build_episode(writer.finish("success"))


def exported(episode: Path) -> Path:
    """The folder of the only episode."""
    done = export("plain", [episode], episode.parents[1] / "out")
    (folder,) = [path for path in done.folder.iterdir() if path.is_dir()]
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_video_shows_every_picture_at_its_moment(episode: Path) -> None:
    folder = exported(episode)
    with av.open(str(folder / "front.mp4")) as container, EpisodeReader(episode) as reader:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 64, 48)
        frames = list(container.decode(stream))
        shown = [reader.images("front")[index] for index in range(len(SEQUENCES))]
    assert len(frames) == len(SEQUENCES)
    seconds = [(offset - OFFSETS_NS[0]) * 1e-9 for offset in OFFSETS_NS]
    np.testing.assert_allclose([found.time for found in frames], seconds, atol=1.7e-5)
    for found, wanted in zip(frames, shown, strict=True):
        assert np.abs(found.to_ndarray(format="rgb24").astype(int) - wanted).mean() < 3


def test_the_table_of_pictures_has_their_true_stamps(episode: Path) -> None:
    rows = rows_of(exported(episode) / "frames.csv")
    assert [int(row["stamp_ns"]) - START_NS for row in rows] == list(OFFSETS_NS)
    assert [int(row["sequence"]) for row in rows] == list(SEQUENCES)
    assert {row["camera"] for row in rows} == {"front"}
    for row, offset in zip(rows, OFFSETS_NS, strict=True):
        assert float(row["time_s"]) == pytest.approx((offset - OFFSETS_NS[0]) * 1e-9, abs=1e-12)
        wall = datetime.fromisoformat(row["wall_time"])
        assert wall.timestamp() == pytest.approx((WALL_NS + offset) * 1e-9, abs=2e-6)
        assert wall.utcoffset() == UTC.utcoffset(None)


def test_joints_are_the_same_numbers_in_both_tables(episode: Path) -> None:
    folder = exported(episode)
    table = pq.read_table(folder / "joints.parquet").to_pandas()
    with EpisodeReader(episode) as reader:
        frames = reader.frames
    assert len(table) == 100
    np.testing.assert_array_equal(table["stamp_ns"], frames.stamp_ns)
    for quantity in ("leader_position", "follower_effort", "requested", "action"):
        values = getattr(frames, quantity)
        found = table[[f"{quantity}.{joint}" for joint in JOINTS]].to_numpy()
        np.testing.assert_array_equal(found, values)
    text = pd.read_csv(folder / "joints.csv", float_precision="round_trip")
    assert list(text.columns) == list(table.columns)
    for column in text.columns:
        np.testing.assert_array_equal(text[column], table[column], err_msg=column)


def test_the_description_tells_units_events_and_gaps(episode: Path) -> None:
    said: dict[str, Any] = json.loads((exported(episode) / "episode.json").read_text("utf-8"))
    assert (said["task"], said["position_unit"], said["effort_units"]) == (
        "put the bottle into the box",
        "rad",
        ["mA"] * 7,
    )
    assert said["time_s_0_is_stamp_ns"] == START_NS + OFFSETS_NS[0]
    assert said["events"] == [{"stamp_ns": START_NS + 5, "kind": "bookmark", "detail": {"text": "da ist er"}}]
    assert [(gap["stream"], gap["first_missing"], gap["count"]) for gap in said["gaps"]] == [("front", 4, 1)]


def test_without_clock_anchors_no_wall_time_is_made_up(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path / "episodes", description(cameras=CAMERAS[:1]))
    writer.add_frame(frame(0))
    writer.add_image("front", START_NS, 0, picture(0, CAMERAS[0]))
    folder = exported(build_episode(writer.finish("success")))
    assert [row["wall_time"] for row in rows_of(folder / "frames.csv")] == [""]
    assert [row["wall_time"] for row in rows_of(folder / "joints.csv")] == [""]


def test_pictures_with_odd_sides_become_a_video_too(tmp_path: Path) -> None:
    odd = CameraDescription("odd", 33, 25, 30.0)
    shown = [(ticks, picture(ticks, odd)) for ticks in (0, 3000, 3001)]
    assert write_video(tmp_path / "odd.mp4", (33, 25), iter(shown)) == 3
    np.testing.assert_array_equal(ticks_of(tmp_path / "odd.mp4"), [0, 3000, 3001])


def test_pictures_that_share_a_stamp_are_shown_one_after_the_other() -> None:
    stamps = START_NS + np.array([0, 0, 0, PICTURE_NS, PICTURE_NS + 1])
    np.testing.assert_array_equal(rising_ticks(stamps, START_NS), [0, 1, 2, 3000, 3001])
