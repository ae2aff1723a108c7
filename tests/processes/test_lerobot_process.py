"""LeRobot's devices behind rings: a third party's robot and cameras, LeRobot's Koch leader on emulated servos."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.errors import DriverError, ServoAlert, ServoSilent
from teleop_studio.processes.arm_rings import ArmRings
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.messages import CameraState, Ready, Warned
from teleop_studio.processes.ring_arm import RingArm
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import ArmConfig, CameraConfig, LerobotDevice, LerobotJoint, RigConfig
from tests.drivers.lerobot.calibrated_line import RAD_PER_VALUE, calibrate, servos_of
from tests.drivers.lerobot.paper_lab import CAMERA, PACKAGE, ROBOT, SIZE, PaperLab
from tests.drivers.lerobot.servo_lines import ServoLines

pytestmark = [pytest.mark.alone, pytest.mark.slow]

PATIENCE_S = 120.0
RATE_HZ = 50.0
KOCH_LEADER = ARMS["koch-leader"]
# The robot counts from 10, and its gripper the other way round in per cent.
FOLLOWER_JOINTS = (
    LerobotJoint("base", -1.0, 1.0, scale=0.1, offset=10.0),
    LerobotJoint("arm", -1.0, 1.0, scale=0.1, offset=10.0),
    LerobotJoint("gripper", 0.0, 1.0, scale=-0.01, offset=100.0),
)
AT_HOME = np.array([10.0, 10.0, 50.0])
PARTS = {"leader": "leader", "follower": "follower", "cameras": "cameras"}


def camera(name: str, device: str, **options: Any) -> CameraConfig:
    return CameraConfig(name, "lerobot", *SIZE, fps=20.0, device=device, options=options)


class Bench:
    """Three LeRobot processes; this one is their supervisor, and control."""

    def __init__(self, folder: Path) -> None:
        self.lab = PaperLab(folder)
        AT_HOME.tofile(self.lab.folder / "positions")
        self.servos = ServoLines(servos_of(KOCH_LEADER))
        calibrate(self.servos, 0, KOCH_LEADER, folder / "blue.json")
        inner = {"wrist": {"type": CAMERA, "width": SIZE[0], "height": SIZE[1], "fps": 20, "shade": 200}}
        robot = {"discover_packages_path": PACKAGE, "calibration_dir": str(folder), "cameras": inner}
        leader = {"port": self.servos.ports[0], "id": "blue", "calibration_dir": str(folder)}
        joints = tuple(LerobotJoint(name, -1.5, 1.5, RAD_PER_VALUE) for name in KOCH_LEADER.names[:3])
        names = tuple(joint.name for joint in FOLLOWER_JOINTS)
        self.rig = RigConfig(
            leader=ArmConfig("lerobot", "koch", names=names, lerobot=LerobotDevice("koch_leader", leader, joints)),
            follower=ArmConfig("lerobot", "paper", lerobot=LerobotDevice(ROBOT, robot, FOLLOWER_JOINTS, RATE_HZ)),
            cameras=(
                camera("eye", "follower"),
                camera("hand", "follower", feature="wrist"),
                camera("room", CAMERA, discover_packages_path=PACKAGE),
            ),
        )
        self.rings = RigRings.create("lerobot", self.rig)
        self.arms = {role: ArmRings.create(role, 3) for role in ("leader", "follower")}
        self.heard: list[tuple[str, Any]] = []
        self.logs = folder
        self.children = {part: self.start(part) for part in ("leader", "follower", "cameras")}

    def start(self, part: str) -> Child:
        arm = self.arms[part].specs if part in self.arms else None
        args = (self.rig, part, arm, self.rings.specs)
        return Child(part, "lerobot_process", args, self.logs / f"{part}.log")

    def arm(self, role: str) -> RingArm:
        return RingArm.attach(getattr(self.rig, role).model, self.arms[role].specs, RATE_HZ)

    def wait(self, done: Callable[[], Any], what: str) -> None:
        """Until `done`; hears the children meanwhile."""
        end_s = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end_s, f"waited in vain for {what}; heard {self.heard}"
            for part, child in self.children.items():
                self.heard += [(part, message) for message in child.receive()]
            time.sleep(0.002)

    def wait_for(self, part: str, kind: type, count: int = 1) -> Any:
        def heard() -> list[Any]:
            return [message for who, message in self.heard if who == part and isinstance(message, kind)]

        self.wait(lambda: len(heard()) >= count, f"{kind.__name__} of {part}")
        return heard()[-1]

    def camera_states(self) -> dict[str, str]:
        """What was last said of each camera."""
        return {message.camera: message.state for _, message in self.heard if isinstance(message, CameraState)}

    def troubles(self, camera: str) -> list[str]:
        """What was wrong with a camera, in the operator's words."""
        states = [message for _, message in self.heard if isinstance(message, CameraState)]
        return [state.text for state in states if state.camera == camera]

    def pictures(self, name: str, count: int) -> list[int]:
        """The shades of `count` new pictures of a camera."""
        ring = self.rings.frames[name]
        first = ring.written
        self.wait(lambda: ring.written >= first + count, f"{count} pictures of {name}")
        items = [ring.read(index) for index in range(first, first + count)]
        return [int(item[1]["rgb"][0, 0, 0]) for item in items if item is not None]

    def close(self) -> None:
        for child in self.children.values():
            child.kill()
        self.servos.close()
        for rings in self.arms.values():
            rings.close()
        self.rings.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        bench = Bench(folder)
        try:
            for part in PARTS:
                bench.wait_for(part, Ready)
            yield bench
        finally:
            bench.close()


