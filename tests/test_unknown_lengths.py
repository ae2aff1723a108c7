"""Arms whose lengths nobody has published: their episodes are seen, searched and learnt from, only not drawn upon."""

from pathlib import Path

import numpy as np
import pytest

from drivers.arms import GELLO, KOCH_FOLLOWER, KOCH_LEADER
from drivers.arms.calibration_file import JointCalibration, write_calibration
from drivers.kinematics import known
from recorders.catalog import Catalog
from recorders.episode_builder import build_episode
from teleop_studio.display import Display
from teleop_studio.episode_view import EpisodeView, measured_side
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from teleop_studio.training.episodes import common_task
from tests.recorders.takes import frame, recorded


@pytest.fixture
def episode(tmp_path: Path) -> Path:
    extra = {"follower": {"arm": GELLO.name}}
    return build_episode(recorded(tmp_path / "episodes", joint_names=GELLO.names, extra=extra))


def test_an_episode_is_looked_at_without_a_path(episode: Path) -> None:
    assert not known(GELLO)
    view = EpisodeView(episode)
    assert view.joint_names == GELLO.names
    assert view.tip_path.shape == (0, 3)
    assert view.row.side == ""
    assert view.project("front", view.tip_path, 0.5).shape == (0, 2)
    assert np.isnan(view.project("front", np.zeros((4, 3)), 0.5)).all()
    assert view.image_at("front", 0.5) is not None
    view.close()


def test_it_went_round_no_known_side(episode: Path) -> None:
    catalog = Catalog(episode.parent)
    catalog.refresh()
    (info,) = catalog.unsurveyed()
    assert measured_side(info, np.stack([frame(k).follower.position for k in range(50)])) == ""


def test_a_policy_learns_from_it_without_landmarks(episode: Path) -> None:
    assert common_task([episode]).tip_of is None


def test_a_rig_with_such_a_follower_is_displayed(tmp_path: Path) -> None:
    arms = []
    for model in (KOCH_LEADER, KOCH_FOLLOWER):
        path = tmp_path / f"{model.name}.json"
        write_calibration(path, {j.name: JointCalibration(j.servo_id, j.drive_mode, 0, 9, 4000) for j in model.joints})
        arms.append(ArmConfig(model.name, f"/dev/{model.name}", calibration=str(path)))
    rig = RigConfig(leader=arms[0], follower=arms[1], cameras=(CameraConfig("front", "usb", device="serial:1:2:3"),))
    assert np.isnan(Display(rig).project("front", np.zeros((5, 3)))).all()
