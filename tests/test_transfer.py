"""Exports and imports through Studio without a rig, and from the command line: progress, choice, cancel, words."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest

from recorders.catalog import list_episodes
from recorders.episode_builder import build_episode
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import Imported
from teleop_studio.__main__ import main
from teleop_studio.processes.transfer_plan import ImportPlan
from teleop_studio.rig import RigConfig
from teleop_studio.session import StudioError
from teleop_studio.status import JobStatus
from teleop_studio.studio import Studio
from teleop_studio.transfer import TransferJob, choose, export_plan
from teleop_studio.workspace import Workspace
from tests.recorders.importers.foreign_files import aloha_file
from tests.recorders.takes import recorded

PATIENCE_S = 60.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


@pytest.fixture
def studio(workspace: Workspace) -> Iterator[Studio]:
    studio = Studio(RigConfig(), workspace)
    yield studio
    studio.close()


@pytest.fixture(autouse=True)
def _own_sigterm() -> Iterator[None]:
    """`main` takes the signal for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def polled(studio: Studio, until: Callable[[JobStatus], bool] = lambda job: job.finished) -> JobStatus:
    """The task's status once `until` is true of it, polled as the window does."""
    end_s = time.monotonic() + PATIENCE_S
    while (job := studio.poll().job) is None or not until(job):
        assert time.monotonic() < end_s, job
        time.sleep(0.01)
    return job


@pytest.mark.alone
def test_episodes_go_out_and_come_back_through_the_studio_without_a_rig(
    studio: Studio, workspace: Workspace, tmp_path: Path
) -> None:
    episodes = [build_episode(recorded(workspace.episodes)) for _ in range(2)]
    studio.export("act-jpeg", episodes, tmp_path / "out")
    with pytest.raises(StudioError, match="A task is running already"):
        studio.export("act", episodes, tmp_path / "elsewhere")
    ended = polled(studio)
    assert ended.title == "Exporting 2 episodes as act-jpeg"
    assert (ended.done, ended.total, ended.error) == (2, 2, "")
    assert f"2 episodes with 60 rows, 30 per second, are in {tmp_path / 'out'}." == ended.detail
    studio.import_episodes("act", tmp_path / "out")
    ended = polled(studio)
    assert (ended.detail, ended.error) == ("2 episodes were imported.", "")
    assert [row.number for row in studio.episodes()] == [1, 2, 3, 4]
    assert studio.poll().episodes == 4
    assert studio.status.notices == ()


@pytest.mark.alone
def test_what_was_not_imported_becomes_a_notice(studio: Studio, tmp_path: Path) -> None:
    for number in range(2):
        aloha_file(tmp_path / "data" / f"episode_{number}.hdf5")
    with h5py.File(tmp_path / "data" / "episode_0.hdf5", "r+") as file:
        del file["action"]
    studio.import_episodes("act", tmp_path / "data", unit="rad", task="fold", fps=50)
    ended = polled(studio)
    assert ended.detail == "1 episodes were imported."
    assert ended.error.startswith("1 episodes were not imported. episode_0.hdf5: There is no array 'action'")
    assert studio.status.notices == (ended.error,)
    assert [row.task for row in studio.episodes()] == ["fold"]
    studio.import_episodes("act", tmp_path / "data")  # no unit
    ended = polled(studio)
    assert "Give it: --unit" in ended.error or "how many rows a second" in ended.error
    assert ended.detail == "Ended early."


