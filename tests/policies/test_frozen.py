import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from teleop_studio.policies.encoders import build_encoder
from teleop_studio.policies.encoders.backbone_folder import BackboneError, Preprocessing, read_preprocessing
from teleop_studio.policies.encoders.frozen import FrozenBackbone
from tests.policies import backbones


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return backbones.dinov2(tmp_path_factory.mktemp("dinov2"))


@pytest.fixture
def copied(dinov2: Path, tmp_path: Path) -> Path:
    """To be damaged."""
    return Path(shutil.copytree(dinov2, tmp_path / "model"))


def noise(count: int = 2, side_px: int = 56) -> torch.Tensor:
    return torch.rand((count, 3, side_px, side_px), generator=torch.Generator().manual_seed(0)) * 2.0 - 1.0


@pytest.mark.parametrize("made", [backbones.clip, backbones.vit_without_pooler, backbones.resnet])
def test_many_kinds_of_vision_models_can_be_looked_through(made: Callable[[Path], Path], tmp_path: Path) -> None:
    encoder = build_encoder("frozen", 56, str(made(tmp_path)))
    features = encoder(noise())
    assert encoder.features == backbones.FEATURES
    assert features.shape == (2, backbones.FEATURES)
    assert not torch.equal(features[0], features[1])


def test_the_features_are_those_of_the_model_itself_on_pictures_prepared_its_way(dinov2: Path) -> None:
    from transformers import Dinov2Model

    pictures = noise(side_px=42)
    mean, std = (torch.tensor(values)[:, None, None] for values in ([0.5, 0.4, 0.3], [0.2, 0.25, 0.3]))
    with torch.no_grad():
        tokens = Dinov2Model.from_pretrained(dinov2)(((pictures + 1) / 2 - mean) / std).last_hidden_state
    features = build_encoder("frozen", 42, str(dinov2))(pictures)
    torch.testing.assert_close(features[:, :16], tokens[:, 0])
    # Nine patches for a grid of nine parts: each part's number 5 is that of its patch.
    torch.testing.assert_close(features[:, 16:].view(2, 16, 9)[:, 5], tokens[:, 1:, 5])


def test_what_is_seen_tells_where_a_thing_is(dinov2: Path) -> None:
    encoder = build_encoder("frozen", 56, str(dinov2))
    left = torch.full((1, 3, 56, 56), -1.0)
    left[..., 20:36, :16] = 1.0
    assert float((encoder(left) - encoder(left.flip(-1))).abs().max()) > 0.1


def test_a_backbone_is_no_part_of_what_is_learnt_or_kept(dinov2: Path) -> None:
    encoder = FrozenBackbone(str(dinov2))
    assert list(encoder.parameters()) == []
    assert list(encoder.state_dict()) == ["fingerprint"]
    assert not encoder(noise().requires_grad_()).requires_grad
    before = encoder.train()(noise())
    torch.testing.assert_close(encoder.eval()(noise()), before, rtol=0, atol=0)


def test_it_goes_to_the_device_and_the_precision_of_the_policy(dinov2: Path) -> None:
    encoder = FrozenBackbone(str(dinov2)).to(torch.float64)
    assert encoder(noise().double()).dtype == torch.float64


def test_a_policy_refuses_another_backbone_than_it_was_trained_with(dinov2: Path, tmp_path: Path) -> None:
    trained = FrozenBackbone(str(dinov2)).state_dict()
    FrozenBackbone(str(dinov2)).load_state_dict(trained)
    other = FrozenBackbone(str(backbones.dinov2(tmp_path, seed=1)))
    with pytest.raises(BackboneError, match=r"is not the one that the policy was trained with \(\w{12} here"):
        other.load_state_dict(trained)


def test_a_folder_must_be_named_and_be_there(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"no folder is named\. Name the folder of a vision model"):
        build_encoder("frozen", 56)
    with pytest.raises(BackboneError, match=r"There is no folder .*nowhere.*nothing is downloaded by itself"):
        build_encoder("frozen", 56, str(tmp_path / "nowhere"))
    with pytest.raises(BackboneError, match=r"has no config\.json, so it is no pretrained vision model"):
        build_encoder("frozen", 56, str(tmp_path))


def test_weights_that_could_run_code_are_not_read(copied: Path) -> None:
    torch.save(load_file(copied / "model.safetensors"), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    with pytest.raises(BackboneError, match=r"has no weights as safetensors\. Other files of weights can run code"):
        build_encoder("frozen", 56, str(copied))


def test_code_beside_the_weights_is_not_run(copied: Path) -> None:
    (copied / "eyes.py").write_text("raise SystemExit('this ran')")
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "eyes", "auto_map": {"AutoConfig": "eyes.Config", "AutoModel": "eyes.Model"}}
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(BackboneError, match=r"The model in .* can not be loaded"):
        build_encoder("frozen", 56, str(copied))


def test_a_model_of_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"\(bert\) does not take pictures\. Use a vision model"):
        build_encoder("frozen", 56, str(backbones.bert(tmp_path)))


def test_missing_weights_are_not_replaced_by_random_ones(copied: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    del weights["encoder.layer.1.mlp.fc1.weight"]
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackboneError, match=r"not complete: 1 are missing, the first is encoder\.layer\.1\.mlp\.fc1"):
        build_encoder("frozen", 56, str(copied))


def test_without_transformers_the_operator_learns_what_to_install(
    dinov2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(BackboneError, match=r"transformers, which is not installed.*pip install 'teleop-studio\["):
        build_encoder("frozen", 56, str(dinov2))


@pytest.mark.parametrize(
    ("size", "side_px"),
    [({"size": 224}, 224), ({"size": {"shortest_edge": 96}}, 96), ({"size": {"height": 80, "width": 80}}, 80)],
)
def test_the_size_of_pictures_is_read_in_all_its_spellings(
    size: dict[str, object], side_px: int, tmp_path: Path
) -> None:
    said = {**size, "image_mean": [0.5, 0.5, 0.5], "image_std": [1.0, 1.0, 1.0]}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    assert read_preprocessing(tmp_path) == Preprocessing(side_px, (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"size": 224}, r"does not say how pictures are prepared \(KeyError\('image_mean'\)\)"),
        ({"size": {"height": 80, "width": 90}}, r"pictures of 90x80 are no squares"),
        ({"size": 224, "image_mean": [0, 0, 0], "image_std": [0, 1, 1]}, r"the deviation \(0\.0, 1\.0, 1\.0\)"),
        ({"size": 8, "do_normalize": False, "rescale_factor": 1.0}, r"bytes times 1 and"),
    ],
)
def test_preprocessing_that_is_not_understood_is_refused(said: dict[str, object], says: str, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    with pytest.raises(BackboneError, match=says):
        read_preprocessing(tmp_path)
