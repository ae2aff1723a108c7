import json
from pathlib import Path

import pytest
import torch

from teleop_studio.training.devices import choose_device, device_title
from teleop_studio.training.environment import add_environment, read_environments
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.pace import Pace
from teleop_studio.training.settings import TrainSettings, settings_for


def test_the_device_is_picked_and_said() -> None:
    picked = choose_device("auto")
    assert picked.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == torch.device("cpu")
    assert device_title(torch.device("cpu")) == "CPU, 1 process"
    assert device_title(torch.device("cpu"), 2) == "CPU, 2 processes"


def test_a_device_that_is_not_there_is_refused_and_never_replaced() -> None:
    with pytest.raises(TrainingError, match=r"There is no device cuda:99: torch .* sees \d+ CUDA devices here"):
        choose_device("cuda:99")
    if not torch.backends.mps.is_available():
        with pytest.raises(TrainingError, match="There is no device mps"):
            choose_device("mps")


def test_a_run_says_with_what_it_was_trained_each_time_it_was_started(tmp_path: Path) -> None:
    add_environment(tmp_path, 0, "CPU, 2 processes", 2, TrainSettings(seed=3))
    add_environment(tmp_path, 500, "CPU, 1 process", 1, TrainSettings(seed=3))
    first, second = read_environments(tmp_path)
    assert (first["from_step"], first["device"], first["processes"], first["seed"]) == (0, "CPU, 2 processes", 2, 3)
    assert (second["from_step"], second["device"]) == (500, "CPU, 1 process")
    assert first["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert first["machine"]["cores"] >= 1
    assert set(first["git"]) in ({"commit", "dirty"}, set())
    (tmp_path / "environment.json").write_text("{")
    assert read_environments(tmp_path) == []
    assert json.dumps(first)


def test_the_remaining_time_follows_recent_steps_and_leaves_pauses_out() -> None:
    now_s = 0.0
    pace = Pace(lambda: now_s, earlier_s=40.0)
    assert (pace.steps_per_s, pace.eta_s(100)) == (0.0, None)
    for duration_s in (9.0, 1.0, 1.0):  # the first step is slow and tells nothing
        now_s += duration_s
        pace.step()
    assert (pace.steps_per_s, pace.eta_s(100), pace.elapsed_s) == (1.0, 100.0, 51.0)
    pace.pause()
    now_s += 3600.0
    assert pace.elapsed_s == 51.0
    pace.go_on()
    assert pace.eta_s(100) is None
    for _ in range(150):  # other load: half as fast
        now_s += 2.0
        pace.step()
    assert pace.steps_per_s == pytest.approx(0.5)
    assert pace.elapsed_s == pytest.approx(351.0)


def test_what_suits_a_policy_comes_before_the_defaults_and_after_what_is_given() -> None:
    act = settings_for("act")
    assert act.batch == 16
    assert settings_for("act", batch=4, steps=None).batch == 4
    assert settings_for("act", config={"horizon": 20}).config == {**act.config, "horizon": 20}
    with pytest.raises(ValueError, match=r"There is no policy 'magic'"):
        settings_for("magic")
    with pytest.raises(ValueError, match=r"betas = \[0\.9\]: it must be two numbers"):
        settings_for("act", betas=[0.9])
    with pytest.raises(ValueError, match=r"schedule = 'linear': it must be 'cosine' or 'constant'"):
        settings_for("act", schedule="linear")
