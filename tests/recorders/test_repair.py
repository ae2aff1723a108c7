"""After a crash every finished take is an episode, and the one that was cut off up to its last whole record."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recorders.catalog import BIN, list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import JOURNAL_FILE, EpisodeWriter
from recorders.errors import EpisodeCorrupt, EpisodeIncomplete, EpisodeMissing
from recorders.journal import Kind, opened_journal, scan
from recorders.repair import recover, repair
from recorders.verify import verify
from tests.recorders.takes import add_second, description, frame, recorded

ROOT = Path(__file__).parents[2]


def cut_off(folder: Path, seconds: int = 2) -> Path:
    """The journal of a take whose process died."""
    journal = recorded(folder, seconds)
    path = journal / JOURNAL_FILE
    with opened_journal(path) as data:
        end = list(scan(data))[-1]
        assert end.kind == Kind.END
        size = len(data) - 32 - len(end.payload)
    os.truncate(path, size)
    return journal


@pytest.mark.parametrize("seconds", [2, 3, 5])
def test_a_killed_recorder_loses_nothing_that_it_had_written(tmp_path: Path, seconds: int) -> None:
    command = [sys.executable, "-m", "tests.recorders.recording_child", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        finished, running = child.stdout.readline().strip(), child.stdout.readline().strip()
        while int(child.stdout.readline()) < seconds:
            pass
        child.send_signal(signal.SIGKILL)
    recovered = {result.journal.name: result for result in recover(tmp_path)}
    assert {uuid: result.outcome for uuid, result in recovered.items()} == {finished: "success", running: "interrupted"}
    for info in list_episodes(tmp_path):
        assert verify(info.path) == []
    path = recovered[running].path
    assert path is not None
    with EpisodeReader(path) as reader:
        assert reader.info.recovered
        frames = reader.frames
        assert len(frames) >= 100 * seconds
        np.testing.assert_array_equal(frames.action, [frame(index).action for index in range(len(frames))])
        assert len(reader.images("front")) >= 30 * seconds
    assert recover(tmp_path) == []


def test_a_take_cut_off_in_its_first_half_second_is_removed(tmp_path: Path) -> None:
    journal = cut_off(tmp_path, seconds=1)
    with opened_journal(journal / JOURNAL_FILE) as data:
        size = list(scan(data))[45].payload_at
    os.truncate(journal / JOURNAL_FILE, size)
    (result,) = recover(tmp_path)
    assert (result.path, result.problem) == (None, False)
    assert "cut off after 0.4 s was too short" in str(result)
    assert not journal.exists()


def test_a_torn_last_record_is_left_out(tmp_path: Path) -> None:
    journal = cut_off(tmp_path)
    file = journal / JOURNAL_FILE
    os.truncate(file, file.stat().st_size - 100)
    (result,) = recover(tmp_path)
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert (len(reader.frames), len(reader.images("front")), len(reader.images("wrist"))) == (200, 60, 59)
        assert reader.gaps() == []
    assert verify(result.path) == []


def test_damage_in_the_middle_is_listed_as_a_gap(tmp_path: Path) -> None:
    journal = recorded(tmp_path, 2)
    file = journal / JOURNAL_FILE
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    file.write_bytes(content)
    (result,) = recover(tmp_path)
    assert (result.outcome, result.problem) == ("success", False)
    assert result.path is not None
    with EpisodeReader(result.path) as reader:
        assert reader.info.recovered
        (lost,) = [gap for gap in reader.gaps() if gap.stream == "journal"]
        images = sum(reader.info.images.values())
        # description, source name, end
        assert reader.info.frames + images + lost.count + 3 == 200 + 120 + 3
    assert verify(result.path) == []


def test_a_damaged_take_is_kept_even_when_little_of_it_is_left(tmp_path: Path) -> None:
    journal = cut_off(tmp_path, seconds=1)
    file = journal / JOURNAL_FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 4)
    file.write_bytes(content)
    (result,) = recover(tmp_path)
    assert result.path is not None
    assert result.duration_s < 1.0
    with EpisodeReader(result.path) as reader:
        assert [gap.stream for gap in reader.gaps()].count("journal") == 1


def test_one_unreadable_journal_does_not_keep_the_others_back(tmp_path: Path) -> None:
    bad, good = recorded(tmp_path), recorded(tmp_path)
    (bad / JOURNAL_FILE).write_bytes(b"\x00" * 5000)
    gone = tmp_path / ".journal" / "0-without"
    gone.mkdir()
    (gone / "other").touch()
    results = {result.journal: result for result in recover(tmp_path)}
    assert results[good].path is not None
    assert results[bad].problem
    assert "no readable beginning" in results[bad].text
    assert (bad / JOURNAL_FILE).exists()
    assert results[gone].problem


def test_a_take_that_is_being_recorded_is_left_alone(tmp_path: Path) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0)
    assert recover(tmp_path) == []
    assert build_episode(writer.finish("success")).exists()


def test_an_unfinished_take_is_built_by_recovery_only(tmp_path: Path) -> None:
    journal = cut_off(tmp_path)
    with pytest.raises(EpisodeIncomplete, match="never finished"):
        build_episode(journal)
    assert recover(tmp_path)[0].outcome == "interrupted"


def test_a_build_that_died_after_the_rename_gives_no_second_episode(tmp_path: Path) -> None:
    journal = recorded(tmp_path)
    spare = tmp_path / "spare"
    shutil.copytree(journal, spare)
    path = build_episode(journal)
    shutil.move(spare, journal)
    (result,) = recover(tmp_path)
    assert result.path == path
    assert [info.path for info in list_episodes(tmp_path)] == [path]
    assert not journal.exists()


def test_a_build_that_died_half_way_is_done_again(tmp_path: Path) -> None:
    journal = recorded(tmp_path)
    (journal / "episode.tmp").write_bytes(b"half an episode")
    doomed = tmp_path / ".journal" / ".removed-0"
    doomed.mkdir()
    (doomed / "rest").touch()
    (result,) = recover(tmp_path)
    assert result.path is not None
    assert verify(result.path) == []
    assert list((tmp_path / ".journal").iterdir()) == []


KILL_AT_EACH_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from recorders.episode_builder import build_episode
source, steps = Path(sys.argv[1]), {"open", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}
for step in range(100):
    journal = source.with_name(str(step)) / ".journal" / source.name
    shutil.copytree(source, journal)
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
        build_episode(journal)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(step)
"""


