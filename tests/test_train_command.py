from pathlib import Path

import pytest

from teleop_studio.__main__ import build_parser
from teleop_studio.commands.driving import CommandFailed
from teleop_studio.commands.learn import train_choices, training_line
from teleop_studio.status import TrainingStatus
from teleop_studio.train_choices import TrainChoices


def chosen(*words: str) -> TrainChoices:
    return train_choices(build_parser().parse_args(["train", *words]))


def test_without_options_the_default_policy_is_trained_as_suits_it() -> None:
    assert chosen() == TrainChoices()


def test_settings_of_policy_and_training_are_named_on_the_command_line() -> None:
    words = ["--policy", "gaussian", "--set", "network=dit", "--set", "width=128", "--set", "augment=0.5"]
    words += ["--train-set", "batch=32", "--train-set", "betas=[0.9, 0.95]", "--processes", "2", "--seed", "7"]
    choices = chosen(*words, "--device", "cuda:1", "--host", "gpubox", "--weights", "w")
    assert choices.policy_settings == {"network": "dit", "width": 128, "augment": 0.5}
    assert choices.training == {"batch": 32, "betas": [0.9, 0.95], "processes": 2}
    assert (choices.seed, choices.device, choices.host, choices.weights) == (7, "cuda:1", "gpubox", Path("w"))


@pytest.mark.parametrize("text", ["width", "=128"])
def test_a_setting_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(CommandFailed, match=rf"'{text}' sets nothing\. Write it as NAME=VALUE"):
        chosen("--set", text)


def test_a_line_of_progress_says_device_and_remaining_time() -> None:
    status = TrainingStatus(
        Path("run"), step=200, steps=6500, loss=0.25, steps_per_s=10.0, eta_s=630.0, device="CPU, 2 processes"
    )
    assert training_line(status) == "step 200/6500, loss 0.2500, 10.0 steps/s on CPU, 2 processes, 10 min to go"
