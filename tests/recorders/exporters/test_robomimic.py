"""The file for robomimic is read by robomimic's own `SequenceDataset`, which lives in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from recorders.annotations import annotate
from recorders.catalog import episode_info
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.exporters.export import export
from recorders.resample import chosen_pictures, on_grid
from tests.recorders.takes import recorded

ROOT = Path(__file__).parents[3]
PATIENCE_S = 300.0
UNREACHABLE = ("Temporary failure in name resolution", "NewConnectionError", "No matching distribution", "timed out")

# Reads every sequence of a filter as a training would, and saves what it got.
READER = """
import sys
import numpy as np
import robomimic.utils.obs_utils as ObsUtils
from robomimic.utils.dataset import SequenceDataset
path, out = sys.argv[1:]
keys = ["joint_position", "joint_velocity", "front_image", "wrist_image"]
ObsUtils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": keys[:2], "rgb": keys[2:]}})
for mask in ("train", "valid"):
    dataset = SequenceDataset(path, obs_keys=keys, dataset_keys=["actions", "rewards", "dones"], frame_stack=2,
                              seq_length=16, filter_by_attribute=mask, load_next_obs=False)
    items = [dataset[index] for index in range(len(dataset))]
    arrays = {key: np.stack([item["obs"][key] for item in items]) for key in keys}
    np.savez(f"{out}-{mask}.npz", demos=dataset.demos, actions=np.stack([item["actions"] for item in items]), **arrays)
    dataset.close_and_delete_hdf5_handle()
"""


@pytest.fixture(scope="module")
def readers() -> Path:
    """The folder with robomimic, fetched at the first use."""
    command = ["sh", str(ROOT / "scripts" / "reader_environments.sh")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode and any(words in done.stderr for words in UNREACHABLE):
        pytest.skip(f"robomimic can not be fetched: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return ROOT / ".readers" / "robomimic"


@pytest.mark.slow
@pytest.mark.alone
def test_robomimics_own_dataset_reads_every_sequence(tmp_path: Path, readers: Path) -> None:
    episodes = [build_episode(recorded(tmp_path / "episodes", seconds)) for seconds in (1, 2, 1)]
    annotate(episodes[1].parent, episode_info(episodes[1]).uuid, split="held_out")
    export("robomimic", episodes, tmp_path / "out", 30)
    _read(tmp_path / "out" / "dataset.hdf5", readers, tmp_path / "read")
    for mask, chosen in (("train", [0, 2]), ("valid", [1])):
        found = dict(np.load(tmp_path / f"read-{mask}.npz"))
        assert list(found["demos"]) == [f"demo_{index}" for index in chosen]
        lengths = {0: 30, 1: 60, 2: 30}
        assert len(found["actions"]) == sum(lengths[index] for index in chosen)
        _compare(found, episodes[chosen[0]], lengths[chosen[0]])


def _read(path: Path, readers: Path, out: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(readers)}
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path), str(out)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _compare(found: dict[str, np.ndarray], episode: Path, length: int) -> None:
    """The sequences of the first demonstration: one frame before each row, then 16 rows, the ends repeated."""
    with EpisodeReader(episode) as reader:
        rows = on_grid(reader, 30)
        shown = np.stack(list(chosen_pictures(reader, "front", rows)))
    assert len(rows) == length
    due = (np.arange(length)[:, None] + np.arange(-1, 16)).clip(0, length - 1)
    np.testing.assert_array_equal(found["joint_position"][:length], rows.state[due])
    np.testing.assert_array_equal(found["joint_velocity"][:length], rows.velocity[due])
    np.testing.assert_array_equal(found["actions"][:length], rows.action[due])
    np.testing.assert_array_equal(found["front_image"][:length], shown[due])


def test_the_file_has_what_robomimic_asks_for(tmp_path: Path) -> None:
    episodes = [build_episode(recorded(tmp_path / "episodes", 1, outcome)) for outcome in ("success", "unrated")]
    export("robomimic", episodes, tmp_path / "out", 30)
    # As robomimic opens it by default.
    with h5py.File(tmp_path / "out" / "dataset.hdf5", "r", swmr=True, libver="latest") as file:
        said = json.loads(file["data"].attrs["env_args"])
        assert (set(said), said["env_kwargs"]) == ({"env_name", "type", "env_kwargs"}, {"control_freq": 30})
        assert file["data"].attrs["total"] == 60
        assert set(file["mask"]) == {"train"}
        assert [name.decode() for name in file["mask/train"]] == ["demo_0", "demo_1"]
        for demo, success in (("demo_0", 1.0), ("demo_1", 0.0)):
            group = file["data"][demo]
            assert group.attrs["num_samples"] == 30
            assert group["actions"].shape == (30, 7)
            assert (group["rewards"][-1], group["rewards"][:-1].sum()) == (success, 0.0)
            assert list(group["dones"]) == [0] * 29 + [1]
            assert (group["obs/front_image"].dtype, group["obs/front_image"].shape) == (np.uint8, (30, 48, 64, 3))
            assert np.abs(np.diff(group["stamp_ns"][:]) - 1e9 / 30).max() <= 1
            assert (group["capture_ns/front"][:] <= group["stamp_ns"][:]).all()
