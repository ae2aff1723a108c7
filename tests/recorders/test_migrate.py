"""Files of every older version are read, verified and brought to the newest one, and nothing of them is lost."""

import gzip
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from recorders.catalog import list_episodes
from recorders.clock_anchors import ClockJump
from recorders.episode import camera_fingerprint
from recorders.episode_reader import EpisodeReader, Event, Gap
from recorders.errors import EpisodeCorrupt
from recorders.migrate import migrate
from recorders.repair import recover
from recorders.schema import FORMAT_VERSION
from recorders.verify import verify
from tests.recorders.golden_take import ANCHORS, CALIBRATION, CAMERAS, FRONT, LOOP, SHOWN, WALL_NS
from tests.recorders.takes import JOINTS, PICTURE_NS, START_NS, frame, picture, recorded

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
NAME = "000001-8ade8d35.h5"
OLD = [f"{FORMAT_VERSION[0]}.{minor}" for minor in range(FORMAT_VERSION[1])]
VERSIONS = [*OLD, ".".join(map(str, FORMAT_VERSION))]
HOLE = START_NS + 2 * PICTURE_NS, START_NS + 5 * PICTURE_NS


def golden(version: str, folder: Path) -> Path:
    path = folder / NAME
    path.write_bytes(gzip.decompress((GOLDEN / f"{version}.h5.gz").read_bytes()))
    return path


def assert_golden(reader: EpisodeReader, version: str) -> None:
    """What `golden_take` recorded, as far as `version` could keep it."""
    frames = reader.frames
    assert list(frames.stamp_ns) == [frame(index).stamp_ns for index in range(12)]
    np.testing.assert_array_equal(frames.action, [frame(index).action for index in range(12)])
    np.testing.assert_array_equal(frames.leader_effort, [frame(index).leader.effort for index in range(12)])
    assert list(frames.source) == ["leader"] * 6 + ["policy"] * 6
    assert reader.description.cameras == CAMERAS[version]
    for camera in reader.description.cameras:
        stream = reader.images(camera.name)
        assert list(stream.sequence) == list(SHOWN)
        assert list(stream.stamp_ns) == [START_NS + index * PICTURE_NS for index in SHOWN]
        for position, index in enumerate(SHOWN):
            difference = np.abs(stream[position].astype(int) - picture(index, camera))
            assert difference.max() <= (4 if camera.codec == "jpeg" else 0)
    assert reader.events() == [
        Event(START_NS + 5, "takeover", {"gap_rad": 0.2, "who": "Zoë"}),
        Event(START_NS + 9, "mark", {}),
    ]
    assert [(chunk.start_ns, chunk.dt_s, chunk.actions.shape) for chunk in reader.chunks()] == [
        (START_NS, 1 / 15, (16, 7)),
        (START_NS + 7, 1 / 30, (4, 7)),
    ]
    assert_golden_words(reader)


def assert_golden_words(reader: EpisodeReader) -> None:
    info, said = reader.info, reader.description
    assert (info.task, info.outcome, info.source) == ("put the bottle into the box", "success", "mixed")
    assert (info.recorded_at, info.recovered) == ("2026-01-02T03:04:05.000+00:00", False)
    assert info.extra == {"run": "", "seed": 7, "note": "golden"}
    assert (said.joint_names, said.operator, said.position_unit) == (JOINTS, "ada", "rad")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_each_version_is_read_and_whole(tmp_path: Path, version: str) -> None:
    path = golden(version, tmp_path)
    assert verify(path) == []
    (info,) = list_episodes(tmp_path)
    assert (info.problem, info.frames, info.images, info.gaps) == ("", 12, {"wrist": 5, "front": 5}, 3)
    with EpisodeReader(path) as reader:
        assert ".".join(map(str, reader.format_version)) == version
        assert_golden(reader, version)
        missing = [(gap.stream, gap.first_missing, gap.count) for gap in reader.gaps()]
        assert missing == [("frames", 12, 3), ("front", 3, 2), ("wrist", 3, 2)]


def test_what_a_file_of_1_0_does_not_say_is_not_known(tmp_path: Path) -> None:
    with EpisodeReader(golden("1.0", tmp_path)) as reader:
        assert reader.clock_anchors().shape == (0, 2)
        assert reader.wall_time_ns(START_NS) is None
        assert reader.clock_jumps() == []
        assert reader.loop_statistics is None
        assert reader.description.calibration == {}
        assert {(gap.t0_ns, gap.t1_ns) for gap in reader.gaps()} == {(-1, -1)}


