"""What set-up writes, what it leaves alone, and what it says when a servo does not keep it."""

from dataclasses import replace

import pytest

from drivers.arms import ARMS, STUDIO_FOLLOWER
from drivers.arms.model import ArmModel
from drivers.dynamixel.control_table import MODELS
from drivers.dynamixel.wire import WRITE, Decoder
from drivers.errors import ServoRefused
from tests.drivers.dynamixel.running_arm import RunningArm

EEPROM_END = 64


def follower(row: int, **changes: object) -> ArmModel:
    joints = list(STUDIO_FOLLOWER.joints)
    joints[row] = replace(joints[row], **changes)  # type: ignore[arg-type]
    return replace(STUDIO_FOLLOWER, joints=tuple(joints))


def eeprom_writes(running: RunningArm, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(id, address) of every EEPROM write from now on, as they pass on the line."""
    written: list[tuple[int, int]] = []
    receive = running.line.receive

    def listen(data: bytes) -> None:
        writes = [one for one in Decoder().feed(data) if one.instruction == WRITE]
        to = [(one.servo_id, one.params[0] | one.params[1] << 8) for one in writes]
        written.extend((servo_id, address) for servo_id, address in to if address < EEPROM_END)
        receive(data)

    monkeypatch.setattr(running.line, "receive", listen)
    return written


@pytest.mark.parametrize("arm", ARMS)
def test_a_second_set_up_writes_no_eeprom(arm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    running = RunningArm.of(ARMS[arm])
    running.arm.connect()
    written = eeprom_writes(running, monkeypatch)
    running.arm.connect()
    assert written == []


def test_only_what_differs_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    running = RunningArm.of()
    running.arm.connect()
    running.line.servo(3).poke("max_position_limit", 4095)
    running.line.servo(7).poke("current_limit", 900)
    written = eeprom_writes(running, monkeypatch)
    running.arm.connect()
    assert written == [(3, 48), (7, 38)]


def test_direction_and_homing_come_from_the_model() -> None:
    running = RunningArm.of(follower(1, drive_mode=1, homing_offset=-300, sign=-1, home_ticks=2048))
    running.line.servo(2).poke("drive_mode", 0)
    running.line.servo(2).poke("homing_offset", 77)
    running.arm.connect()
    servo = running.line.servo(2)
    assert (servo.peek("drive_mode"), servo.peek("homing_offset")) == (1, -300)


def test_homing_that_the_model_does_not_know_is_left_as_it_is_found() -> None:
    running = RunningArm.of()
    running.line.servo(2).poke("homing_offset", 77)
    running.arm.connect()
    assert running.line.servo(2).peek("homing_offset") == 77


def test_a_setting_that_does_not_stick_is_said_with_both_values() -> None:
    running = RunningArm.of()
    servo = running.line.servo(3)
    running.clock.on_advance(lambda _: servo.poke("max_position_limit", 4095))  # it confirms, and forgets
    kept = r"servo 3 \(elbow\) on bench was told max_position_limit = 3124 and confirmed it, but keeps 4095"
    with pytest.raises(ServoRefused, match=kept):
        running.arm.connect()


def test_a_current_limit_is_written_in_the_servos_own_counts() -> None:
    running = RunningArm.of(ARMS["vx300s"])
    running.arm.connect()
    gripper = ARMS["vx300s"].joints[-1]
    assert gripper.current_limit_ma is not None
    counts = round(gripper.current_limit_ma / MODELS[gripper.servo].effort_scale)
    assert running.line.servo(gripper.servo_id).peek("current_limit") == counts != gripper.current_limit_ma


@pytest.mark.parametrize("arm", ["koch-leader", "omx-leader"])
def test_springs_hold_the_leaders_gripper_open_with_their_current_and_leave_the_rest_limp(arm: str) -> None:
    model = ARMS[arm]
    gripper = model.joints[-1]
    running = RunningArm.of(model)
    running.arm.connect()
    running.line.hand("gripper").put(0.2)
    running.arm.power_springs()
    servo = running.line.servo(gripper.servo_id)
    assert (servo.peek("operating_mode"), servo.peek("goal_current")) == (5, gripper.spring_ma)
    assert running.torque() == [False] * (len(model.joints) - 1) + [True]
    running.run(100)
    assert running.line.hand("gripper").value == pytest.approx(1.0, abs=0.03)
    # A finger closes it against the spring, and it opens again.
    running.line.hand("gripper").hold(0.1)
    assert running.run(20).position[-1] == pytest.approx(0.1, abs=0.01)
    running.line.hand("gripper").let_go()
    assert running.run(100).position[-1] == pytest.approx(1.0, abs=0.03)
    assert running.arm.torque_off() == []
    assert running.torque() == [False] * len(model.joints)


def test_springs_are_as_strong_as_ever_after_the_leader_was_led() -> None:
    running = RunningArm.of(ARMS["koch-leader"])
    running.arm.connect()
    running.arm.begin_power(0.2)
    while running.arm.power_step() is None:
        running.tick()
    running.arm.torque_off()
    running.arm.power_springs()
    servo = running.line.servo(6)
    assert (servo.peek("goal_pwm"), servo.peek("goal_current")) == (885, ARMS["koch-leader"].joints[-1].spring_ma)
