"""A part of an episode becomes an episode: byte for byte what it was, and the original can be had back."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from recorders import trim as trim_module
from recorders.annotations import annotation_of
from recorders.catalog import episode_info, list_episodes, restore, say
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import EpisodeCorrupt, EpisodeMissing
from recorders.repair import recover
from recorders.trim import suggested_range, trim
from recorders.verify import verify
from tests.recorders.takes import START_NS, add_second, description, recorded

ROOT = Path(__file__).parents[2]
TICK_S = 0.01


@pytest.fixture
def episode(tmp_path: Path) -> Path:
    """Three seconds with events, gaps, chunks and a clock."""
    writer = EpisodeWriter(tmp_path, description(source="mixed"))
    for second in range(3):
        add_second(writer, second)
    for second in range(3):
        writer.add_event(START_NS + second * 10**9 + 5_000_000, "bookmark", {"text": str(second)})
        writer.add_chunk(START_NS + second * 10**9, 0.05, np.full((4, 7), second, float))
    writer.add_clock_anchor(START_NS, 1_700_000_000 * 10**9)
    writer.add_clock_anchor(START_NS + 3 * 10**9, 1_700_000_003 * 10**9)
    return build_episode(writer.finish("success"))


def test_the_part_is_what_it_was_in_the_original(episode: Path) -> None:
    original = episode.read_bytes()
    path = trim(episode, 1.005, 2.0)
    moved = episode.parent / ".bin" / episode.name
    assert moved.read_bytes() == original
    assert verify(path) == []
    assert path.name.startswith("000002-")
    with EpisodeReader(moved) as whole, EpisodeReader(path) as part:
        begin, end = 101, 201
        for name in vars(whole.frames):
            np.testing.assert_array_equal(getattr(part.frames, name), getattr(whole.frames, name)[begin:end])
        for camera in whole.cameras:
            a, b = whole.images(camera), part.images(camera)
            first = a.index_at(int(part.frames.stamp_ns[0]))  # the one that was to be seen when the part begins
            kept = range(first, a.index_at(int(part.frames.stamp_ns[-1])) + 1)
            assert [a.encoded(k) for k in kept] == [b.encoded(k) for k in range(len(b))]
            np.testing.assert_array_equal(b.sequence, a.sequence[kept])
            np.testing.assert_array_equal(b.stamp_ns, a.stamp_ns[kept])
        assert [event.detail["text"] for event in part.events()] == []
        assert [float(chunk.actions[0, 0]) for chunk in part.chunks()] == [1.0, 2.0]
        np.testing.assert_array_equal(part.clock_anchors(), whole.clock_anchors())
        assert part.description.derived_from == whole.info.uuid
        assert part.description.derivation == f"trim 1.005 s to 2.000 s of {episode.name}"
        assert part.info.uuid != whole.info.uuid
        assert (part.info.task, part.info.source, part.info.outcome) == (whole.info.task, "mixed", "success")
        assert part.info.recorded_at > whole.info.recorded_at
        assert part.description.cameras == whole.description.cameras


def test_events_inside_are_kept(episode: Path) -> None:
    with EpisodeReader(trim(episode, 0.5, 1.5)) as part:
        assert [event.detail["text"] for event in part.events()] == ["1"]
        assert part.info.duration_s == pytest.approx(1.0)


def test_what_was_said_about_it_is_said_about_the_part(episode: Path) -> None:
    say(episode, "ada", outcome="failure", add_tags=["slow"], note="look", split="held_out", dismiss="trim")
    info = episode_info(trim(episode, 0.0, 1.0))
    assert (info.outcome, info.tags, info.note, info.split) == ("failure", ("slow",), "look", "held_out")
    assert annotation_of(episode.parent, info.uuid).dismissed == ()


def test_the_original_can_be_had_back(episode: Path) -> None:
    path = trim(episode, 0.0, 1.0)
    assert [info.path for info in list_episodes(episode.parent)] == [path]
    (binned,) = list_episodes(episode.parent, binned=True)
    assert restore(binned.path) == episode
    assert [info.number for info in list_episodes(episode.parent)] == [1, 2]


def test_gaps_between_what_is_kept_are_kept(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0)
    add_second(writer, 2)  # pictures 30 to 59 and a second of ticks are missing
    writer.add_gap("frames", 100, 100, START_NS + 990_000_000, START_NS + 2_000_000_000)
    path = build_episode(writer.finish("success"))
    with EpisodeReader(trim(path, 0.5, 2.5)) as part:
        assert sorted((gap.stream, gap.first_missing, gap.count) for gap in part.gaps()) == [
            ("frames", 100, 100),
            ("front", 30, 30),
            ("wrist", 30, 30),
        ]
        assert verify(part.path) == []


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.9), (2.1, 2.9)])
def test_gaps_outside_are_left_out(tmp_path: Path, start_s: float, end_s: float) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0)
    add_second(writer, 2)
    writer.add_gap("frames", 100, 100, START_NS + 990_000_000, START_NS + 2_000_000_000)
    with EpisodeReader(trim(build_episode(writer.finish("success")), start_s, end_s)) as part:
        assert part.gaps() == []


def test_a_gap_at_the_end_of_the_take_is_kept_with_the_end(tmp_path: Path) -> None:
    for end_s, gaps in ((0.9, []), (0.99, [("wrist", 30, 5)])):
        writer = EpisodeWriter(tmp_path, description())
        add_second(writer, 0)
        writer.add_gap("wrist", 30, 5)
        with EpisodeReader(trim(build_episode(writer.finish("success")), 0.2, end_s)) as part:
            assert [(gap.stream, gap.first_missing, gap.count) for gap in part.gaps()] == gaps


@pytest.mark.parametrize(
    ("start_s", "end_s", "sentence"),
    [
        (-0.5, 1.0, "-0.50 to 1.00 s is not inside it. The episode lasts 2.99 s"),
        (1.0, 4.0, "1.00 to 4.00 s is not inside it"),
        (1.0, 1.05, "leaves less than 0.1 s of it"),
        (2.0, 1.0, "leaves less than 0.1 s of it"),
        (0.0, 2.99, "is all of it"),
        (float("nan"), 1.0, "is no range"),
        (0.0, float("inf"), "is no range"),
    ],
)
def test_a_range_that_leaves_nothing_or_everything_is_refused(
    episode: Path, start_s: float, end_s: float, sentence: str
) -> None:
    before = sorted(episode.parent.rglob("*"))
    with pytest.raises(ValueError, match=sentence):
        trim(episode, start_s, end_s)
    assert sorted(episode.parent.rglob("*")) == before


def test_an_episode_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EpisodeMissing, match=r"There is no episode file .*gone\.h5"):
        trim(tmp_path / "gone.h5", 0.0, 1.0)


def test_a_damaged_picture_stops_the_trim_and_the_original_stays(episode: Path) -> None:
    with h5py.File(episode, "r+") as file:
        data = file["cameras/front/data"]
        data[: data.shape[0]] = 0
    with pytest.raises(EpisodeCorrupt, match=rf"The episode {episode.name} can not be copied"):
        trim(episode, 0.0, 1.0)
    assert [path.name for path in sorted(episode.parent.iterdir()) if path.suffix == ".h5"] == [episode.name]
    assert recover(episode.parent) == []
    assert not list(episode.parent.glob(".trim-*"))


KILLED = """
import os, sys
from pathlib import Path
from recorders.trim import trim
when = sys.argv[2]
def die(event, arguments):
    if event == "os.rename" and when in (str(arguments[0]) + " " + str(arguments[1])):
        os._exit(9)
    if event == "os.link" and when == "bin":
        os._exit(9)
