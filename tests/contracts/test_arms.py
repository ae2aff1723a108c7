"""What every arm in the registry promises; a new one is tested by its line in `ARMS`."""

import numpy as np
import pytest

from drivers.arms import ARMS
from drivers.arms.calibration_file import JointCalibration, calibrated
from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel
from drivers.dynamixel.calibration import Calibration
from drivers.dynamixel.control_table import BAUD_RATES, MODELS
from drivers.kinematics import Chain, known
from teleop_studio.control.safety import SafetyGate, SafetyLimits
from teleop_studio.rig import ArmConfig

pytestmark = pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS.keys())


def test_it_is_registered_under_its_own_name(arm: ArmModel) -> None:
    assert ARMS[arm.name] is arm
    assert ArmConfig(arm.name).uncalibrated == arm


def test_names_and_servo_ids_are_unique(arm: ArmModel) -> None:
    ids = [joint.servo_id for joint in arm.joints]
    ids += [joint.second_id for joint in arm.joints if joint.second_id is not None]
    assert len(set(arm.names)) == len(arm.joints)
    assert len(set(ids)) == len(ids)
    assert all(0 <= servo_id <= 252 for servo_id in ids)


def test_every_joint_vector_has_a_value_for_each_joint(arm: ArmModel) -> None:
    for vector in (arm.home, arm.rest, arm.lower, arm.upper, arm.max_speed, arm.max_acceleration):
        assert len(vector) == len(arm.joints)
        assert np.all(np.isfinite(vector))


@pytest.mark.parametrize("pose", ["home", "rest"])
def test_its_poses_lie_inside_the_limits(arm: ArmModel, pose: str) -> None:
    values = np.array(getattr(arm, pose))
    assert np.all(arm.lower < arm.upper)
    assert np.all(values >= arm.lower)
    assert np.all(values <= arm.upper)


def test_the_gripper_is_the_last_joint_and_goes_from_closed_to_open(arm: ArmModel) -> None:
    assert arm.names[-1] == "gripper"
    assert (arm.lower[-1], arm.upper[-1]) == (0.0, 1.0)


def test_its_title_its_role_and_the_source_of_its_numbers_are_given(arm: ArmModel) -> None:
    assert arm.title
    assert arm.role in ("leader", "follower")
    assert "https://" in arm.source


def test_every_hinge_has_a_link_with_an_axis_of_length_one_or_none_has(arm: ArmModel) -> None:
    if not known(arm):
        with pytest.raises(ValueError, match=f"the lengths of {arm.name} are not known"):
            Chain(arm)
        return
    assert tuple(link.joint for link in arm.links) == arm.names[:-1]
    for link in arm.links:
        assert np.linalg.norm(link.axis) == pytest.approx(1.0)
    reach = sum(np.linalg.norm(link.offset) for link in arm.links) + np.linalg.norm(arm.tcp)
    assert 0.1 < reach < 2.0, "link lengths are metres"


def test_its_servos_are_known_and_take_their_settings(arm: ArmModel) -> None:
    assert arm.baud in BAUD_RATES
    for joint in arm.joints:
        table = MODELS[joint.servo]
        assert joint.operating_mode in table.operating_modes
        for register, value in _settings(joint).items():
            low, high = table.register(register).low, table.register(register).high
            assert low is None or value >= low, f"{joint.name}: {register} = {value} is below {low}"
            assert high is None or value <= high, f"{joint.name}: {register} = {value} is above {high}"


def _settings(joint: JointModel) -> dict[str, int]:
    settings = {
        "position_p_gain": joint.p_gain,
        "position_i_gain": joint.i_gain,
        "position_d_gain": joint.d_gain,
    }
    if joint.current_limit_ma is not None:
        table = MODELS[joint.servo]
        settings["current_limit"] = table.current_counts(joint.current_limit_ma)
        assert settings["current_limit"] * table.effort_scale == pytest.approx(joint.current_limit_ma, rel=0.01)
    if joint.homing_offset is not None:
        settings["homing_offset"] = joint.homing_offset
    return settings


def test_two_servos_on_one_joint_count_in_opposite_directions(arm: ArmModel) -> None:
    for joint in arm.joints:
        assert joint.second_id is None or {joint.drive_mode & 1, joint.second_drive_mode & 1} == {0, 1}


def test_a_spring_stays_below_the_current_limit_and_belongs_to_a_leader(arm: ArmModel) -> None:
    for joint in arm.joints:
        if joint.spring_ma is not None:
            assert arm.role == "leader"
            assert joint.operating_mode == CURRENT_BASED_POSITION_MODE
            assert joint.current_limit_ma is not None
            assert 0 < joint.spring_ma <= joint.current_limit_ma


def test_a_calibration_of_what_it_is_already_changes_no_direction(arm: ArmModel) -> None:
    own, ticks = Calibration(arm), {}
    for row, joint in enumerate(arm.joints):
        low, high = int(own.lower_ticks[row]), int(own.upper_ticks[row])
        ticks[joint.name] = JointCalibration(joint.servo_id, joint.drive_mode & 1, joint.homing_offset or 0, low, high)
    again = Calibration(calibrated(arm, ticks))
    for pose in (np.array(arm.home), np.array(arm.rest)):
        assert np.abs(again.to_ticks(pose) - own.to_ticks(pose)).max() <= 1


def test_a_driven_gripper_is_limited_in_current(arm: ArmModel) -> None:
    gripper = arm.joints[-1]
    if gripper.current_limit_ma is not None:
        assert gripper.operating_mode == CURRENT_BASED_POSITION_MODE
        assert 0 < gripper.current_limit_ma <= MODELS[gripper.servo].stall_ma


def test_its_calibration_covers_the_limits_and_is_its_own_inverse(arm: ArmModel) -> None:
    calibration = Calibration(arm)
    for pose in (arm.lower, arm.upper, np.array(arm.home), np.array(arm.rest)):
        ticks = calibration.to_ticks(pose)
        assert np.all(ticks >= calibration.lower_ticks)
        assert np.all(ticks <= calibration.upper_ticks)
        # Half a tick, in joint units.
        half_tick = np.pi / 4096 / np.array([joint.servo_rad_per_unit for joint in arm.joints])
        assert np.all(np.abs(calibration.to_radians(ticks) - pose) <= half_tick + 1e-12)


def test_its_limits_lie_where_its_servos_can_turn(arm: ArmModel) -> None:
    # Position mode: one turn, which `Calibration` checks. The others: 256 turns either way.
    calibration = Calibration(arm)
    assert np.all(calibration.lower_ticks >= -1_048_575)
    assert np.all(calibration.upper_ticks <= 1_048_575)
    assert np.all(calibration.upper_ticks - calibration.lower_ticks <= 4097), "no joint turns more than once"


def test_its_speeds_are_possible_and_stop_within_the_joint(arm: ArmModel) -> None:
    assert np.all(arm.max_speed > SafetyLimits().soft_start_speed)
    braking_way = arm.max_speed**2 / (2 * arm.max_acceleration)
    assert np.all(braking_way < 0.5 * (arm.upper - arm.lower))


def test_the_safety_gate_brings_it_from_rest_to_home(arm: ArmModel) -> None:
    gate = SafetyGate(arm)
    gate.engage(np.array(arm.rest))
    for _ in range(1500):
        verdict = gate.limit(np.array(arm.home), None, 0, 0.01)
    np.testing.assert_allclose(verdict.action, arm.home, atol=1e-6)
    assert not verdict.aligning
