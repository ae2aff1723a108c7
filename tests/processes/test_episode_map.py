"""The map over many episode files: the same results from each engine, whatever happens to a file or a worker."""

import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from teleop_studio.processes.episode_map import EpisodeMapError, EpisodeResult, map_episodes
from tests.processes.episode_work import all_work, leave, read, read_or_die, surroundings
from tests.training.shown_tasks import recorded

ONE_PARENT = """
import sys
from pathlib import Path
from teleop_studio.processes.episode_map import map_episodes
from tests.processes.episode_work import wait_for_ever
if __name__ == "__main__":
    map_episodes(wait_for_ever, [Path(sys.argv[1])])
"""


def files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{k:06d}.h5" for k in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def outcome(results: list[EpisodeResult[str]]) -> list[str]:
    """The value, or the error's first words."""
    return [result.value or result.error.partition(".")[0] for result in results]


def test_what_can_not_be_worked_with_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = files(tmp_path, "a")
    with pytest.raises(EpisodeMapError, match=r"no engine 'spark'\. Known engines: processes, ray, serial"):
        map_episodes(read, paths, engine="spark")
    with pytest.raises(EpisodeMapError, match=r"workers = 0\. Give at least one"):
        map_episodes(read, paths, workers=0)
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(EpisodeMapError, match=rf"The Ray cluster {address} can not be reached: .*refused"):
        map_episodes(read, paths, engine="ray", address=address)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EpisodeMapError, match=r"'ray' is not installed\. .*pip install 'teleop-studio\[cluster\]'"):
        map_episodes(read, paths, engine="ray")


def test_no_files_need_no_engine() -> None:
    assert map_episodes(read, [], engine="ray") == []


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_results_come_in_order_and_a_broken_file_costs_only_its_own(tmp_path: Path, engine: str) -> None:
    paths = [*files(tmp_path, "first", "damaged", "third"), tmp_path / "nowhere.h5"]
    told: list[EpisodeResult[str]] = []
    results = map_episodes(read, paths, engine=engine, workers=2, on_done=told.append)
    assert [result.path for result in results] == paths
    assert [result.value for result in results] == ["first", None, "third", None]
    assert results[1].error == "The episode 000001.h5 is damaged. Restore it from a copy."
    assert results[3].error.startswith("FileNotFoundError: ")
    assert sorted(told, key=lambda result: result.path) == results
    assert outcome(map_episodes(leave, paths[:1], engine=engine)) == ["SystemExit: enough"]


@pytest.mark.alone
def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path: Path) -> None:
    paths = files(tmp_path, *"ab", "once", *"cd")
    assert outcome(map_episodes(read_or_die, paths, workers=2)) == ["a", "b", "once", "c", "d"]


@pytest.mark.alone
def test_a_file_that_kills_each_worker_is_named_and_no_other_is_lost(tmp_path: Path) -> None:
    paths = files(tmp_path, "a", "always", "b", "c")
    results = map_episodes(read_or_die, paths, workers=2)
    assert outcome(results) == ["a", "The process that worked on 000001", "b", "c"]
    assert f"teleop-studio verify {paths[1]}" in results[1].error


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_a_cancelled_map_keeps_what_is_done(tmp_path: Path, engine: str) -> None:
    done: list[EpisodeResult[str]] = []
    paths = files(tmp_path, "a", "b", "c")
    results = map_episodes(read, paths, engine=engine, on_done=done.append, cancelled=lambda: len(done) == 1)
    assert outcome(results) == ["a", *["It was not done: the work was cancelled before"] * 2]


@pytest.mark.alone
def test_workers_take_the_lowest_priority_and_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [result.value for result in map_episodes(surroundings, files(tmp_path, "a"))] == [(19, "1")]
    assert map_episodes(surroundings, files(tmp_path, "a"), engine="serial")[0].value[1] == "8"


@pytest.mark.alone
def test_workers_do_not_outlive_whom_they_work_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ONE_PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            worker = psutil.Process(int(parent.stdout.readline()))
        finally:
            parent.kill()
        assert psutil.wait_procs([worker], timeout=60)[1] == []


@pytest.mark.alone
@pytest.mark.slow
def test_ray_gives_what_processes_give(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    episodes = [recorded(tmp_path / "episodes", k, seconds=0.5) for k in range(2)]
    found: dict[str, list[EpisodeResult[object]]] = {}
    for engine in ("ray", "processes"):
        folder = tmp_path / engine
        folder.mkdir()
        done: list[EpisodeResult[object]] = []
        paths = [*files(folder, "a", "once", "always", "b"), *episodes]
        task = partial(all_work, out=folder / "out")
        found[engine] = map_episodes(task, paths, engine=engine, workers=2, on_done=done.append)
        assert len(done) == len(paths)
    assert capfd.readouterr().out == ""  # stdout is for results, Ray's own words are not
    assert [result.value for result in found["ray"]] == [result.value for result in found["processes"]]
    assert [result.value for result in found["ray"][:4]] == ["a", "once", None, "b"]
    assert found["ray"][2].error.startswith("The process that worked on 000002.h5 died, twice.")
    assert all(result.value for result in found["ray"][4:])
    built = [sorted((tmp_path / engine / "out" / "cache").iterdir()) for engine in found]
    assert [path.name for path in built[0]] == [path.name for path in built[1]]
    assert [path.read_bytes() for path in built[0]] == [path.read_bytes() for path in built[1]]

    import ray

    assert not ray.is_initialized()