@pytest.mark.campaign
def test_a_builder_killed_at_any_step_leaves_one_whole_episode(tmp_path: Path) -> None:
    journal = recorded(tmp_path).rename(tmp_path / "take")
    command = [sys.executable, "-c", KILL_AT_EACH_STEP, str(journal)]
    killed = int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert killed >= 5
    for step in range(killed + 1):
        folder = tmp_path / str(step)
        recover(folder)
        (info,) = list_episodes(folder)
        assert (info.frames, info.outcome, verify(info.path)) == (100, "success", [])
        assert list((folder / ".journal").iterdir()) == []


def test_repair_says_what_it_did_and_what_it_found(tmp_path: Path) -> None:
    episodes = tmp_path / "episodes"
    episodes.mkdir()
    assert repair(tmp_path) == [f"Nothing to repair at {tmp_path}: no take was cut off and all episodes are whole."]
    cut_off(episodes)
    (episodes / "000009-00000000.h5").write_bytes(b"not HDF5 at all")
    kept, damaged = repair(tmp_path)
    assert "was cut off. It is kept as 000010-" in kept
    assert damaged.startswith("000009-00000000.h5: The episode 000009-00000000.h5 is damaged.")


def test_repair_takes_a_file_or_one_journal(tmp_path: Path) -> None:
    path = build_episode(recorded(tmp_path))
    assert repair(path)[0].startswith("Nothing to repair")
    journal = cut_off(tmp_path)
    assert "It is kept as 000002-" in repair(journal)[0]
    with pytest.raises(EpisodeMissing, match="no file or folder"):
        repair(tmp_path / "nowhere")


def test_an_episode_that_could_not_be_read_back_keeps_its_journal(tmp_path: Path) -> None:
    journal = recorded(tmp_path)
    (journal / JOURNAL_FILE).write_bytes(b"")
    with pytest.raises(EpisodeCorrupt, match="no readable beginning"):
        build_episode(journal)
    assert journal.exists()


@pytest.mark.parametrize(
    ("kind", "stream", "payload", "words"),
    [
        (Kind.FRAME, 0, b"short", "a control tick has 464 bytes, not 5"),
        (Kind.IMAGE, 7, bytes(8), "tuple index out of range"),
        (Kind.IMAGE, 0, b"", "unpack_from requires a buffer"),
        (Kind.CLOCK_ANCHOR, 0, b"", "unpack requires a buffer"),
        (Kind.GAP, 0, b"{}", "required positional arguments"),
        (Kind.EVENT, 0, b"[", "Expecting value"),
        (99, 0, b"", "record of kind 99 that this app does not know. Update the app"),
    ],
)
def test_a_record_that_no_version_of_the_app_wrote_is_named_and_the_journal_kept(
    tmp_path: Path, kind: Kind, stream: int, payload: bytes, words: str
) -> None:
    writer = EpisodeWriter(tmp_path, description())
    add_second(writer, 0)
    writer._file.append(kind, stream, 0, payload)
    writer.finish("success")
    (result,) = recover(tmp_path)
    assert result.problem
    assert words in result.text
    assert (writer.journal / JOURNAL_FILE).exists()


def test_an_episode_that_a_kill_left_in_the_bin_too_is_taken_out_of_it(tmp_path: Path) -> None:
    """Other names of the same file, which somebody else gave, stay."""
    path = build_episode(recorded(tmp_path))
    (tmp_path / BIN).mkdir()
    twice, other = tmp_path / BIN / path.name, tmp_path / BIN / "a-copy.h5"
    for name in (twice, other):
        os.link(path, name)
    recover(tmp_path)
    assert (path.exists(), twice.exists(), other.exists()) == (True, False, True)
