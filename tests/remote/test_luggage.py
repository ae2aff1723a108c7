import os
from pathlib import Path

from teleop_studio.remote.luggage import pack, send
from teleop_studio.training.run_folder import RunConfig
from teleop_studio.training.settings import TrainSettings
from tests.remote.near_host import NearHost


def config(tmp_path: Path, **settings: object) -> RunConfig:
    paths = []
    for folder, name in (("a", "000001.h5"), ("b", "000001.h5"), ("a", "000002.h5")):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{folder} {name}")
        paths.append(path)
    (tmp_path / "a" / "labels.jsonl").write_text("labels")
    return RunConfig(TrainSettings(**settings), (tmp_path / "a",), tuple(paths), 1.0)  # type: ignore[arg-type]


def test_episodes_keep_their_names_and_order_and_folders_do_not_mix(near: NearHost, tmp_path: Path) -> None:
    wanted = config(tmp_path)
    luggage = pack(wanted, str(near.home))
    told: list[str] = []
    send(near.link, luggage, told.append)
    there = luggage.config(wanted, "auto")
    assert [path.read_text() for path in there.episodes] == ["a 000001.h5", "b 000001.h5", "a 000002.h5"]
    assert [path.name for path in there.episodes] == [path.name for path in wanted.episodes]
    assert (there.episodes[0].parent / "labels.jsonl").read_text() == "labels"
    assert "Sending episodes to box: 2 of at most 3 that are not there yet." in told
    told.clear()
    wanted.episodes[0].unlink()  # gone here, but it is there already
    os.utime(wanted.episodes[0].parent, (1.0, 1.0))  # which changes the folder's time
    send(near.link, luggage, told.append)
    assert not [text for text in told if text.startswith("Sending")]
    assert there.episodes[0].exists()


def test_weights_that_the_settings_name_by_a_path_go_along_and_their_path_is_turned_back(
    near: NearHost, tmp_path: Path
) -> None:
    backbone = tmp_path / "my backbone"
    backbone.mkdir()
    (backbone / "model.safetensors").write_text("pretrained")
    wanted = config(tmp_path, policy_settings={"backbone": str(backbone), "width": 32, "hub": "lerobot/smolvla_base"})
    luggage = pack(wanted, str(near.home))
    send(near.link, luggage, lambda _: None)
    settings = luggage.config(wanted, "auto").settings.policy_settings
    assert (Path(settings["backbone"]) / "model.safetensors").read_text() == "pretrained"
    assert Path(settings["backbone"]).is_relative_to(near.home)
    assert (settings["width"], settings["hub"]) == (32, "lerobot/smolvla_base")
    description = {"settings": settings, "step": 5}
    assert luggage.here(description)["settings"]["backbone"] == str(backbone)


def test_the_hosts_device_is_taken_where_the_run_leaves_it_open(tmp_path: Path) -> None:
    wanted = config(tmp_path)
    assert pack(wanted, "/x").config(wanted, "cuda:1").settings.device == "cuda:1"
    wanted = config(tmp_path, device="cpu")
    assert pack(wanted, "/x").config(wanted, "cuda:1").settings.device == "cpu"