@pytest.mark.alone
def test_a_cancelled_export_ends_soon_and_leaves_nothing(studio: Studio, workspace: Workspace, tmp_path: Path) -> None:
    episodes = [build_episode(recorded(workspace.episodes))] * 40
    studio.export("plain", episodes, tmp_path / "out")
    polled(studio, lambda job: job.done >= 2)
    studio.cancel_job()
    ended = polled(studio)
    assert (ended.detail, ended.error) == ("Cancelled.", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["workspace"]


@pytest.mark.alone
def test_a_killed_process_is_told_and_tidied_up_after(studio: Studio, workspace: Workspace, tmp_path: Path) -> None:
    episodes = [build_episode(recorded(workspace.episodes))] * 40
    studio.export("plain", episodes, tmp_path / "out")
    polled(studio, lambda job: job.done >= 2)
    transfer = studio.tasks._transfer
    assert transfer is not None
    os.kill(transfer.pid, signal.SIGKILL)
    ended = polled(studio)
    assert ended.error == "The transfer process ended unexpectedly (exit code -9)."
    assert studio.status.notices == (ended.error,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["workspace"]


def test_what_is_wrong_from_the_start_is_told_at_once(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="no export format 'mat'"):
        studio.export("mat", [tmp_path / "a.h5"], tmp_path / "out")
    with pytest.raises(StudioError, match=r"a file or folder .* already"):
        studio.export("act", [tmp_path / "a.h5"], tmp_path)
    with pytest.raises(StudioError, match="no episode to export"):
        studio.export("act", [], tmp_path / "out")
    with pytest.raises(StudioError, match=r"There is no .*nowhere"):
        studio.import_episodes("act", tmp_path / "nowhere")
    with pytest.raises(StudioError, match="The unit 'turns' is unknown"):
        studio.import_episodes("act", tmp_path, unit="turns")
    assert studio.poll().job is None


def test_the_window_learns_the_formats_and_what_they_need(studio: Studio) -> None:
    assert [entry.name for entry in studio.export_formats()] == ["lerobot", "robomimic", "act", "act-jpeg", "plain"]
    assert [entry.name for entry in studio.import_formats()] == ["lerobot", "robomimic", "act"]
    assert {entry.missing for entry in studio.export_formats()} == {""}


def test_what_a_training_would_learn_from_goes_out_unless_told_otherwise(workspace: Workspace) -> None:
    folder = workspace.episodes
    good, failed, trial, unrated, broken = (
        build_episode(recorded(folder, outcome=outcome, source=source))
        for outcome, source in (
            ("success", "human"),
            ("failure", "human"),
            ("success", "policy"),
            ("unrated", "scripted"),
            ("success", "human"),
        )
    )
    os.truncate(broken, 1000)
    chosen, left_out = choose([folder])
    assert chosen == [good, unrated]
    reasons = {path: why for path, why in left_out}
    assert reasons.keys() == {failed, trial, broken}
    assert (reasons[failed], reasons[trial]) == ("labelled failure", "driven by policy")
    assert reasons[broken].startswith("damaged: ")
    assert choose([folder], ("failure",))[0] == [failed]
    assert choose([good, failed], ()) == ([good], [(failed, "labelled failure")])


@pytest.mark.alone
def test_export_and_import_from_a_shell(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(workspace.root), "--json"]
    assert main(["export", "--format", "plain", "--out", str(tmp_path / "out"), *place]) == 1
    assert "There is nothing to export: 0 episodes were found" in capsys.readouterr().err
    good = build_episode(recorded(workspace.episodes))
    failed = build_episode(recorded(workspace.episodes, outcome="failure"))

    assert main(["export", "--format", "robomimic", "--fps", "10", "--out", str(tmp_path / "out"), *place]) == 0
    output = capsys.readouterr()
    told = json.loads(output.out.splitlines()[-1])
    assert (told["episodes"], told["rows"], told["fps"]) == (1, 10, 10)
    assert told["left_out"] == [{"episode": str(failed), "why": "labelled failure"}]
    assert f"Left out: {failed.name}, labelled failure." in output.err
    assert main(["export", "--format", "robomimic", "--out", str(tmp_path / "out"), *place]) == 1
    assert "already" in json.loads(capsys.readouterr().out)["error"]

    ours = tmp_path / "ours"
    assert main(["import", "--format", "robomimic", "--data", str(tmp_path / "out"), "--out", str(ours), *place]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [info.path for info in list_episodes(ours)] == [Path(path) for path in told["episodes"]]
    assert told["refused"] == []

    (tmp_path / "bad.hdf5").write_bytes(b"bad")
    command = ["import", "--format", "act", "--data", str(tmp_path / "bad.hdf5"), "--out", str(ours), *place]
    assert main([*command, "--unit", "rad", "--fps", "50"]) == 1
    output = capsys.readouterr()
    assert "Not imported: bad.hdf5. bad.hdf5 can not be read." in output.err
    assert json.loads(output.out.splitlines()[-1])["refused"][0]["episode"] == "bad.hdf5"
    assert main(command) == 1
    assert "--fps" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    assert main(["export", "--format", "plain", "--data", str(good), str(tmp_path / "no"), "--out", "x", *place]) == 1
    assert "There is no" in capsys.readouterr().err


@pytest.mark.alone
def test_an_import_of_a_job_gives_its_result(tmp_path: Path) -> None:
    plan = ImportPlan("act", aloha_file(tmp_path / "e.hdf5"), tmp_path / "ours", ImportWish("rad", fps=50))
    job = TransferJob(plan)
    end_s = time.monotonic() + PATIENCE_S
    while not job.poll().finished:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    job.close()
    assert isinstance(job.result, Imported)
    assert len(job.result.episodes) == 1
    with pytest.raises(StudioError, match="already"):
        export_plan("act", [], tmp_path)
