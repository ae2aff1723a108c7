"""The work of the set-up process, in memory: what it finds, says, writes and gives back."""

import json
from pathlib import Path

import pytest

from teleop_studio.processes import setup_messages as m
from teleop_studio.setup_status import CameraChoice
from tests.processes.setup_benches import SetupWorld


def test_a_scan_tells_what_hangs_where_and_gives_every_port_back() -> None:
    world = SetupWorld.of(a="koch-leader", b="koch-follower")
    view = world.do(m.Scan())
    assert (view.busy, view.problem) == ("", "")
    assert [port.fits for port in view.ports] == [("koch-leader",), ("koch-follower",)]
    assert [len(port.servos) for port in view.ports] == [6, 6]
    assert all(port.scanned and port.fingerprint for port in view.ports)
    assert world.open_ports == []


def test_a_busy_port_says_why_and_the_others_are_scanned_all_the_same() -> None:
    world = SetupWorld.of(a="koch-leader", b="koch-follower")
    world.busy.add("a")
    view = world.do(m.Scan())
    assert view.ports[0].problem.startswith("Another program uses the port a")
    assert view.ports[1].fits == ("koch-follower",)


def test_progress_is_shown_while_all_rates_are_tried() -> None:
    world = SetupWorld.of(a="koch-leader")
    world.lines["a"].servo(6).poke("baud_rate", 1)
    world.bench.do(m.Scan(all_bauds=True))
    seen = []
    while world.bench.working:
        view = world.step()
        seen.append((view.busy, round(view.progress, 2)))
    assert ("Scanning a", 0.5) in seen
    assert world.port("a").notes == (
        "servo 6 (gripper) answers at 57600, the others at 1000000 baud. Set its baud rate to 1000000.",
    )
    assert [servo.note for servo in world.port("a").servos if servo.baud == 57_600] == [
        "the others answer at 1000000 baud"
    ]


def test_a_port_that_was_typed_in_is_kept_and_one_that_does_not_exist_is_told() -> None:
    world = SetupWorld.of(a="koch-leader")
    view = world.do(m.Scan(("socket://127.0.0.1:7000",)))
    assert view.ports[-1].path == "socket://127.0.0.1:7000"
    assert view.ports[-1].problem.startswith("The port socket://127.0.0.1:7000 can not be opened")
    world.do(m.Scan())
    assert world.bench.view.ports[-1].path == "socket://127.0.0.1:7000"


def test_an_empty_line_says_what_to_look_at() -> None:
    world = SetupWorld.of(a="koch-leader")
    for servo_id in range(1, 7):
        world.lines["a"].faults.silence(servo_id)
    assert world.do(m.Scan()).ports[0].notes == (
        "Nothing answered. Check the power of the arm and the cable from the adapter to its first servo.",
    )


def test_the_arm_that_a_hand_moves_is_told_and_a_holding_one_is_let_go_first() -> None:
    world = SetupWorld.of(a="koch-leader", b="koch-follower")
    world.lines["b"].servo(2).poke("torque_enable", 1)
    world.do(m.Scan(), m.Identify(True))
    assert world.bench.view.identifying
    assert world.bench.view.said[-1] == "The arm on b was holding and is limp now."
    assert not world.lines["b"].servo(2).torque_on
    for k in range(10):
        world.lines["a"].hand("shoulder_pan").hold(0.1 * k)
        world.step()
    assert world.port("a").moved == pytest.approx(0.9 / 6.2832, abs=0.01)
    assert world.port("b").moved < 0.01
    world.do(m.Identify(False))
    assert not world.bench.view.identifying
    assert world.open_ports == []


def test_choosing_an_arm_while_identifying_does_not_end_it() -> None:
    world = SetupWorld.of(a="koch-leader", b="koch-follower")
    world.do(m.Scan(), m.Identify(True), m.Adopt("leader", "koch-leader", "a", ""))
    assert world.bench.view.identifying
    assert world.events[-1].fingerprint == world.port("a").fingerprint
    assert world.events[-1].problem == ""


def test_an_arm_that_is_not_the_chosen_one_is_refused_with_both_named() -> None:
    world = SetupWorld.of(a="koch-leader")
    world.do(m.Scan(), m.Adopt("follower", "koch-follower", "a", ""))
    assert world.events[-1].fingerprint == ""
    assert world.events[-1].problem.startswith("a has not the servos of Koch v1.1 follower")


def test_an_id_and_a_rate_are_changed_and_shown_by_a_new_scan() -> None:
    world = SetupWorld.of(a="gello")
    world.do(m.Scan(), m.SetBaud("a", (), 1_000_000))
    assert {servo.baud for servo in world.port("a").servos} == {1_000_000}
    assert "talk at 1000000 baud now." in world.bench.view.said[-2]
    world.do(m.SetId("a", 3, 30))
    assert [servo.servo_id for servo in world.port("a").servos] == [1, 2, 4, 5, 6, 7, 30]
    view = world.do(m.SetId("a", 1, 2))
    assert view.problem.startswith("Another servo on a has id 2 already")
    assert world.open_ports == []