sys.addaudithook(die)
trim(Path(sys.argv[1]), 0.5, 1.5)
"""


@pytest.mark.parametrize(("when", "kept"), [(".trim-", [1]), ("episode.tmp", [1, 2]), ("bin", [1, 2])])
def test_a_kill_at_any_moment_loses_nothing(episode: Path, when: str, kept: list[int]) -> None:
    before = episode.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(episode), when], cwd=ROOT, check=False)
    assert done.returncode == 9
    recover(episode.parent)
    assert episode.read_bytes() == before
    infos = list_episodes(episode.parent)
    assert [info.number for info in infos] == kept
    assert [verify(info.path) for info in infos] == [[] for _ in kept]


def test_what_a_kill_left_is_removed_a_day_later(episode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = episode.parent / ".trim-left"
    (left / "x").mkdir(parents=True)
    young = episode.parent / ".trim-young"
    young.mkdir()
    os.utime(left, (0, 0))
    trim(episode, 0.5, 1.5)
    assert (left.exists(), young.exists()) == (False, True)
    assert trim_module.LEAST_S == 0.1


def test_the_suggestion_cuts_off_what_is_idle(tmp_path: Path) -> None:
    info = episode_info(build_episode(recorded(tmp_path, seconds=3)))
    assert suggested_range(info, 1.2, 0.3) == (1.2, pytest.approx(2.69))
