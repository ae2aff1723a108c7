"""What was chosen while setting up, and the rig file that comes of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.arms import ARMS
from drivers.arms.calibration_file import JointCalibration, write_calibration
from teleop_studio.processes.setup_messages import Adopted
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig, WorkspaceBox
from teleop_studio.rig_file import load_rig, save_rig
from teleop_studio.rig_setup import RigSetup
from teleop_studio.session import StudioError
from teleop_studio.setup_choices import Choices, kind_of, known_calibrations
from teleop_studio.setup_status import FoundPort
from teleop_studio.workspace import Workspace


def calibration_of(arm: str, path: Path) -> str:
    joints = {
        joint.name: JointCalibration(joint.servo_id, joint.drive_mode & 1, 5, 1000, 3000) for joint in ARMS[arm].joints
    }
    write_calibration(path, joints)
    return str(path)


def chosen(tmp_path: Path, leader: str = "koch-leader", follower: str = "koch-follower") -> Choices:
    """Both arms chosen, calibrated and looked at."""
    choices = Choices()
    for role, arm in (("leader", leader), ("follower", follower)):
        choices.choose_arm(role, arm)
        choices.choose_port(role, f"/dev/{role}", None)
        path = calibration_of(arm, tmp_path / "calibration" / arm / f"{role}.json")
        choices.choose_calibration(role, path)
        choices.adopted(Adopted(role, arm, f"/dev/{role}", path, f"print of {role}", ARMS[arm].baud))
    return choices


def test_what_is_missing_is_said_one_step_after_the_other(tmp_path: Path) -> None:
    choices = Choices()
    assert choices.missing() == ("Choose the port of the leader.", "Choose the port of the follower.")
    choices.choose_port("leader", "/dev/a", None)
    assert choices.missing()[0] == "Choose which arm the leader is."
    choices.choose_arm("leader", "koch-leader")
    assert choices.missing()[0] == "Calibrate the leader, or choose its calibration file."
    choices.choose_calibration("leader", calibration_of("koch-leader", tmp_path / "a.json"))
    assert choices.missing()[0] == "The leader has not been looked at yet: scan /dev/a."
    choices.adopted(Adopted("leader", "koch-leader", "/dev/a", str(tmp_path / "a.json"), problem="It is another arm."))
    assert choices.missing()[0] == "The leader can not be used: It is another arm."
    assert chosen(tmp_path).missing() == ()


def test_the_rig_has_what_was_chosen_and_keeps_what_a_set_up_does_not_know(tmp_path: Path) -> None:
    choices = chosen(tmp_path)
    choices.choose_camera("front", "serial:046d:0825:1", 640, 480, 30.0)
    rig = choices.rig("koch", None)
    assert rig.leader == ArmConfig(
        "koch-leader",
        "/dev/leader",
        calibration=str(tmp_path / "calibration/koch-leader/leader.json"),
        fingerprint="print of leader",
    )
    assert rig.cameras == (CameraConfig("front", "usb", 640, 480, 30.0, device="serial:046d:0825:1"),)
    before = replace(rig, on_close="hold", cameras=(replace(rig.cameras[0], codec="png", focus=20),))
    again = choices.rig("koch", before)
    assert (again.on_close, again.cameras[0].codec, again.cameras[0].focus) == ("hold", "png", 20)
    assert Choices.of(again).rig("koch", again) == again


def test_a_gello_takes_the_names_of_its_follower_and_its_slow_line_is_refused_until_it_is_raised(
    tmp_path: Path,
) -> None:
    choices = chosen(tmp_path, "gello", "koch-follower")
    assert choices.missing()[0].startswith("the leader's joints")
    choices = chosen(tmp_path, "gello", "vx300s")
    assert "57600 baud" in choices.missing()[0]
    choices.rates["leader"] = 1_000_000
    rig = choices.rig("aloha", None)
    assert rig.leader.baud == 1_000_000
    assert rig.leader.names == ARMS["vx300s"].names


def test_a_port_belongs_to_one_role_and_another_arm_forgets_the_calibration(tmp_path: Path) -> None:
    choices = chosen(tmp_path)
    choices.choose_port("follower", "/dev/leader", None)
    assert choices.arms["leader"].port == ""
    assert choices.arms["follower"].calibration == ""
    choices.choose_port("leader", "/dev/x", FoundPort("/dev/x", servos=(), fits=()))
    assert choices.arms["leader"].arm == "koch-leader"  # nothing is known of that port yet


def test_an_answer_about_what_is_no_longer_chosen_changes_nothing(tmp_path: Path) -> None:
    choices = chosen(tmp_path)
    choices.choose_arm("leader", "omx-leader")
    choices.adopted(Adopted("leader", "koch-leader", "/dev/leader", "", "old", 1_000_000))
    assert choices.arms["leader"].fingerprint == ""


def test_a_calibration_of_another_arm_is_refused(tmp_path: Path) -> None:
    choices = Choices()
    path = calibration_of("vx300s", tmp_path / "a.json")
    with pytest.raises(StudioError, match="Choose the leader's arm first"):
        choices.choose_calibration("leader", path)
    choices.choose_arm("leader", "koch-leader")
    with pytest.raises(StudioError, match="The calibration is not one of Koch"):
        choices.choose_calibration("leader", path)
    with pytest.raises(StudioError, match="can not be read: No such file"):
        choices.choose_calibration("leader", str(tmp_path / "none.json"))


def test_a_camera_has_one_name_and_a_name_one_camera() -> None:
    choices = Choices()
    choices.choose_camera("front", "serial:a", 640, 480, 30.0)
    choices.choose_camera("wrist", "serial:a", 640, 480, 30.0)
    assert [camera.name for camera in choices.chosen_cameras] == ["wrist"]
    choices.choose_camera("wrist", "http://cam/video", 320, 240, 15.0)
    assert [camera.kind for camera in choices.chosen_cameras] == ["network"]
    with pytest.raises(StudioError, match="a name is a letter"):
        choices.choose_camera("1", "serial:b", 640, 480, 30.0)
    choices.drop_camera("wrist")
    assert choices.chosen_cameras == ()
    assert [kind_of(name) for name in ("port:1-2", "/dev/video0", "rtsp://x", "film.mp4")] == [
        "usb",
        "usb",
        "network",
        "video",
    ]


def test_calibrations_of_the_workspace_and_of_lerobot_are_listed_with_the_arms_they_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_LEROBOT_CALIBRATION", str(tmp_path / "lerobot"))
    workspace = Workspace.create(tmp_path / "workspace")
    calibration_of("koch-follower", tmp_path / "lerobot" / "robots" / "koch_follower" / "black.json")
    calibration_of("gello", workspace.calibrations / "gello" / "a.json")
    (workspace.calibrations / "broken.json").write_text("{}")
    found = {calibration.title: calibration.arms for calibration in known_calibrations(workspace)}
    assert "koch-follower" in found.pop("robots/koch_follower/black")
    assert set(found) == {"gello/a"}
    assert "gello" in found["gello/a"]
    assert "koch-leader" not in found["gello/a"]


def test_saving_without_a_name_or_with_something_missing_is_refused_and_a_saved_rig_is_loaded(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    setup = RigSetup(workspace, RigConfig, lambda: True)
    with pytest.raises(StudioError, match="'a/b' can not be a rig's name"):
        setup.save("a/b")
    with pytest.raises(StudioError, match="The set-up does not run"):
        setup.scan()
    setup._choices = chosen(tmp_path)
    setup.drop_camera("none")
    path = setup.save("koch")
    rig = load_rig(path)
    assert rig.follower.model.needs_calibration is False
    assert '../calibration/koch-leader/leader.json"' in path.read_text()
    save_rig(replace(rig, mirror=False), path)
    setup.save("koch")
    assert not load_rig(path).mirror
    path.write_text("speed = 3")
    with pytest.raises(StudioError, match=r"The rig koch can not be saved\..*no setting 'speed'"):
        setup.save("koch")


def test_the_box_of_another_follower_is_not_taken_over(tmp_path: Path) -> None:
    choices = chosen(tmp_path)
    before = RigConfig(
        leader=ArmConfig("studio-leader", "a"),
        follower=ArmConfig("studio-follower", "b"),
        cameras=(),
        box=WorkspaceBox(z=(0.01, None)),
    )
    assert choices.rig("koch", before).box is None
