"""What lerobot wrote is opened again by lerobot's reader before it gets its name, and a wrong dataset is noticed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from recorders.episode_builder import build_episode
from recorders.episode_writer import ArmSample, EpisodeWriter
from recorders.errors import EpisodeCorrupt, TransferCancelled, TransferRefused
from recorders.exporters.export import export
from recorders.exporters.export_file import read_export_file
from recorders.own_process import own_folder, run_apart
from tests.recorders.takes import CAMERAS, PICTURE_NS, START_NS, description, frame, picture

ROOT = Path(__file__).parents[3]
PATIENCE_S = 120.0

# Checks the dataset against each of some lists of episodes, joined by commas.
CHECK = """
import sys
from pathlib import Path
from recorders.errors import EpisodeCorrupt
from recorders.exporters.job import ExportJob, common_rig
from recorders.exporters.lerobot.checking import check_dataset
for listed in sys.argv[2:]:
    episodes = tuple(map(Path, listed.split(",")))
    job = ExportJob(episodes, common_rig(episodes), 30, lambda done, total, detail: None, lambda: False)
    try:
        print(sorted(check_dataset(Path(sys.argv[1]), job)[0]))
    except EpisodeCorrupt as error:
        print(error)
"""


def take(folder: Path, first_tick: int, first_picture: int) -> Path:
    """A second of the known motion and pictures, from another point of each on."""
    writer = EpisodeWriter(folder, description())
    for index in range(100):
        shown = frame(index + first_tick)
        writer.add_frame(replace(shown, stamp_ns=frame(index).stamp_ns, follower=_at(shown.follower, index)))
    for index in range(30):
        for camera in CAMERAS:
            rgb = picture(index + first_picture, camera)
            writer.add_image(camera.name, START_NS + index * PICTURE_NS, index, rgb)
    return build_episode(writer.finish("success"))


def _at(sample: ArmSample, index: int) -> ArmSample:
    return replace(sample, stamp_ns=frame(index).follower.stamp_ns)


@pytest.mark.slow
@pytest.mark.alone
def test_lerobots_reader_finds_every_row_and_picture_and_would_notice_others(tmp_path: Path) -> None:
    first, moved, repainted = (take(tmp_path / "takes", *begin) for begin in ((0, 0), (30, 0), (0, 30)))
    out = tmp_path / "out"
    export("lerobot", [first, moved], out, 30)
    content = read_export_file(out)
    assert content is not None
    for entry in content["episodes"]:
        assert entry["written_by"]["lerobot"].startswith("0.6.")
        for error in entry["picture_error"].values():
            assert error["pictures"] == entry["rows"] == 30
            assert error["psnr_db"] > 40
    assert sorted(path.name for path in out.iterdir()) == ["data", "meta", "teleop-studio-export.json", "videos"]
    features = json.loads((out / "meta" / "info.json").read_bytes())["features"]
    assert features["action"]["names"][-1] == "gripper.pos"
    assert features["observation.images.front"]["info"]["video.codec"] == "h264"
    lists = [f"{first},{moved}", f"{moved},{first}", f"{repainted},{moved}", f"{first}"]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(out), *lists],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    right, other_rows, other_pictures, other_count = done.stdout.splitlines()
    assert right == "['front', 'wrist']"
    assert "observation.state of episode 0 differs at one of the rows 0 to 15" in other_rows
    assert "camera 'front' of episode 0 has 30 pictures for 30 rows, the worst is off by" in other_pictures
    assert "lerobot finds 2 episodes, 1 were written" in other_count


@pytest.mark.alone
def test_a_process_of_its_own_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    def nothing(done: int, total: int, detail: str) -> None: ...

    settings = own_folder(tmp_path)
    with pytest.raises(TransferRefused, match=r"exit code 1\). It said last: .*No module named no_such_module"):
        run_apart("no_such_module", {}, nothing, lambda: False, settings)
    # Its own errors come through as what they are.
    with pytest.raises(EpisodeCorrupt, match="went wrong as planned"):
        run_apart("tests.recorders.exporters.apart", {"do": "refuse"}, nothing, lambda: False, settings)
    with pytest.raises(TransferRefused, match=r"exit code -9"):
        run_apart("tests.recorders.exporters.apart", {"do": "die"}, nothing, lambda: False, settings)
    with pytest.raises(TransferRefused, match=r"ZeroDivisionError"):
        run_apart("tests.recorders.exporters.apart", {"do": "fail"}, nothing, lambda: False, settings)


@pytest.mark.alone
def test_a_process_of_its_own_tells_its_progress_and_ends_when_it_is_not_wanted_any_more(tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    work = {"do": "count", "noise": "x" * 100_000}
    done = run_apart(
        "tests.recorders.exporters.apart", work, lambda *news: said.append(news), lambda: False, own_folder(tmp_path)
    )
    assert (done, said) == ({"counted": 3}, [(0, 3, "0"), (1, 3, "1"), (2, 3, "2")])
    said.clear()
    with pytest.raises(TransferCancelled, match="Nothing of it was kept"):
        run_apart(
            "tests.recorders.exporters.apart",
            {"do": "wait"},
            lambda *news: said.append(news),
            lambda: bool(said),
            own_folder(tmp_path),
        )
