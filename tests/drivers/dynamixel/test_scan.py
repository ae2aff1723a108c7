"""A scan finds what answers at which baud rate, and says what is odd about it."""

import pytest

from drivers.arms import ARMS
from drivers.dynamixel.identify import Wiggle, expected_servos, fits, nearest, oddities
from drivers.dynamixel.scan import SCAN_BAUDS
from drivers.errors import BusError, PortBusy
from tests.drivers.dynamixel.set_up_bench import SetUpBench


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_every_arm_is_found_at_its_own_baud_rate_and_fits_itself(arm: str) -> None:
    bench = SetUpBench.of(arm)
    found = bench.scan()
    assert {servo.servo_id: servo.model for servo in found} == {
        servo_id: servo for servo_id, (_, servo) in expected_servos(ARMS[arm]).items()
    }
    assert {servo.baud for servo in found} == {ARMS[arm].baud}
    assert fits(ARMS[arm], found)
    assert oddities(ARMS[arm], found) == []
    assert bench.opened == list(SCAN_BAUDS)


def test_a_leader_does_not_fit_its_follower() -> None:
    found = SetUpBench.of("koch-leader").scan((1_000_000,))
    assert [name for name, model in ARMS.items() if fits(model, found)] == ["koch-leader"]


def test_one_servo_at_another_baud_rate_is_named_with_its_joint_and_the_rate_of_the_rest() -> None:
    bench = SetUpBench.of("koch-follower")
    bench.line.servo(3).poke("baud_rate", 1)
    found = bench.scan()
    assert not fits(ARMS["koch-follower"], found)
    assert oddities(ARMS["koch-follower"], found) == [
        "servo 3 (elbow_flex) answers at 57600, the others at 1000000 baud. Set its baud rate to 1000000."
    ]


def test_a_cut_cable_is_told_by_the_last_servo_before_it() -> None:
    bench = SetUpBench.of("koch-follower")
    for servo_id in (4, 5, 6):
        bench.line.faults.silence(servo_id)
    assert oddities(ARMS["koch-follower"], bench.scan((1_000_000,))) == [
        "Koch v1.1 follower lacks servo 4 (wrist_flex), servo 5 (wrist_roll), servo 6 (gripper). "
        "Check the cable after servo 3 (elbow_flex)."
    ]


def test_two_servos_with_one_id_are_told_apart_from_one() -> None:
    bench = SetUpBench.of("koch-leader")
    bench.line.hand("wrist_roll").hold(0.3)  # no two servos read alike, down to the last bit
    bench.line.servo(5).poke("id", 4)  # of the same model: their pings are alike
    found = bench.scan((1_000_000,))
    assert [servo.servo_id for servo in found if servo.doubled] == [4]
    assert any("Two or more servos have id 4" in text for text in oddities(ARMS["koch-leader"], found))
    assert not fits(ARMS["koch-leader"], found)


def test_factory_servos_all_answer_as_one_doubled_id() -> None:
    found = SetUpBench.of("koch-follower", factory=True).scan()
    assert [(servo.servo_id, servo.baud, servo.doubled) for servo in found] == [(1, 57_600, True)]


def test_a_foreign_servo_and_one_of_another_model_are_named() -> None:
    bench = SetUpBench.of("koch-follower")
    bench.line.servo(6).poke("id", 17)
    bench.line.servo(3).poke("model_number", 1060)
    said = oddities(ARMS["koch-follower"], bench.scan((1_000_000,)))
    assert "Servo 17 (xl330-m288) does not belong to Koch v1.1 follower." in said
    assert any(
        text.startswith("Servo 3 (elbow_flex) is xl430-w250, Koch v1.1 follower has xl330-m288") for text in said
    )


def test_an_arm_with_a_servo_missing_is_still_recognised_and_a_stranger_is_not() -> None:
    bench = SetUpBench.of("koch-follower")
    bench.line.faults.silence(6)
    found = bench.scan((1_000_000,))
    assert nearest(ARMS.values(), found) is ARMS["koch-follower"]
    assert nearest(ARMS.values(), found[:1]) is None


def test_ids_beyond_those_of_arms_are_found_when_asked_for() -> None:
    bench = SetUpBench.of("koch-leader")
    bench.line.servo(6).poke("id", 200)
    assert [servo.servo_id for servo in bench.scan((1_000_000,), all_ids=True)] == [1, 2, 3, 4, 5, 200]


def test_a_baud_rate_that_the_adapter_does_not_take_is_passed_over_and_a_busy_port_is_told() -> None:
    bench = SetUpBench.of("koch-leader")
    real_open = bench.open_at

    def picky(baud: int) -> object:
        if baud == 57_600:
            raise BusError("does not take 57600 baud")
        if baud == 9_600:
            raise PortBusy("Another program uses the port")
        return real_open(baud)

    bench.open_at = picky  # type: ignore[assignment, method-assign]
    assert len(bench.scan(SCAN_BAUDS[:-1])) == 6
    with pytest.raises(PortBusy, match="Another program uses the port"):
        bench.scan()


def test_the_arm_that_a_hand_moves_is_known_by_the_travel_of_its_joints() -> None:
    still, moved = Wiggle(), Wiggle()
    for k in range(100):
        still.feed({1: 2048 + k % 2, 2: 1000 - k % 2})
        moved.feed({1: 2048 + 10 * k, 2: 1000})
    assert still.turns == pytest.approx(2 / 4096)
    assert moved.turns == pytest.approx(990 / 4096)