def test_a_calibration_runs_to_its_file_and_the_arm_is_taken_as_it_is_then(tmp_path: Path) -> None:
    world = SetupWorld.of(a="studio-follower")
    path = tmp_path / "calibration" / "a.json"
    world.do(m.Scan(), m.StartCalibration("follower", "studio-follower", "a", str(path)))
    view = world.bench.view.calibration
    assert view is not None
    assert (view.number, view.of, view.title) == (1, 3, "Middle pose")
    line = world.lines["a"]
    names = [joint.joint for joint in view.joints]
    for name in names:
        line.hand(name).hold(0.5 if name == "gripper" else 0.0)
    world.do(m.NextStep())
    refused = world.do(m.NextStep())
    assert refused.problem.startswith("Still to be moved to both ends: waist, shoulder")
    for name in names:
        for value in (0.1, 0.9, 0.5) if name == "gripper" else (-1.2, 1.3, 0.0):
            line.hand(name).hold(value)
            world.step()
    verified = world.do(m.NextStep()).calibration
    assert verified is not None
    assert verified.title == "Does it follow?"
    assert [joint.value for joint in verified.joints][:6] == pytest.approx([0.0] * 6, abs=0.002)
    assert len(verified.points) == 8  # base, six joints, tip
    assert json.loads(path.read_text())["waist"]["id"] == 1
    line.hand("waist").hold(0.7)
    seen = world.step().calibration
    assert seen is not None
    assert seen.joints[0].value == pytest.approx(0.7, abs=0.002)
    done = world.do(m.NextStep())
    assert done.calibration is not None
    assert done.calibration.finished
    assert world.events[-1].calibration == str(path)
    assert world.events[-1].problem == ""
    assert world.events[-1].fingerprint
    assert world.open_ports == []


def test_a_line_that_goes_away_while_calibrating_ends_it_with_a_sentence() -> None:
    world = SetupWorld.of(a="koch-leader")
    world.do(m.Scan(), m.StartCalibration("leader", "koch-leader", "a", "/nowhere.json"))
    world.lines["a"].faults.unplugged = True
    view = world.step()
    assert view.calibration is None
    assert view.problem.startswith("The connection to a was lost")
    assert world.open_ports == []


def test_a_step_without_a_calibration_is_refused() -> None:
    assert SetupWorld.of(a="koch-leader").do(m.NextStep()).problem.startswith("There is no step to end")


def test_factory_servos_are_walked_through(tmp_path: Path) -> None:
    world = SetupWorld.of(factory=True, a="koch-leader")
    line = world.lines["a"]
    world.do(m.StartServos("leader", "koch-leader", "a"))
    titles = []
    while (view := world.bench.view.calibration) is not None and not view.finished:
        titles.append(view.title)
        line.plug_only(view.title.rpartition(" ")[2])
        assert world.do(m.NextStep()).problem == ""
    assert titles[0] == "Motor 1 of 6: shoulder_pan"
    assert len(titles) == 6
    line.plug_only()
    assert world.do(m.Scan()).ports[0].fits == ("koch-leader",)


def test_each_camera_shows_a_picture_or_says_why_not() -> None:
    world = SetupWorld.of(a="koch-leader")
    world.add_camera("serial:1", ((1920, 1080, 30.0, "MJPG"), (640, 480, 30.0, "MJPG"), (640, 480, 60.0, "MJPG")))
    world.add_camera("serial:busy", ((640, 480, 30.0, "YUYV"),))
    world.add_camera("serial:3", (), problem="The camera /dev/video4 may not be opened.")
    world.do(m.ScanCameras())
    first, busy, closed = world.bench.cameras.found
    assert first.picture is not None
    assert first.picture.shape == (240, 320, 3)
    assert busy.problem.startswith("Camera preview is in use by another program")
    assert closed.problem == "The camera /dev/video4 may not be opened."
    assert world.open_cameras == []


def test_a_picture_stands_beside_a_verification_and_the_camera_is_given_back(tmp_path: Path) -> None:
    world = SetupWorld.of(a="koch-leader")
    world.do(m.ShowCamera(CameraChoice("front", "network", "http://cam", 64, 48, 30.0)))
    world.bench.cameras.refresh()
    (shown,) = world.bench.cameras.found
    assert (shown.device, shown.picture is not None) == ("http://cam", True)
    world.bench.close()
    assert world.open_cameras == []


def test_an_adapter_that_is_unplugged_leaves_the_list() -> None:
    world = SetupWorld.of(a="koch-leader", b="koch-follower")
    world.do(m.Scan())
    del world.lines["b"]
    world.clock.advance_ns(3_000_000_000)
    assert [port.path for port in world.step().ports] == ["a"]
