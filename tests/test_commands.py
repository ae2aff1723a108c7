"""The command line: help, exit codes, JSON on the last line, no stack trace for what an operator can mend."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dynamixel_sdk import COMM_SUCCESS, PacketHandler, PortHandler

from recorders.catalog import episode_info
from recorders.episode_builder import build_episode
from teleop_studio.__main__ import _COMMANDS, main
from teleop_studio.rig import CameraConfig, RigConfig
from teleop_studio.rig_file import save_rig
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "recorders" / "golden"
PATIENCE_S = 120.0
SMALL_RIG = RigConfig(
    cameras=(CameraConfig("front", width=64, height=64, fps=15), CameraConfig("wrist", width=64, height=64, fps=15)),
    realtime=False,
)


@pytest.fixture(autouse=True)
def _own_sigterm() -> Iterator[None]:
    """`main` takes the signal for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`teleop-studio` as a shell starts it."""
    command = [sys.executable, "-m", "teleop_studio", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )


def answered(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object on the last line of stdout."""
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert f"teleop-studio {command}" in said
    assert "--json" in said


def test_the_list_of_commands_names_exactly_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^ {4}(\w+)", capsys.readouterr().out, re.MULTILINE)
    assert sorted(listed) == sorted(_COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["dance"],
        ["record"],
        ["record", "--episodes", "0"],
        ["record", "--episodes", "many"],
        ["evaluate", "--run", "a", "--trials", "0"],
        ["train", "--steps", "-5"],
        ["verify"],
        ["sim", "--colour", "red"],
    ],
)
def test_wrong_usage_is_told_with_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: teleop-studio" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["record", "--episodes", "1", "--rig", "no-such-rig"], "There is no rig 'no-such-rig'"),
        (["record", "--episodes", "1", "--fast"], "--fast records in lock-step"),
        (["train", "--policy", "magic"], "The policy 'magic' is unknown"),
        (["train", "--resume"], "--resume needs the run"),
        (["train", "--resume", "--out", "no-run"], "is no training run that can be read"),
        (["sim", "--scene", "moon"], "scene = 'moon'"),
    ],
)
def test_what_can_not_be_done_is_a_sentence_and_exit_code_1(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = [] if arguments[0] == "sim" else ["--workspace", str(tmp_path / "workspace")]
    assert main([*arguments, *place, "--json"]) == 1
    output = capsys.readouterr()
    assert said in output.err
    assert said in json.loads(output.out.splitlines()[-1])["error"]
    assert main([*arguments, *place]) == 1
    assert capsys.readouterr().out == ""


def test_a_workspace_that_can_not_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")
    assert main(["record", "--episodes", "1", "--workspace", str(tmp_path / "file")]) == 1
    assert "can not be written" in capsys.readouterr().err


def test_verify_says_what_is_broken_and_repair_what_it_has_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "episodes"
    good = build_episode(recorded(folder))
    assert main(["verify", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []

    broken = build_episode(recorded(folder))
    os.truncate(broken, broken.stat().st_size // 2)
    assert main(["verify", str(folder), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any(broken.name in problem for problem in problems)
    assert not any(good.name in problem for problem in problems)
    broken.unlink()

    recorded(folder)  # a take whose file was never built
    assert main(["repair", str(folder), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["repaired"]) == 1
    assert len(list(folder.glob("*.h5"))) == 2
    assert main(["verify", str(folder)]) == 0
    for command in ("verify", "repair", "migrate"):
        assert main([command, str(tmp_path / "nowhere")]) == 1
        assert "There is no" in capsys.readouterr().err


def test_migrate_brings_old_files_to_the_newest_format_and_names_those_it_can_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "episodes"
    new = build_episode(recorded(folder))
    old = folder / "000002-0a0b0c0d.h5"
    old.write_bytes(gzip.decompress((GOLDEN / "1.0.h5.gz").read_bytes()))
    assert main(["migrate", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["migrated"] == [old.name]
    assert (folder / ".bin" / old.name).is_file()
    assert main(["verify", str(folder)]) == 0
    capsys.readouterr()

    os.truncate(new, new.stat().st_size // 2)
    assert main(["migrate", str(folder), "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert new.name in problem


@pytest.mark.alone
def test_the_simulated_rig_answers_any_dynamixel_program_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "teleop_studio", "sim", "--pty", "--json"]
    sim = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert sim.stdout is not None
        ports = json.loads(sim.stdout.readline())
        assert set(ports) == {"leader", "follower"}
        for path in ports.values():
            port = PortHandler(path)
            assert port.openPort()
            try:
                assert port.setBaudRate(1_000_000)
                model, result, error = PacketHandler(2.0).ping(port, 1)
            finally:
                port.closePort()
            assert (result, error) == (COMM_SUCCESS, 0)
            assert model > 0
        sim.send_signal(signal.SIGINT)
        out, err = sim.communicate(timeout=PATIENCE_S)
    finally:
        if sim.poll() is None:
            sim.kill()
            sim.communicate()
    assert (sim.returncode, out, err) == (0, b"", b"")


@pytest.mark.alone
def test_record_train_evaluate_and_rollout_from_a_shell(tmp_path: Path) -> None:
    rig, workspace = tmp_path / "small.toml", tmp_path / "workspace"
    save_rig(SMALL_RIG, rig)
    place = ("--rig", rig, "--workspace", workspace, "--json")

    done = run("record", "--scripted", "--fast", "--episodes", "2", "--operator", "Ada", *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = answered(done)
    assert {episode_info(Path(path)).operator for path in told["episodes"]} == {"Ada"}
    assert told["gaps"] == 0
    assert told["frames"] > 400
    assert all(Path(path).is_file() for path in told["episodes"])
    assert answered(run("verify", workspace / "episodes", "--json", cwd=tmp_path))["problems"] == []

    train = ("train", "--workspace", workspace, "--steps", "2", "--out", "a-run", "--json")
    done = run(*train, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = answered(done)
    assert (told["step"], told["finished"], told["run"]) == (2, True, str(tmp_path / "a-run"))
    # The same folder again: nothing is trained over, and nothing claims to have been trained.
    done = run(*train, cwd=tmp_path)
    assert done.returncode == 1
    assert "holds a run already" in answered(done)["error"]

    done = run("evaluate", "--run", "a-run", "--trials", "1", *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (summary,) = answered(done)["runs"]
    assert (summary["run"], summary["trials"]) == ("a-run", 1)
    assert summary["interval"][0] <= summary["successes"] <= summary["interval"][1]

    done = run("evaluate", "--run", "a-run", "--seed", "0", "--trials", "2", *place, cwd=tmp_path)
    assert done.returncode == 1
    assert "a-run was trained on 2 of these 2 starts (layouts 0, 1)" in answered(done)["error"]

    flags = ("--checkpoints", "--no-episodes", "--executed-steps", "12")
    done = run("evaluate", "--run", "a-run", "--trials", "1", *flags, *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = answered(done)["table"]["rows"]
    assert (row["run"], row["left_demonstrations"], row["trials"]) == ("a-run", 0.5, 1)
    assert Path(answered(done)["table"]["page"]).is_file()

    done = run("rollout", "--run", "a-run", *place, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = answered(done)
    assert Path(told["episode"]).is_file()
    assert told["success"] is (told["why"] == "")

    done = run("rollout", "--run", "no-run", *place, cwd=tmp_path)
    assert done.returncode == 1
    assert "The run no-run can not be used. There is no checkpoint" in answered(done)["error"]


def test_a_module_of_the_program_starts_as_one(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: teleop-studio")
