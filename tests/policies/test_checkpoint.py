import json
import zipfile
from pathlib import Path

import pytest
import torch

from teleop_studio.policies.checkpoint import (
    CheckpointError,
    CheckpointInfo,
    RigShape,
    load_policy,
    read_info,
    save_checkpoint,
)
from teleop_studio.policies.checkpoint_folder import checkpoint_path, newest_checkpoint
from teleop_studio.policies.flow_matching import FlowMatching, FlowMatchingSettings
from tests.policies.toy_task import CAMERAS, JOINTS, TOY, random_batch

SMALL = FlowMatchingSettings(width=32, blocks=1)


def saved(folder: Path, seed: int = 0) -> FlowMatching:
    torch.manual_seed(seed)
    policy = FlowMatching(TOY, SMALL)
    save_checkpoint(folder, CheckpointInfo("flow-matching", 7, TOY, policy.settings()), policy.state_dict())
    return policy


def test_a_policy_comes_back_as_it_was(tmp_path: Path) -> None:
    policy = saved(tmp_path / "one")
    loaded, info = load_policy(tmp_path / "one")
    assert info == CheckpointInfo("flow-matching", 7, TOY, policy.settings())
    batch = random_batch(1)
    policy.train(False)
    with torch.no_grad():
        chunks = [
            p.sample_chunks(p.encode(batch.seen), 2, 5, torch.Generator().manual_seed(0)).chunks
            for p in (policy, loaded)
        ]
    torch.testing.assert_close(chunks[0], chunks[1], atol=0, rtol=0)


def test_another_set_or_order_of_cameras_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    info = read_info(tmp_path / "one")
    info.require(RigShape(CAMERAS, JOINTS))
    with pytest.raises(CheckpointError, match=r"trained with the cameras front, wrist; here they are front\."):
        info.require(RigShape(("front",), JOINTS))
    with pytest.raises(CheckpointError, match=r"here they are wrist, front"):
        info.require(RigShape(("wrist", "front"), JOINTS))


def test_other_joints_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    with pytest.raises(CheckpointError, match=r"this arm has waist, gripper"):
        read_info(tmp_path / "one").require(RigShape(CAMERAS, ("waist", "gripper")))


def test_every_difference_is_named_at_once(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    info = read_info(tmp_path / "one")
    info.require(RigShape(CAMERAS, JOINTS, {"front": 240, "wrist": 16}, 100.0))
    with pytest.raises(CheckpointError) as refused:
        info.require(RigShape(("wrist", "front"), ("waist", "gripper"), {"front": 240, "wrist": 15}, 10.0))
    for said in (
        "here they are wrist, front.",
        "this arm has waist, gripper.",
        "pictures of 16x16; those of the camera wrist have only 15 pixels on their shorter side.",
        "gives 15 goals a second; this arm is given only 10.",
        "train on recordings of this one.",
    ):
        assert said in str(refused.value)


def test_a_checkpoint_of_another_version_says_so(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    path = tmp_path / "one" / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(CheckpointError, match=r"version 99; this program reads .* version 1"):
        load_policy(tmp_path / "one")


@pytest.mark.parametrize("damage", ["truncate", "other policy", "missing"])
def test_damaged_weights_are_refused(tmp_path: Path, damage: str) -> None:
    saved(tmp_path / "one")
    weights = tmp_path / "one" / "model.safetensors"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "missing":
        weights.unlink()
    else:
        path = tmp_path / "one" / "checkpoint.json"
        path.write_text(path.read_text().replace('"width": 32', '"width": 48'))
    with pytest.raises(CheckpointError, match=r"does not hold the weights of a 'flow-matching' policy"):
        load_policy(tmp_path / "one")


def test_an_unknown_policy_is_named(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    path = tmp_path / "one" / "checkpoint.json"
    path.write_text(path.read_text().replace('"flow-matching"', '"telepathy"'))
    with pytest.raises(CheckpointError, match=r"no policy 'telepathy'. Known policies: .*flow-matching"):
        load_policy(tmp_path / "one")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"can not be read as a checkpoint"):
        read_info(tmp_path)


def test_nothing_is_pickled(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [path.suffix for path in files] == [".json", ".safetensors"]
    for path in files:
        assert not zipfile.is_zipfile(path)  # torch.save
        assert not path.read_bytes().startswith(b"\x80")  # pickle


def test_the_weights_may_be_read_by_whoever_may_read_the_description(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    modes = {path.stat().st_mode for path in (tmp_path / "one").iterdir()}
    assert len(modes) == 1


def test_a_half_written_checkpoint_is_not_seen(tmp_path: Path) -> None:
    def power_cut(folder: Path) -> None:
        raise OSError("no space left on device")

    policy = saved(checkpoint_path(tmp_path, 1000))
    info = CheckpointInfo("flow-matching", 2000, TOY, policy.settings())
    with pytest.raises(CheckpointError, match=r"could not be written: no space left"):
        save_checkpoint(checkpoint_path(tmp_path, 2000), info, policy.state_dict(), power_cut)
    assert newest_checkpoint(tmp_path) == checkpoint_path(tmp_path, 1000)


def test_the_newest_checkpoint_is_the_one_with_most_steps(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
    for step in (9000, 10000, 1000):
        saved(checkpoint_path(tmp_path, step))
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    assert int(newest.name) == 10000
