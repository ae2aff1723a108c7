"""Is it the arm that the rig was set up with? Asked before torque goes on."""

from dataclasses import replace

import pytest

from drivers.arms import ARMS, STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.arms.model import ArmModel
from drivers.dynamixel.arm import DynamixelArm
from drivers.errors import BusError, ServoSilent, WrongArm, WrongServo
from tests.drivers.dynamixel.running_arm import RunningArm

SWAPS = [(leader, follower) for leader, follower in (("koch-leader", "koch-follower"), ("omx-leader", "omx-follower"))]


def driven_as(running: RunningArm, model: ArmModel) -> DynamixelArm:
    """The same servos, taken for another arm."""
    return DynamixelArm(model, running.bus, running.clock)


@pytest.mark.parametrize("arm", ARMS)
def test_it_is_the_same_before_and_after_set_up_and_in_use(arm: str) -> None:
    running = RunningArm.of(ARMS[arm])
    before = running.arm.fingerprint()
    running.arm.connect(before)
    running.arm.torque_on()
    assert running.arm.fingerprint() == before
    running.line.servos[0].reboot()
    running.clock.advance_ns(500_000_000)
    assert running.arm.fingerprint() == before


def test_two_arms_of_one_kind_differ_by_their_homing() -> None:
    one, other = RunningArm.of(ARMS["koch-follower"]), RunningArm.of(ARMS["koch-follower"])
    assert one.arm.fingerprint() == other.arm.fingerprint()
    other.line.servo(3).poke("homing_offset", 11)
    assert one.arm.fingerprint() != other.arm.fingerprint()


@pytest.mark.parametrize(("register", "value"), [("model_number", 1070), ("firmware_version", 44)])
def test_another_servo_in_its_place_makes_it_another_arm(register: str, value: int) -> None:
    running = RunningArm.of()
    before = running.arm.fingerprint()
    running.line.servo(1).poke(register, value)
    assert running.arm.fingerprint() != before


def test_the_wrong_arm_is_refused_before_anything_is_changed() -> None:
    running = RunningArm.of(ARMS["vx300s"])
    mine = running.arm.fingerprint()
    running.line.servo(4).poke("homing_offset", 20)
    running.line.servo(1).poke("return_delay_time", 250)
    refused = rf"The arm on bench is not the vx300s that this rig was set up with.*expected {mine}.*may be swapped"
    with pytest.raises(WrongArm, match=refused):
        running.arm.connect(mine)
    assert running.line.servo(1).peek("return_delay_time") == 250
    assert running.torque() == [False] * 9


@pytest.mark.parametrize(("leader", "follower"), [*SWAPS, ("wx250s", "vx300s"), ("studio-leader", "studio-follower")])
def test_swapped_arms_are_refused_either_way(leader: str, follower: str) -> None:
    for hanging, expected in ((leader, follower), (follower, leader)):
        running = RunningArm.of(ARMS[hanging])
        expecting = RunningArm.of(ARMS[expected]).arm.fingerprint()
        with pytest.raises((WrongArm, WrongServo), match=r"hangs on bench|has model number|is not the"):
            driven_as(running, ARMS[expected]).connect(expecting)
        assert not any(running.torque())


def test_swapped_alohas_of_the_same_servos_are_told_by_their_homing() -> None:
    # Same ids and models: only what was calibrated tells them apart.
    ours = RunningArm.of(ARMS["wx250s"])
    theirs = RunningArm.of(ARMS["wx250s"])
    theirs.line.servo(2).poke("homing_offset", -40)
    with pytest.raises(WrongArm, match="check which arm hangs on which port"):
        ours.arm.connect(theirs.arm.fingerprint())


def test_servos_under_other_ids_are_named() -> None:
    running = RunningArm.of(ARMS["omx-follower"])
    with pytest.raises(WrongArm, match=r"Another arm than koch-follower hangs on bench: servos \[11, 12, 13, 14, 15"):
        driven_as(running, ARMS["koch-follower"]).connect()


def test_an_arm_with_a_dead_servo_is_no_wrong_arm() -> None:
    running = RunningArm.of()
    running.line.faults.silence(4)
    for call in (running.arm.connect, running.arm.fingerprint):
        with pytest.raises(ServoSilent, match=r"servo 4 \(wrist_pitch\)"):
            call()


def test_the_model_is_checked_without_any_fingerprint() -> None:
    running = RunningArm.of(STUDIO_LEADER)
    with pytest.raises(WrongServo, match="has model number 1190, studio-follower needs 1060"):
        driven_as(running, STUDIO_FOLLOWER).connect()
    assert issubclass(WrongArm, BusError)


def test_an_arm_at_other_ids_of_the_same_kind_has_another_fingerprint() -> None:
    joints = tuple(replace(joint, servo_id=joint.servo_id + 10) for joint in STUDIO_FOLLOWER.joints)
    moved = RunningArm.of(replace(STUDIO_FOLLOWER, joints=joints))
    assert moved.arm.fingerprint() != RunningArm.of().arm.fingerprint()