@pytest.fixture
def follower(bench: Bench) -> Iterator[RingArm]:
    """At home and limp."""
    AT_HOME.tofile(bench.lab.folder / "positions")
    arm = bench.arm("follower")
    arm.torque_off()
    yield arm
    arm.torque_off()


def test_readings_come_in_joint_units_of_the_rig(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    np.array([12.0, 5.0, 30.0]).tofile(bench.lab.folder / "positions")
    bench.wait(lambda: follower.read().position[2] > 0.6, "the new pose")
    state = follower.read()
    np.testing.assert_allclose(state.position, [0.2, -0.5, 0.7])
    assert abs(time.monotonic_ns() - state.stamp_ns) < 200_000_000
    assert state.effort_unit == ("none",) * 3


def test_a_leader_of_lerobots_own_is_read_with_the_rigs_joint_names(bench: Bench) -> None:
    arm = bench.arm("leader")
    bench.servos.put(0, {1: 0.3, 2: -0.4, 3: 0.5})
    bench.wait(lambda: abs(arm.read().position[0] - 0.3) < 0.01, "the leader's new pose")
    np.testing.assert_allclose(arm.read().position, [0.3, -0.4, -0.5], atol=2e-3)  # a Koch leader's elbow is reversed
    assert arm.model.names == ("base", "arm", "gripper")
    assert bench.servos.peek(0, "torque_enable") == {1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 1}  # LeRobot's trigger spring


def test_goals_move_the_robot_only_while_its_torque_is_on(bench: Bench, follower: RingArm) -> None:
    goal = np.array([0.5, -0.5, 0.25])
    follower.command(goal)
    follower.torque_on()
    np.testing.assert_allclose(bench.lab.positions, AT_HOME)  # a goal from before is not carried out
    follower.command(goal)
    bench.wait(lambda: np.allclose(bench.lab.positions, [15.0, 5.0, 75.0]), "the robot to obey")
    assert follower.torque_off() == []
    follower.command(np.zeros(3))
    turns = bench.arms["follower"].readings.written + 5
    bench.wait(lambda: bench.arms["follower"].readings.written > turns, "five turns")
    np.testing.assert_allclose(bench.lab.positions, [15.0, 5.0, 75.0])


def test_goals_beyond_the_limits_are_refused(follower: RingArm) -> None:
    with pytest.raises(ValueError, match="leave its joint limits"):
        follower.command(np.array([0.0, 1.2, 0.5]))
    with pytest.raises(ValueError, match="leave its joint limits"):
        follower.command(np.array([0.0, float("nan"), 0.5]))


def test_an_arm_outside_its_limits_is_not_powered(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    np.array([10.0, 25.0, 50.0]).tofile(bench.lab.folder / "positions")
    bench.wait(lambda: follower.read().position[1] > 1.4, "the pose outside")
    with pytest.raises(DriverError, match=r"by LeRobot: arm stands at 1\.50, outside its limits -1 \.\. 1"):
        follower.torque_on()


def test_where_lerobot_knows_no_torque_limp_means_disconnected_and_that_is_said(
    bench: Bench, follower: RingArm
) -> None:
    assert "torque off disconnects it" in bench.wait_for("follower", Warned).text
    limp = follower.read()
    turns = bench.arms["follower"].readings.written + 25
    bench.wait(lambda: bench.arms["follower"].readings.written > turns, "half a second")
    assert follower.read().stamp_ns == limp.stamp_ns  # nobody is asked, and the age tells
    follower.torque_on()
    bench.wait(lambda: follower.read().stamp_ns > limp.stamp_ns, "a reading after the connection")


def test_one_lost_packet_does_not_keep_an_arm_from_being_powered(bench: Bench, follower: RingArm) -> None:
    bench.lab.set("hiccup")  # limp it is not read, so this waits for the order
    follower.torque_on()
    assert not (bench.lab.folder / "hiccup").exists()
    assert powered(bench)


def test_an_exception_inside_lerobot_costs_readings_not_the_arm(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    bench.lab.set("fault", "the motors said nothing")
    with pytest.raises(ServoSilent, match=r"no reading for 2\d\d ms \(the motors said nothing\)"):
        read_on(follower)
    lost = follower.statistics.retries
    bench.lab.clear("fault")
    bench.wait(lambda: not silent(follower), "the arm to come back")
    follower.command(np.array([0.1, 0.1, 0.1]))
    bench.wait(lambda: np.allclose(bench.lab.positions, [11.0, 11.0, 90.0]), "the robot to obey again")
    assert follower.statistics.retries >= lost >= 10
    assert bench.children["follower"].alive


def test_one_lost_packet_of_a_koch_leader_costs_one_reading(bench: Bench) -> None:
    arm = bench.arm("leader")
    before, lost = arm.read(), arm.statistics.retries
    bench.servos.drop(0, 3, 1)
    bench.wait(lambda: arm.read() and arm.statistics.retries > lost, "the lost reading")
    bench.wait(lambda: arm.read().stamp_ns > before.stamp_ns + 40_000_000, "a later one")
    assert bench.children["leader"].alive


def test_a_robot_that_blocks_does_not_block_control(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    bench.lab.set("stall")
    try:
        bench.wait(lambda: silent(follower), "the reading to be too old")
        begun_s = time.monotonic()
        for _ in range(100):
            follower.command(np.zeros(3))
            with pytest.raises(ServoSilent, match="its process does not answer"):
                follower.read()
        assert time.monotonic() - begun_s < 0.5
    finally:
        bench.lab.clear("stall")
    bench.wait(lambda: not silent(follower), "the arm to come back")


def test_an_order_that_is_not_answered_is_taken_back(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    bench.wait(lambda: not silent(follower), "a reading")
    bench.lab.set("stall")
    try:
        with pytest.raises(DriverError, match="could not be powered by LeRobot: it gave no answer"):
            follower.torque_on()
    finally:
        bench.lab.clear("stall")
    bench.wait(lambda: not powered(bench), "the torque to go off again")


def test_pictures_inside_an_observation_come_once_each(bench: Bench, follower: RingArm) -> None:
    follower.torque_on()
    shades = bench.pictures("eye", 6)
    # The robot hands over each picture four times.
    assert steps(shades) == [1] * 5


def test_cameras_of_a_robots_options_and_cameras_of_nobody_are_served_apart(bench: Bench) -> None:
    for name in ("hand", "room"):
        assert steps(bench.pictures(name, 4)) == [1, 1, 1]


def test_a_frozen_camera_gives_no_new_pictures_and_a_lost_one_comes_back(bench: Bench) -> None:
    bench.lab.set("frozen")
    bench.wait(lambda: any("the same picture again and again" in text for text in bench.troubles("room")), "that")
    bench.lab.set("dark")
    bench.lab.clear("frozen")
    bench.wait(lambda: any("no light" in text or "nobody is there" in text for text in bench.troubles("room")), "this")
    written = bench.rings.frames["room"].written
    bench.lab.clear("dark")
    bench.wait(lambda: bench.camera_states() == {"hand": "ok", "room": "ok"}, "both cameras to come back")
    assert bench.rings.frames["room"].written > written


def test_a_device_that_never_answers_again_ends_its_process_and_the_next_one_has_lost_the_torque(
    bench: Bench, follower: RingArm
) -> None:
    follower.torque_on()
    bench.lab.set("fault", "the cable is cut")
    failed = bench.wait_for("follower", ChildFailed)
    assert failed.operator.startswith("LeRobot's paper_robot has not answered for 3 s: the cable is cut. Check")
    with pytest.raises(ServoSilent, match=r"\(the cable is cut\)"):
        follower.read()
    bench.lab.clear("fault")
    bench.heard.clear()
    bench.children["follower"] = bench.start("follower")
    bench.wait_for("follower", Ready)
    with pytest.raises(ServoAlert, match="was restarted, and the arm's torque may have gone"):
        follower.read()
    follower.torque_off()
    follower.torque_on()
    assert not silent(follower)


def steps(shades: list[int]) -> list[int]:
    return [(after - before) % 256 for before, after in pairwise(shades)]


def read_on(arm: RingArm) -> None:
    """Read for five seconds, or until it raises."""
    for _ in range(5_000):
        arm.read()
        time.sleep(0.001)


def silent(arm: RingArm) -> bool:
    try:
        arm.read()
    except ServoSilent:
        return True
    return False


def powered(bench: Bench) -> bool:
    newest = bench.arms["follower"].readings.latest()
    return newest is not None and bool(newest[2]["powered"])
