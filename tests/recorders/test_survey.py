"""Each episode is looked through once; a bad file gets its problem and holds nobody up."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray

from recorders import schema
from recorders.catalog import Catalog, list_episodes, move_to_bin, say
from recorders.checksum import array_sha256, content_sha256
from recorders.collection_statistics import JointStatistics, added, joint_statistics
from recorders.episode_builder import build_episode
from recorders.episode_info import EpisodeInfo
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.errors import DiskError
from recorders.index import INDEX_FOLDER
from recorders.survey import look_through, survey
from recorders.thumbnails import HEIGHT, reduced, thumbnail
from tests.recorders.takes import CAMERAS, PICTURE_NS, START_NS, add_second, description, frame, picture, recorded


def no_side(info: EpisodeInfo, positions: NDArray[np.float64]) -> str:
    return ""


def surveyed(folder: Path) -> Catalog:
    catalog = Catalog(folder)
    catalog.refresh()
    list(look_through(catalog, no_side))
    catalog.refresh()
    return catalog


def moved(folder: Path, by: float, seconds: int = 1) -> Path:
    """An episode whose joints are all `by` rad elsewhere."""
    writer = EpisodeWriter(folder, description())
    for k in range(100 * seconds):
        tick = frame(k)
        follower = replace(tick.follower, position=tick.follower.position + by)
        writer.add_frame(replace(tick, follower=follower, action=tick.action + by))
    for k in range(30 * seconds):
        for camera in CAMERAS:
            writer.add_image(camera.name, START_NS + k * PICTURE_NS, k, picture(k + 20, camera))
    return build_episode(writer.finish("success"))


def test_a_survey_keeps_what_lists_and_statistics_need(tmp_path: Path) -> None:
    path = moved(tmp_path, 0.0, seconds=2)
    with EpisodeReader(path) as reader:
        frames, first = reader.frames, reader.images("front")[0]
    found = survey(path, lambda info, positions: f"{info.number} {len(positions)}")
    assert found.figures.side == "1 200"
    assert found.figures.problem == ""
    assert found.figures.path_length == pytest.approx(np.abs(np.diff(frames.follower_position, axis=0)).sum())
    assert found.joint_names[-1] == "gripper"
    moments = simplejpeg.decode_jpeg(found.thumbnail)
    assert moments.shape == (72, 3 * 96, 3)
    np.testing.assert_allclose(moments[:, :96].mean(), first.mean(), atol=3)


def test_an_episode_with_gaps_and_black_pictures_says_so_in_the_list(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0)
    writer.add_gap("wrist", 12, 10)
    writer.add_image("front", START_NS + 10**9, 30, np.zeros((48, 64, 3), np.uint8))
    build_episode(writer.finish("success"))
    (info,) = surveyed(tmp_path).infos
    assert (
        "Dropped: 10 of 40 pictures of camera 'wrist' are missing (25.0 %). "
        "Check its cable, and close other programs before the next take." in info.hints
    )
    assert any("Black pictures" in hint and "'front'" in hint for hint in info.hints)
    assert info.surveyed


def test_the_statistics_of_a_collection_are_those_of_all_its_rows(tmp_path: Path) -> None:
    paths = [moved(tmp_path, by) for by in (0.0, 1.0, -2.5)]
    catalog = surveyed(tmp_path)
    rows = []
    for path in paths:
        with EpisodeReader(path) as reader:
            rows.append((reader.frames.follower_position, reader.frames.action))
    state, action = (np.concatenate(column) for column in zip(*rows, strict=True))
    for path in paths:  # nobody may read them again
        path.write_bytes(b"")
    found = joint_statistics(tmp_path, catalog.usable_keys())
    assert found is not None
    assert found.episodes == 3
    for moments, values in ((found.state, state), (found.action, action)):
        np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(moments.std, values.std(axis=0), rtol=1e-12)
        np.testing.assert_array_equal(moments.least, values.min(axis=0))
        np.testing.assert_array_equal(moments.most, values.max(axis=0))


def test_one_more_episode_is_added_to_what_was_known(tmp_path: Path) -> None:
    moved(tmp_path, 0.0)
    first = surveyed(tmp_path).usable_keys()
    moved(tmp_path, 1.0)
    both = surveyed(tmp_path).usable_keys()
    known, new, together = (joint_statistics(tmp_path, keys) for keys in (first, both - first, both))
    assert known is not None
    assert new is not None
    assert together is not None
    again = added(known, new)
    assert again is not None
    assert again.episodes == 2
    np.testing.assert_allclose(again.state.std, together.state.std, rtol=1e-12)
    assert added(known, replace(new, joint_names=("another",))) is None


def test_statistics_follow_the_bin_and_leave_other_joints_out(tmp_path: Path) -> None:
    paths = [moved(tmp_path, 0.0), moved(tmp_path, 1.0), moved(tmp_path, 5.0)]
    writer = EpisodeWriter(tmp_path, description(joint_names=("a",) * 1, effort_units=("mA",), cameras=()))
    small = frame(0)
    for k in range(3):
        one = {side: replace(getattr(small, side), position=np.array([k]), velocity=np.zeros(1), effort=np.zeros(1))
               for side in ("leader", "follower")}  # fmt: skip
        writer.add_frame(replace(small, stamp_ns=k, requested=np.zeros(1), action=np.zeros(1), **one))
    build_episode(writer.finish("success"))
    move_to_bin(paths[2])
    found: JointStatistics | None = joint_statistics(tmp_path, surveyed(tmp_path).usable_keys())
    assert found is not None
    assert (found.episodes, len(found.joint_names)) == (2, 7)
    assert found.state.count == 200
    assert joint_statistics(tmp_path, set()) is None


def harmed(path: Path, column: str, change: float) -> None:
    """Other values under the right checksums: nothing but a look at the values can tell."""
    with h5py.File(path, "r+") as file:
        values = file[column][...]
        values[3] = change
        file[column][...] = values
        file[column].attrs[schema.SHA256] = array_sha256(values)
        file.attrs[schema.CONTENT_SHA256] = content_sha256(file)


def test_values_that_are_no_numbers_are_the_file_s_problem(tmp_path: Path) -> None:
    good, bad = moved(tmp_path, 0.0), moved(tmp_path, 1.0)
    harmed(bad, schema.ACTION.path, np.nan)
    infos = surveyed(tmp_path).infos
    assert [info.problem for info in infos] == ["", f"The actions of {bad.name} hold values that are no numbers. "
                                                "Move it to the bin."]  # fmt: skip
    assert [info.problem for info in list_episodes(tmp_path)] == [info.problem for info in infos]
    assert good.name == infos[0].path.name


def test_a_picture_that_can_not_be_decoded_is_the_file_s_problem_and_no_crash(tmp_path: Path) -> None:
    path = moved(tmp_path, 0.0)
    with h5py.File(path, "r+") as file:
        data = file["cameras/front/data"]
        data[: data.shape[0]] = 0
    (info,) = surveyed(tmp_path).infos
    assert "Picture 0 of camera 'front'" in info.problem
    assert surveyed(tmp_path).unsurveyed() == []


def test_a_repaired_copy_is_looked_through_again(tmp_path: Path) -> None:
    path = moved(tmp_path, 0.0)
    good = path.read_bytes()
    harmed(path, schema.ACTION.path, np.inf)
    assert surveyed(tmp_path).infos[0].problem
    path.write_bytes(good)
    (info,) = surveyed(tmp_path).infos
    assert (info.problem, info.surveyed) == ("", True)


def test_an_episode_that_vanishes_meanwhile_does_no_harm(tmp_path: Path) -> None:
    paths = [moved(tmp_path, by) for by in (0.0, 1.0)]
    catalog = Catalog(tmp_path)
    catalog.refresh()
    for path in look_through(catalog, no_side):
        paths[0].unlink(missing_ok=True)
        assert path in paths
    catalog.refresh()
    assert [(info.path, info.problem, info.surveyed) for info in catalog.infos] == [(paths[1], "", True)]


def test_some_episodes_can_be_skipped(tmp_path: Path) -> None:
    skipped, other = moved(tmp_path, 0.0), moved(tmp_path, 1.0)
    catalog = Catalog(tmp_path)
    catalog.refresh()
    assert list(look_through(catalog, no_side, frozenset([skipped]))) == [other]
    catalog.refresh()
    assert [info.path for info in catalog.unsurveyed()] == [skipped]


def test_an_index_that_can_not_be_written_is_said_and_not_tried_for_ever(tmp_path: Path) -> None:
    moved(tmp_path, 0.0)
    (tmp_path / INDEX_FOLDER).write_text("in the way")
    catalog = Catalog(tmp_path)
    catalog.refresh()
    with pytest.raises(DiskError, match=r"Episodes can not be looked through\. .*Correct the permissions"):
        list(look_through(catalog, no_side))


def test_a_dismissed_suggestion_is_gone_from_the_list(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description(cameras=()))
    for k in range(300):
        tick = frame(max(0, k - 200))
        writer.add_frame(replace(frame(k), follower=tick.follower, action=tick.follower.position))
    path = build_episode(writer.finish("success"))
    catalog = surveyed(tmp_path)
    assert catalog.infos[0].hints == ("Idle start: nothing moves for the first 1.8 s. Trim them off.",)
    assert catalog.infos[0].idle_start_s == pytest.approx(1.8, abs=0.05)
    say(path, dismiss="trim")
    catalog.refresh()
    assert (catalog.infos[0].hints, catalog.infos[0].idle_start_s) == ((), 0.0)


def test_a_copy_is_a_duplicate_until_it_is_put_away(tmp_path: Path) -> None:
    build_episode(recorded(tmp_path))
    second = build_episode(recorded(tmp_path))
    assert "Duplicate: exactly the same motion" in surveyed(tmp_path).infos[1].hints[-1]
    move_to_bin(second)
    assert not any("Duplicate" in hint for info in surveyed(tmp_path).infos for hint in info.hints)


def test_a_small_picture_keeps_brightness_and_shape() -> None:
    rows, columns = np.mgrid[:240, :320]
    grey = np.repeat((rows * 0.5 + columns * 0.3)[..., None], 3, axis=2).astype(np.uint8)
    small = reduced(grey)
    assert small.shape == (HEIGHT, 96, 3)
    np.testing.assert_allclose(small.mean(), grey.mean(), atol=0.5)
    np.testing.assert_allclose(small[0, 0], grey[:4, :4].reshape(-1, 3).mean(axis=0), atol=1)
    assert reduced(grey[:, :30]).shape == (HEIGHT, 9, 3)
    assert reduced(np.zeros((10, 1000, 3), np.uint8)).shape == (HEIGHT, 192, 3)
    assert thumbnail([]) == b""