def test_a_file_of_1_1_holds_what_was_added(tmp_path: Path) -> None:
    path = golden("1.1", tmp_path)
    with EpisodeReader(path) as reader:
        assert reader.clock_anchors().tolist() == [list(anchor) for anchor in ANCHORS]
        assert reader.clock_jumps() == [ClockJump(START_NS, START_NS + 10**9, 60.0)]
        assert reader.wall_time_ns(START_NS + 1000) == WALL_NS + 1000
        assert reader.loop_statistics == LOOP
        assert reader.description.calibration == CALIBRATION
        assert reader.gaps() == [
            Gap("frames", 12, 3, frame(11).stamp_ns, frame(15).stamp_ns),
            Gap("front", 3, 2, *HOLE),
            Gap("wrist", 3, 2, *HOLE),
        ]
    with h5py.File(path) as file:
        assert file["cameras/front"].attrs["sha256"] == camera_fingerprint(FRONT)


@pytest.mark.parametrize("version", OLD)
def test_migration_writes_a_new_file_and_keeps_the_old_one_in_the_bin(tmp_path: Path, version: str) -> None:
    path = golden(version, tmp_path)
    before = path.read_bytes()
    assert migrate(path)
    with EpisodeReader(path) as reader:
        assert reader.format_version == FORMAT_VERSION
        assert_golden(reader, version)
        assert reader.info.uuid.startswith("8ade8d35")
        assert reader.gaps() == [Gap("frames", 12, 3), Gap("front", 3, 2, *HOLE), Gap("wrist", 3, 2, *HOLE)]
        assert reader.software["migrated_from"] == version
    assert verify(path) == []
    assert (tmp_path / ".bin" / NAME).read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.suffix != ".sqlite") == [".bin", NAME]


def test_the_newest_version_is_left_as_it_is(tmp_path: Path) -> None:
    path = golden(VERSIONS[-1], tmp_path)
    before = path.read_bytes()
    assert not migrate(path)
    assert path.read_bytes() == before


def test_a_damaged_file_is_not_made_to_look_whole(tmp_path: Path) -> None:
    path = golden("1.0", tmp_path)
    with h5py.File(path, "r+") as file:
        file["action/sent"][3] = 0.5
    before = path.read_bytes()
    with pytest.raises(EpisodeCorrupt, match=r"can not be brought to the newest format.*action/sent have changed"):
        migrate(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_journal_that_an_older_version_left_behind_is_built(tmp_path: Path, version: str) -> None:
    journal = recorded(tmp_path)
    (journal / "take.journal").write_bytes(gzip.decompress((GOLDEN / f"{version}.journal.gz").read_bytes()))
    (result,) = recover(tmp_path)
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert reader.format_version == FORMAT_VERSION
        assert_golden(reader, version)
    assert verify(result.path) == []


KILL_AT_EACH_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from recorders.migrate import migrate
source, steps = Path(sys.argv[1]), {"open", "os.mkdir", "os.link", "os.rename", "os.remove"}
for step in range(1000):
    folder = source.parent / str(step)
    folder.mkdir()
    path = Path(shutil.copy(source, folder))
    child = os.fork()
    if child == 0:
        left = step
        def die(event, arguments):
            global left
            if event in steps:
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
        sys.addaudithook(die)
        migrate(path)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(step)
"""


@pytest.mark.campaign
def test_a_migration_killed_at_any_step_leaves_a_whole_episode_under_its_name(tmp_path: Path) -> None:
    path = golden("1.0", tmp_path)
    command = [sys.executable, "-c", KILL_AT_EACH_STEP, str(path)]
    killed = int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert killed >= 5
    for step in range(killed + 1):
        left = tmp_path / str(step) / NAME
        assert verify(left) == []
        if step < killed:
            migrate(left)  # the next attempt succeeds, or has nothing to do
        assert len(list_episodes(left.parent, binned=True)) == 1  # the original, once
        with EpisodeReader(left) as reader:
            assert reader.format_version == FORMAT_VERSION
        assert [entry.name for entry in left.parent.glob("*.migrating")] == []
