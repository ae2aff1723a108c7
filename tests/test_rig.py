"""Rig files: what is written is read back, and every wrong setting is named with what would be right."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig, RigError, load_rig, save_rig

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
    scene=st.sampled_from(["bottle", "fork"]),
    link=st.sampled_from(["socketpair", "pty"]),
)


@settings(deadline=None)
@given(rig=simulated)
def test_what_is_saved_is_loaded_equal(tmp_path_factory: pytest.TempPathFactory, rig: RigConfig) -> None:
    path = tmp_path_factory.getbasetemp() / "rig.toml"
    save_rig(rig, path)
    assert load_rig(path) == rig


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
        ({"scene": "kitchen"}, r"scene = 'kitchen': the simulated scenes are bottle, fork"),
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
        ("[leader]\narm = 'studio-leader'\nbaud = 3", r"leader has no setting 'baud'\. Known: arm, port"),
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
