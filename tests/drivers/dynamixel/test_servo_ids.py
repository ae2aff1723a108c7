"""Ids and baud rates of real memories: written where different, read back, refused where they would do harm."""

import pytest

from drivers.arms import ARMS
from drivers.dynamixel.identify import fits
from drivers.dynamixel.one_by_one import OneByOne
from drivers.dynamixel.servo_ids import set_baud, set_id, write_eeprom
from drivers.errors import DriverError, ServoRefused, ServoSilent, WrongServo
from tests.drivers.dynamixel.set_up_bench import SetUpBench


def test_an_eeprom_register_is_written_once_and_not_again() -> None:
    bench = SetUpBench.of("koch-leader")
    bus, register = bench.bus(), bench.line.servo(2).table.register("homing_offset")
    assert write_eeprom(bus, 2, register, 77).changed
    assert not write_eeprom(bus, 2, register, 77).changed
    assert bench.line.servo(2).peek("homing_offset") == 77


def test_a_memory_that_does_not_keep_its_value_is_told() -> None:
    bench = SetUpBench.of("koch-leader")
    servo = bench.line.servo(2)
    bench.clock.on_advance(lambda _now_ns: servo.poke("homing_offset", 0))  # confirms, and forgets
    with pytest.raises(ServoRefused, match=r"confirmed 77 for homing_offset, but holds 0\."):
        write_eeprom(bench.bus(), 2, servo.table.register("homing_offset"), 77)


def test_an_id_is_changed_also_of_a_servo_that_was_holding() -> None:
    bench = SetUpBench.of("koch-leader")
    bench.line.servo(6).poke("torque_enable", 1)
    assert set_id(bench.bus(), bench.clock, 6, 9)
    assert not set_id(bench.bus(), bench.clock, 9, 9)
    assert sorted(servo.servo_id for servo in bench.line.servos) == [1, 2, 3, 4, 5, 9]


def test_a_taken_or_impossible_id_is_refused_and_nothing_changes() -> None:
    bench = SetUpBench.of("koch-leader")
    with pytest.raises(ServoRefused, match="Another servo on bench has id 2 already"):
        set_id(bench.bus(), bench.clock, 1, 2)
    with pytest.raises(ServoRefused, match="254 is no servo id"):
        set_id(bench.bus(), bench.clock, 1, 254)
    with pytest.raises(ServoSilent, match="servo 40 on bench did not answer"):
        set_id(bench.bus(), bench.clock, 40, 41)
    assert sorted(servo.servo_id for servo in bench.line.servos) == [1, 2, 3, 4, 5, 6]


def test_a_gello_is_raised_to_a_rate_that_carries_the_control_loop() -> None:
    bench = SetUpBench.of("gello")
    ids = [servo.servo_id for servo in bench.line.servos]
    assert bench.line.servos[0].baud == 57_600
    assert set_baud(bench.open_at, bench.clock, 57_600, ids, 1_000_000) == ids
    assert {servo.baud for servo in bench.line.servos} == {1_000_000}
    assert fits(ARMS["gello"], bench.scan((1_000_000,)))


def test_a_rate_that_one_servo_does_not_know_changes_none() -> None:
    bench = SetUpBench.of("koch-leader")
    with pytest.raises(ServoRefused, match=r"servo 1 on bench \(xl330-m077\) does not know 4500000 baud"):
        set_baud(bench.open_at, bench.clock, 1_000_000, [1, 2], 4_500_000)
    with pytest.raises(ServoRefused, match="12345 is no baud rate"):
        set_baud(bench.open_at, bench.clock, 1_000_000, [1, 2], 12_345)
    assert {servo.baud for servo in bench.line.servos} == {1_000_000}


def test_factory_servos_become_an_arm_one_after_the_other() -> None:
    bench = SetUpBench.of("koch-follower", factory=True)
    wizard = OneByOne(ARMS["koch-follower"], bench.open_at, bench.clock)
    said = []
    while (step := wizard.step) is not None:
        bench.line.plug_only(step.joint)
        said.append(wizard.next())
    bench.line.plug_only()
    assert said[0] == "shoulder_pan is servo 1: 57600 -> 1000000 baud."
    assert said[5] == "gripper is servo 6: id 1 -> 6, 57600 -> 1000000 baud."
    assert fits(ARMS["koch-follower"], bench.scan())


def test_the_wizard_takes_only_one_servo_of_the_right_kind() -> None:
    bench = SetUpBench.of("koch-follower", factory=True)
    wizard = OneByOne(ARMS["koch-follower"], bench.open_at, bench.clock)
    with pytest.raises(DriverError, match=r"More than one motor is connected: ids 1 \(several\)\. Leave only the one"):
        wizard.next()
    bench.line.plug_only("gripper")
    with pytest.raises(
        WrongServo, match=r"connected motor is xl330-m288, shoulder_pan of Koch v1\.1 follower needs xl430"
    ):
        wizard.next()
    bench.line.faults.silence(1)
    with pytest.raises(DriverError, match="No motor answers at any baud rate"):
        wizard.next()
    assert wizard.step is not None
    assert wizard.step.number == 1
    assert {servo.baud for servo in bench.line.servos} == {57_600}
