"""What the operator is told about takes, and that what is said about one is never taken for the next."""

from pathlib import Path
from typing import Any

import pytest

from teleop_studio.notices import Notices
from teleop_studio.processes import messages as m
from teleop_studio.take_watch import TakeWatch

FOLDER, JOURNAL, FILE = Path("episodes"), Path("episodes/.journal/a"), Path("episodes/000001.h5")


@pytest.fixture
def told() -> list[Any]:
    """What the builder was told."""
    return []


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def watch(notices: Notices, told: list[Any]) -> TakeWatch:
    return TakeWatch(notices, told.append)


def progress(take: int, written: int = 100, missing: int = 0, **pictures: int) -> m.TakeProgress:
    counts = {camera: (30, lost) for camera, lost in pictures.items()}
    return m.TakeProgress(written, missing + sum(pictures.values()), 1, 5, counts, missing, take)


def test_a_take_is_saving_from_its_end_until_its_file_is_there(watch: TakeWatch, told: list[Any]) -> None:
    take = watch.begin(FOLDER)
    assert watch.health().recording
    watch.hear(progress(take))
    assert (watch.health().frames_written, watch.health().frames_due) == (100, 100)
    assert watch.hear(m.TakeEnded(progress(take, 120))) == ""
    health = watch.health()
    assert (health.recording, health.frames_written, health.building) == (False, 120, 1)
    watch.hear(m.TakeClosed(JOURNAL))
    assert told == [m.BuildEpisode(JOURNAL)]
    assert watch.saved == []
    watch.hear(m.TakeSaved(JOURNAL, FILE))
    assert (watch.saved, watch.health().building) == ([FILE], 0)


def test_late_words_about_the_last_take_do_not_touch_the_running_one(watch: TakeWatch) -> None:
    first = watch.begin(FOLDER)
    second = watch.begin(FOLDER)
    watch.hear(progress(second, 7))
    assert watch.hear(m.TakeEnded(progress(first, 500), "The disk is full.")) == ""
    assert watch.hear(m.TakeRefused("no", first)) == ""
    watch.hear(m.TakeDropped("discarded", first))
    watch.hear(progress(first, 501))
    assert (watch.health().recording, watch.health().frames_written) == (True, 7)
    watch.hear(m.TakeDropped("discarded", second))
    assert not watch.health().recording


def test_a_take_that_the_recorder_ended_by_itself_ends_the_sessions_take_too(
    watch: TakeWatch, notices: Notices
) -> None:
    take = watch.begin(FOLDER)
    assert watch.hear(m.TakeEnded(progress(take), "The disk is full. The take is kept.")) == "take_ended"
    assert notices.said == ("The disk is full. The take is kept.",)


def test_a_take_that_the_disk_cut_off_is_recovered_at_once(watch: TakeWatch, told: list[Any]) -> None:
    take = watch.begin(FOLDER)
    assert watch.hear(m.TakeEnded(progress(take), "The disk refused.", cut_off=True)) == "take_ended"
    assert told == [m.RecoverTakes(FOLDER)]
    assert watch.health().building == 0
    watch.hear(m.TakeRecovered("A take of 3.0 s was cut off. It is kept.", FILE))
    assert watch.recovered


def test_a_refused_take_says_why(watch: TakeWatch, notices: Notices) -> None:
    assert watch.hear(m.TakeRefused("There is no room.", watch.begin(FOLDER))) == "take_refused"
    assert (notices.said, watch.health().recording) == (("There is no room.",), False)


def test_a_take_with_gaps_says_of_which_stream_and_how_many(watch: TakeWatch, notices: Notices) -> None:
    take = watch.begin(FOLDER)
    watch.hear(m.TakeEnded(progress(take, missing=3, front=0, wrist=14)))
    assert notices.said == (
        "The take has gaps. Missing are 3 control ticks, 14 pictures of wrist; the episode lists when.",
    )
    assert watch.health().pictures == {"front": (30, 0), "wrist": (30, 14)}
    assert watch.health().missing == 17


def test_a_camera_that_stands_still_is_told_once_while_the_take_can_be_discarded(
    watch: TakeWatch, notices: Notices
) -> None:
    for take in (watch.begin(FOLDER), watch.begin(FOLDER)):
        for lost in (2, 40, 80):
            watch.hear(progress(take, wrist=lost))
    (said,) = notices.said
    assert said.startswith("Camera wrist stands still or is too slow. 40 of its pictures are missing")


def test_a_disk_that_fills_up_is_told_once_at_ten_and_once_at_two_minutes(watch: TakeWatch, notices: Notices) -> None:
    for left_s in (5000.0, 599.0, 590.0, 601.0, 300.0, 119.0, 100.0, 121.0, 90.0):
        watch.hear(m.DiskRoom(left_s))
    assert [text.split(" of recording")[0] for text in notices.said] == [
        "The disk is filling up. It has room for 10 min",
        "The disk is filling up. It has room for 119 s",
    ]
    watch.hear(m.DiskRoom(4000.0))  # room was made
    watch.hear(m.DiskRoom(500.0))
    assert len(notices.said) == 3
    assert watch.health().disk_left_s == 500.0


def test_a_take_that_waits_for_room_is_counted_until_it_is_saved(watch: TakeWatch, notices: Notices) -> None:
    watch.hear(m.TakeEnded(progress(watch.begin(FOLDER))))
    watch.hear(m.TakeWaiting(JOURNAL, "The disk is nearly full."))
    assert (watch.health().building, watch.health().waiting) == (1, 1)
    assert "as soon as there is room" in notices.said[-1]
    watch.hear(m.TakeSaved(JOURNAL, FILE))
    assert (watch.health().building, watch.health().waiting) == (0, 0)


def test_what_a_dead_recorder_had_in_hand_is_left_to_the_builder(watch: TakeWatch, told: list[Any]) -> None:
    watch.hear(m.TakeEnded(progress(watch.begin(FOLDER))))
    watch.begin(FOLDER)
    watch.recorder_died()
    assert (watch.health().recording, watch.health().building) == (False, 0)
    assert told == [m.RecoverTakes()]
