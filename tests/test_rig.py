"""Rig files: what is written is read back, and every wrong setting is named with what would be right."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.arms import ARMS
from teleop_studio.rig import (
    SCENE_SHIFTS,
    ArmConfig,
    CameraConfig,
    LerobotDevice,
    LerobotJoint,
    RigConfig,
    RigError,
    WorkspaceBox,
)
from teleop_studio.rig_file import load_rig, save_rig

# Any text that UTF-8 can hold: no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,31}", fullmatch=True)
cameras = st.builds(
    CameraConfig,
    name=names,
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    fps=st.one_of(st.integers(1, 120), st.floats(1, 120)),
    codec=st.sampled_from(["jpeg", "png"]),
    quality=st.integers(1, 100),
)
simulated = st.builds(
    RigConfig,
    name=texts,
    cameras=st.lists(cameras, min_size=1, max_size=4, unique_by=lambda camera: camera.name).map(tuple),
    control_hz=st.one_of(st.integers(50, 200), st.floats(50, 200)),
    realtime=st.booleans(),
    scene=st.sampled_from(["bottle", "fork", "fork-close"]),
    link=st.sampled_from(["socketpair", "pty"]),
    shift=st.sampled_from(SCENE_SHIFTS),
)


REAL = RigConfig(
    leader=ArmConfig("studio-leader", "/dev/a"), follower=ArmConfig("studio-follower", "/dev/b"), cameras=()
)


@settings(deadline=None, max_examples=50)
@given(rig=simulated)
def test_what_is_saved_is_loaded_equal(tmp_path_factory: pytest.TempPathFactory, rig: RigConfig) -> None:
    path = tmp_path_factory.getbasetemp() / "rig.toml"
    save_rig(rig, path)
    assert load_rig(path) == rig


angles = st.floats(-3, 3, allow_nan=False)
lerobot_joints = st.builds(
    LerobotJoint,
    name=names,
    lower=angles,
    upper=st.floats(3.5, 7),
    scale=st.floats(0.001, 10),
    offset=angles,
    max_speed=st.floats(0.1, 9),
)
options = st.recursive(
    st.one_of(texts, st.integers(-9, 9), st.booleans(), angles),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
real_cameras = st.builds(
    CameraConfig,
    name=names,
    kind=st.sampled_from(["usb", "network", "video", "lerobot"]),
    device=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip),
    passthrough=st.booleans(),
    exposure=st.one_of(st.none(), st.integers(-9, 900)),
    white_balance=st.one_of(st.none(), st.integers(0, 9000)),
    focus=st.one_of(st.none(), st.integers(0, 255)),
    options=st.dictionaries(texts, options, max_size=3),
)
sides = st.tuples(st.one_of(st.none(), st.floats(-1, 0)), st.one_of(st.none(), st.floats(0.1, 1)))


@st.composite
def real_rigs(draw: st.DrawFn) -> RigConfig:
    joints = draw(st.lists(lerobot_joints, min_size=7, max_size=7, unique_by=lambda joint: joint.name))
    device = LerobotDevice("so101_leader", draw(st.dictionaries(texts, options, max_size=3)), tuple(joints), 30.0)
    return RigConfig(
        name=draw(texts),
        leader=ArmConfig("lerobot", lerobot=device),
        follower=ArmConfig(
            "studio-follower",
            "/dev/serial/by-id/usb-FTDI_1",
            baud=draw(st.sampled_from([0, 1_000_000, 2_000_000])),
            fingerprint=draw(texts),
            names=tuple(joint.name for joint in joints),
        ),
        cameras=tuple(draw(st.lists(real_cameras, max_size=3, unique_by=lambda camera: camera.name))),
        box=draw(st.one_of(st.none(), st.builds(WorkspaceBox, x=sides, y=sides, z=sides))),
        mirror=draw(st.booleans()),
        on_close=draw(st.sampled_from(["soften", "rest", "hold"])),
        stop_device=draw(texts),
    )


@settings(deadline=None, max_examples=30)
@given(rig=real_rigs())
def test_a_real_rig_with_everything_in_it_is_loaded_equal(
    tmp_path_factory: pytest.TempPathFactory, rig: RigConfig
) -> None:
    path = tmp_path_factory.getbasetemp() / "real.toml"
    save_rig(rig, path)
    assert load_rig(path) == rig


def test_a_value_that_toml_does_not_know_is_told(tmp_path: Path) -> None:
    camera = CameraConfig("front", "lerobot", device="realsense", options={"rotation": None})
    with pytest.raises(RigError, match="None is no value for a rig file"):
        save_rig(replace(REAL, cameras=(camera,)), tmp_path / "rig.toml")


def test_joints_are_renamed_with_their_links() -> None:
    arm = ArmConfig("studio-follower", "/dev/a", names=tuple("abcdefg"))
    assert arm.model.names == tuple("abcdefg")
    assert [link.joint for link in arm.model.links] == list("abcdef")
    assert arm.model is arm.model  # read once: the control loop and the window ask often


def test_a_leader_of_another_make_fits_after_renaming() -> None:
    with pytest.raises(RigError, match=r"If they move alike, give one of the arms the other's names: names = "):
        replace(REAL, leader=ArmConfig("studio-leader", "/dev/a", names=tuple("abcdefg")))
    both = replace(
        REAL,
        leader=ArmConfig("studio-leader", "/dev/a", names=tuple("abcdefg")),
        follower=ArmConfig("studio-follower", "/dev/b", names=tuple("abcdefg")),
    )
    assert both.leader.model.names == both.follower.model.names


def test_names_that_are_not_the_joints_own_or_no_names_are_refused() -> None:
    for wrong in (("a",) * 7, ("1", *"bcdefg")):
        with pytest.raises(RigError, match="each needs a name of its own, a letter, then letters"):
            replace(REAL, leader=ArmConfig("studio-leader", "/dev/a", names=wrong))


def test_a_baud_rate_too_slow_for_the_loop_is_refused_with_the_figure_and_what_to_do() -> None:
    slow = ArmConfig("studio-leader", "/dev/a", baud=57_600)
    # 168 bytes there and back for the leader: 29.3 ms; 217 bytes at 1 Mbaud for the follower: 2.3 ms.
    with pytest.raises(
        RigError, match=r"takes 31\.6 ms, so 31 Hz at most\. Raise the servos of studio-leader to 1000000"
    ):
        replace(REAL, leader=slow)
    medium = ArmConfig("studio-leader", "/dev/a", baud=115_200)
    with pytest.raises(RigError, match=r"Set control_hz = 58, or raise the servos of studio-leader to 1000000 baud"):
        replace(REAL, leader=medium)
    assert replace(REAL, leader=medium, control_hz=58).leader.model.baud == 115_200


def test_a_real_rig_may_have_no_camera_and_no_simulated_one() -> None:
    assert replace(REAL, cameras=()).cameras == ()
    with pytest.raises(RigError, match="camera 'front' is simulated, but the arms are on real ports"):
        replace(REAL, cameras=(CameraConfig("front"),))
    with pytest.raises(RigError, match="camera 'front' is real, but the arms are simulated"):
        RigConfig(cameras=(CameraConfig("front", "usb", device="serial:1"),))
    with pytest.raises(RigError, match="camera 'front': device is empty"):
        replace(REAL, cameras=(CameraConfig("front", "usb"),))


def test_an_arm_that_needs_a_calibration_is_loaded_but_not_opened_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARMS, "studio-leader", replace(ARMS["studio-leader"], needs_calibration=True))
    rig = replace(REAL, leader=ArmConfig("studio-leader", "/dev/a"))
    with pytest.raises(
        RigError, match=r"The leader \(studio-leader on /dev/a\) is not calibrated\..*`teleop-studio setup calibrate"
    ):
        rig.check_openable()


def test_a_lerobot_arm_is_a_model_without_servos() -> None:
    joints = tuple(LerobotJoint(f"j{k}", -1.0, 1.0, max_speed=2.0) for k in range(6))
    arm = ArmConfig(
        "lerobot", lerobot=LerobotDevice("so101_follower", joints=(*joints, LerobotJoint("grip", 0.1, 1.0)))
    )
    assert not arm.simulated
    assert {joint.servo for joint in arm.model.joints} == {""}
    assert arm.model.rest == (0.0,) * 6 + (0.1,)
    assert arm.model.title == "LeRobot so101_follower"


@given(text=texts)
def test_any_port_and_name_survive_the_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "quoted.toml"
    save_rig(RigConfig(name=text), path)
    assert load_rig(path).name == text


def test_an_empty_file_is_the_simulated_rig(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text("")
    assert load_rig(tmp_path / "rig.toml") == RigConfig()
    assert RigConfig().simulated


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    save_rig(RigConfig(name="old"), path)
    save_rig(RigConfig(name="new"), path)
    assert load_rig(path).name == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RigError, match=r"rig\.toml can not be written: No such file"):
        save_rig(RigConfig(), tmp_path / "missing" / "rig.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"leader": ArmConfig("panda")}, r"leader\.arm = 'panda' is unknown\. Known arms: .*studio-follower"),
        ({"follower": ArmConfig("")}, r"follower\.arm = '' is unknown"),
        ({"follower": ArmConfig("studio-follower", " ")}, r"follower\.port is empty: name a serial port"),
        (
            {"leader": ArmConfig("studio-leader", "COM3")},
            r"leader\.port = 'COM3' and follower\.port = 'simulated': either",
        ),
        ({"leader": ArmConfig("studio-follower")}, r"the simulated arms are studio-leader and studio-follower"),
        ({"control_hz": 49.9}, r"control_hz = 49\.9: the control loop runs at 50 to 200 Hz"),
        ({"control_hz": 200.5}, r"control_hz = 200\.5"),
        ({"control_hz": float("nan")}, r"control_hz = nan"),
        ({"link": "carrier pigeon"}, r"link = 'carrier pigeon': .*socketpair, pty"),
        ({"scene": "kitchen"}, r"scene = 'kitchen': the simulated scenes are bottle, fork, fork-close"),
        ({"cameras": ()}, r"give at least one, each with a name of its own"),
        ({"cameras": (CameraConfig("front"), CameraConfig("front"))}, r"\['front', 'front'\]: give at least one, each"),
        ({"cameras": (CameraConfig("a/b"),)}, r"camera 'a/b': a name is a letter, then letters"),
        ({"cameras": (CameraConfig(""),)}, r"camera '': a name is a letter"),
        ({"cameras": (CameraConfig("x" * 33),)}, r"at most 32"),
        (
            {"cameras": (CameraConfig("front", kind="periscope"),)},
            r"camera 'front': kind = 'periscope'; known: .*simulated",
        ),
        ({"cameras": (CameraConfig("front", width=8),)}, r"camera 'front': 8x240 at 30 fps is out of range"),
        ({"cameras": (CameraConfig("front", height=5000),)}, r"320x5000 at 30 fps is out of range \(16 to 4096"),
        ({"cameras": (CameraConfig("front", fps=0.5),)}, r"at 0\.5 fps is out of range"),
        ({"cameras": (CameraConfig("front", fps=float("nan")),)}, r"at nan fps is out of range"),
        ({"cameras": (CameraConfig("front", codec="gif"),)}, r"camera 'front': codec = 'gif'; known: jpeg, png"),
        ({"cameras": (CameraConfig("front", quality=0),)}, r"camera 'front': quality = 0: JPEG knows 1 to 100"),
        ({"cameras": (CameraConfig("front", quality=101),)}, r"quality = 101: JPEG knows 1 to 100"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(change: dict[str, object], said: str) -> None:
    with pytest.raises(RigError, match=said):
        replace(RigConfig(), **change)  # type: ignore[arg-type]


def test_only_a_simulated_scene_can_be_shifted() -> None:
    with pytest.raises(RigError, match=r"shift = 'dim': only a simulated scene can be shifted; leave the line out"):
        replace(REAL, shift="dim")
    with pytest.raises(RigError, match=r"shift = 'fog': the simulated scenes can be shifted by none, dim, bright"):
        RigConfig(shift="fog")


def test_two_real_arms_need_two_ports() -> None:
    with pytest.raises(RigError, match="both on /dev/ttyUSB0: each arm needs a port of its own"):
        RigConfig(
            leader=ArmConfig("studio-leader", "/dev/ttyUSB0"), follower=ArmConfig("studio-follower", "/dev/ttyUSB0")
        )


def test_a_simulated_camera_does_not_slip_into_a_real_rig() -> None:
    with pytest.raises(RigError, match="camera 'front' is simulated, but the arms are on real ports"):
        RigConfig(leader=ArmConfig("studio-leader", "/dev/a"), follower=ArmConfig("studio-follower", "/dev/b"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("control_hz = ", r"is not TOML: Invalid value"),
        ("control_hz = 'fast'", r"the rig: control_hz = 'fast' has the wrong type"),
        ("control_hz = true", r"control_hz = True has the wrong type"),
        ("speed = 3", r"the rig has no setting 'speed'\. Known: name, .*, follower, cameras"),
        ("leader = 3", r"leader must be a table"),
        ("[leader]\nport = '/dev/a'", r"leader needs an arm\. Known arms: "),
        ("[leader]\narm = 'studio-leader'\nbraud = 3", r"leader has no setting 'braud'\. Known: arm, port, baud, "),
        ("[leader]\narm = 'studio-leader'\nbaud = 3", r"leader\.baud = 3: 9600 to 4500000, or 0 for the arm's own"),
        ("[leader]\narm = 'studio-leader'\nbaud = '1M'", r"leader: baud = '1M' has the wrong type"),
        ("[leader]\narm = 'studio-leader'\nnames = ['a']", r"leader\.names has 1 names, studio-leader has 7 joints"),
        ("[leader]\narm = 'studio-leader'\nnames = [1]", r"leader: names = \[1\]: give a list of texts"),
        ("[leader]\narm = 'lerobot'", r"leader: arm = 'lerobot' and a table \[leader\.lerobot\] need each other"),
        ("[leader]\narm = 'lerobot'\n[leader.lerobot]\nrate_hz = 60", r"leader\.lerobot needs a setting 'type'"),
        ("[leader]\narm = 'lerobot'\n[leader.lerobot]\ntype = 'x'", r"leader\.lerobot needs a type and joints"),
        (
            "[leader]\narm = 'lerobot'\n[leader.lerobot]\ntype = 'x'\n[[leader.lerobot.joints]]\nname = 'a'\nlower = 0",
            r"leader\.lerobot\.joints needs a setting 'upper'",
        ),
        ("box = 3", r"box must be a table"),
        ("[box]\nz = [0.0]", r"box: z = \[0\.0\]: give two numbers in m, -inf or inf"),
        ("[box]\nz = [nan, 1]", r"box: z = \[nan, 1\]: give two numbers in m"),
        ("[box]\nz = [0.3, 0.1]", r"box\.z = 0\.3 \.\. 0\.1 m: the first must be the smaller"),
        ("on_close = 'run'", r"on_close = 'run'; known: soften, rest, hold"),
        ("cameras = 3", r"cameras must be a list of tables: \[\[cameras\]\]"),
        ("cameras = [3]", r"cameras must be a table"),
        ("[[cameras]]\nfps = 30", r"each camera needs a name"),
        ("[[cameras]]\nname = 'front'\nquality = 89.5", r"cameras: quality = 89\.5 has the wrong type"),
        ("[[cameras]]\nname = 'front'\nwidth = 320.5", r"cameras: width = 320\.5 has the wrong type"),
        ("scene = 'kitchen'", r"scene = 'kitchen'"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    with pytest.raises(RigError, match=said) as raised:
        load_rig(path)
    assert str(path) in str(raised.value)


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_bytes(b'name = "\xe4"')
    with pytest.raises(RigError, match="is not TOML"):
        load_rig(tmp_path / "rig.toml")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RigError, match=r"none\.toml can not be read: No such file"):
        load_rig(tmp_path / "none.toml")
