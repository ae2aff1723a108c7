"""An emulated arm of any `ArmModel`: its servos on one line, a simple joint under each, and a hand for every joint."""

from drivers.arms.model import ArmModel, JointModel
from drivers.clock import Clock
from drivers.dynamixel.control_table import MODELS, RAD_S_PER_VELOCITY_UNIT
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hand import Hand, shaft_rad
from drivers.sim.joint_shaft import JointShaft, ShaftMotor
from drivers.sim.servo import EmulatedServo
from drivers.sim.step_clock import StepClock
from drivers.sim.usb_model import UsbTiming

FACTORY_ID = 1
FACTORY_BAUD = 57_600
_BOOT_NS = 200_000_000  # a restarting servo is deaf for about that long; our estimate
_BEYOND_LIMITS_RAD = 0.35  # from a joint's limits to its end stops


def emulated_arm(
    model: ArmModel,
    clock: Clock,
    factory: bool = False,
    baud: int | None = None,
    wire_time: bool = False,
    usb: UsbTiming | None = None,
) -> EmulatedBus:
    """The servos of `model` on one line, at home, limp; `line.hand(joint)` moves a joint as a person would.

    They are set up as `model` says, at `baud` (default: the model's). With `factory` they are as out of the box: all
    with id 1 at 57600 baud, in position mode, without homing. They would all talk at once then, so plug them in one by
    one: `line.plug_only(joint)`. `wire_time`, `usb` as of `EmulatedBus`.
    """
    rate = baud or (FACTORY_BAUD if factory else model.baud)
    time = StepClock(clock)
    servos: list[EmulatedServo] = []
    joints: list[str] = []
    hands: dict[str, Hand] = {}
    for joint in model.joints:
        hand = Hand(joint, _shaft(joint, model.home[len(hands)], time))
        hands[joint.name] = hand
        for motor, servo_id in enumerate(_ids(joint)):
            plant = ShaftMotor(hand.shaft, motor, _mount(joint) if motor else 1)
            servo = EmulatedServo(
                FACTORY_ID if factory else servo_id,
                joint.servo,
                plant,
                time,
                rate,
                protects=True,
                boot_ns=_BOOT_NS,
                steps=time,
            )
            if not factory:
                _set_up(servo, joint, motor)
            servos.append(servo)
            joints.append(joint.name)
    return EmulatedBus(servos, clock, wire_time=wire_time, baud=rate, joints=joints, hands=hands, usb=usb)


def _ids(joint: JointModel) -> list[int]:
    return [joint.servo_id] if joint.second_id is None else [joint.servo_id, joint.second_id]


def _shaft(joint: JointModel, home: float, clock: Clock) -> JointShaft:
    # The velocity limit from the factory is the servo's speed without load, to a few per cent.
    speed = MODELS[joint.servo].register("velocity_limit").initial * RAD_S_PER_VELOCITY_UNIT
    ends = sorted((shaft_rad(joint, joint.lower), shaft_rad(joint, joint.upper)))
    return JointShaft(
        clock,
        speed,
        ends[0] - _BEYOND_LIMITS_RAD,
        ends[1] + _BEYOND_LIMITS_RAD,
        shaft_rad(joint, home),
        motors=len(_ids(joint)),
    )


def _mount(joint: JointModel) -> int:
    """Which way round the second servo is screwed on: with its own drive mode it counts as the first one does."""
    return -1 if (joint.drive_mode ^ joint.second_drive_mode) & 1 else 1


def _set_up(servo: EmulatedServo, joint: JointModel, motor: int) -> None:
    servo.poke("drive_mode", joint.second_drive_mode if motor else joint.drive_mode)
    servo.poke("operating_mode", joint.operating_mode)
    servo.poke("homing_offset", joint.homing_offset or 0)
    if motor:
        servo.poke("secondary_shadow_id", joint.servo_id)
    if joint.current_limit_ma is not None and "current_limit" in servo.table.registers:
        servo.poke("current_limit", servo.table.current_counts(joint.current_limit_ma))
    servo.poke("return_delay_time", 0)
    servo.reboot()
    servo.awake_ns = 0
