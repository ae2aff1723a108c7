"""One process or two, and a change between them at any step: the same bits."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from teleop_studio.live_lock import LiveLock, rig_is_live
from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.training.chunk_dataset import ChunkDataset
from teleop_studio.training.environment import read_environments
from teleop_studio.training.episodes import choose_episodes
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.helper_processes import Helpers, _meeting_point, helper_arguments
from teleop_studio.training.preparing import load_dataset, usable_cores, wanted_processes, with_shards
from teleop_studio.training.run_episodes import write_episodes
from teleop_studio.training.run_folder import RunConfig, write_config
from teleop_studio.training.run_status import read_status
from teleop_studio.training.settings import TrainSettings
from teleop_studio.training.sharing import Sharing, processes_allowed
from teleop_studio.training.training_loop import train
from tests.training.shown_tasks import SMALL, recorded

CPU = torch.device("cpu")
SHARED = replace(SMALL, steps=12, shards=2, checkpoint_every=4, log_every=1)
LAUNCHED = """
import sys
from pathlib import Path
from teleop_studio.training.main import run_training
sys.exit(run_training(Path(sys.argv[1]), Path(sys.argv[2]), niceness=0))
"""


@pytest.fixture(autouse=True)
def no_other_rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("episodes")
    for number in range(2):
        recorded(folder, number, enlarged=2)
    return choose_episodes(folder)


@pytest.fixture(scope="module")
def dataset(paths: list[Path], cache: Path) -> ChunkDataset:
    return load_dataset(SHARED, paths, cache, CPU)


@pytest.fixture
def begun(tmp_path: Path, paths: list[Path], dataset: ChunkDataset) -> Callable[[str], Path]:
    def run(name: str) -> Path:
        folder = tmp_path / name
        write_config(folder, RunConfig(SHARED, (), tuple(paths), 0.0))
        write_episodes(folder, dataset.episodes)
        return folder

    return run


def tensors(run: Path) -> dict[str, torch.Tensor]:
    newest = checkpoints(run)[-1]
    return {**load_file(newest / "model.safetensors"), **load_file(newest / "trainer.safetensors")}


def two(run: Path, cache: Path) -> Sharing:
    """Two processes from the first step on, and a clock that lets them look around before each."""
    seconds = count()
    start = lambda: Helpers(helper_arguments(run, cache), 1)  # noqa: E731
    return Sharing(2, start, wait=True, clock=lambda: float(next(seconds)))


def same(left: Path, right: Path) -> bool:
    expected, found = tensors(left), tensors(right)
    return expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.skipif(usable_cores() < 2, reason="there is one core")
def test_two_processes_learn_what_one_learns_and_one_steps_aside_for_a_rig_and_comes_back(
    begun: Callable[[str], Path], dataset: ChunkDataset, cache: Path
) -> None:
    alone, shared = begun("alone"), begun("shared")
    list(train(SHARED, alone, dataset))

    lock: LiveLock | None = None
    processes = []
    for progress in train(SHARED, shared, dataset, sharing=two(shared, cache)):
        processes.append(progress.processes)
        if progress.step == 4:
            lock = LiveLock()
        if progress.step == 8 and lock is not None:
            lock.release()
    beside_a_rig = 2 if usable_cores() >= 4 else 1
    assert processes == [2] * 4 + [beside_a_rig] * 4 + [2] * 5
    assert same(alone, shared)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.skipif(usable_cores() < 2, reason="there is one core")
def test_a_run_of_two_processes_is_resumed_to_the_last_bit_and_outlives_the_death_of_one(
    begun: Callable[[str], Path], dataset: ChunkDataset, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alone, cut = begun("alone"), begun("cut")
    list(train(SHARED, alone, dataset))

    before = set(psutil.Process().children())
    for progress in train(SHARED, cut, dataset, sharing=two(cut, cache)):
        if progress.step == 6:
            break  # as after a crash: the checkpoint of step 4 stands
    assert set(psutil.Process().children()) == before  # nobody is left behind

    processes = []
    for progress in train(SHARED, cut, dataset, sharing=two(cut, cache)):
        processes.append(progress.processes)
        if progress.step == 8:
            (helper,) = set(psutil.Process().children()) - before
            os.kill(helper.pid, signal.SIGKILL)
    assert processes == [2] * 4 + [1] * 5
    assert "A helping process died" in capfd.readouterr().err
    assert same(alone, cut)


def test_a_rig_is_live_as_long_as_somebody_holds_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "live"
    assert not rig_is_live(path)
    first, second = LiveLock(path), LiveLock(path)
    first.release()
    assert rig_is_live(path)
    second.release()
    assert not rig_is_live(path)


def test_beside_a_live_rig_two_cores_stay_free() -> None:
    assert processes_allowed() == usable_cores()
    lock = LiveLock()
    assert processes_allowed() == max(1, usable_cores() - 2)
    lock.release()


def test_a_run_keeps_its_shards_wherever_it_goes_on() -> None:
    assert with_shards(SMALL, CPU, launched=1).shards == 2
    assert with_shards(SMALL, CPU, launched=4).shards == 4
    assert with_shards(SMALL, torch.device("cuda"), launched=1).shards == 1
    assert with_shards(replace(SMALL, shards=1), CPU, launched=1).shards == 1  # a run of an older version
    assert with_shards(TrainSettings(batch=1), CPU, launched=1).shards == 1
    assert wanted_processes(replace(SMALL, shards=1), CPU) == 1
    assert wanted_processes(replace(SMALL, shards=2), CPU) == min(2, usable_cores())
    with pytest.raises(TrainingError, match=r"3 processes can not share batches of 8 moments in 2 shards"):
        with_shards(replace(SMALL, processes=3, shards=2), CPU, launched=1)
    with pytest.raises(TrainingError, match=r"2 processes on cuda have to be started by accelerate"):
        with_shards(replace(SMALL, processes=2), torch.device("cuda"), launched=1)
    with pytest.raises(TrainingError, match=r"processes = 8, but this machine has \d+ cores"):
        with_shards(replace(SMALL, processes=8, batch=8), CPU, launched=1)


@pytest.mark.alone
@pytest.mark.slow
def test_processes_that_a_launcher_started_train_together_and_only_the_first_writes(
    begun: Callable[[str], Path], dataset: ChunkDataset, cache: Path
) -> None:
    """As accelerate launch and torchrun do it: they say in the environment who is who, and where to meet."""
    alone, launched = begun("alone"), begun("launched")
    list(train(SHARED, alone, dataset))
    place = {**_meeting_point(2), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", LAUNCHED, str(launched), str(cache)],
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [process.wait() for process in started] == [0, 0]
    status = read_status(launched)
    assert (status.finished, status.step, status.device) == (True, SHARED.steps, "CPU, 2 processes")
    assert [found["processes"] for found in read_environments(launched)] == [2]
    assert read_status(alone).loss_curve.tolist() == status.loss_curve.tolist()
    assert same(alone, launched)
