"""Ids, baud rates and other EEPROM: written only where different, and read back."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers.clock import Clock
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import BAUD_RATES, MODELS, ControlTable, Register
from drivers.dynamixel.transport import Transport
from drivers.errors import ServoRefused, ServoSilent, WrongServo

_MODEL_OF = {table.model_number: table for table in MODELS.values()}
_SETTLE_NS = 100_000_000  # a servo writes its EEPROM and changes its rate in less

type OpenAt = Callable[[int], Transport]
"""Opens a line at a baud rate."""


@dataclass(frozen=True)
class Written:
    """`changed` False when the servo had the value already."""

    servo_id: int
    register: str
    changed: bool


def table_of(bus: DynamixelBus, servo_id: int) -> ControlTable:
    """The control table of whatever answers at this id. Raises `ServoSilent`, `WrongServo` for an unknown model."""
    number = bus.ping(servo_id).model_number
    if number not in _MODEL_OF:
        raise WrongServo(
            f"{bus.label(servo_id)} on {bus.port} has model number {number}, which is not known here. "
            f"Known servos: {', '.join(MODELS)}."
        )
    return _MODEL_OF[number]


def write_eeprom(bus: DynamixelBus, servo_id: int, register: Register, value: int) -> Written:
    """Bring an EEPROM register to `value`: its memory wears out, so only when it differs; then it is read back.

    The servo must be limp. Raises `ServoSilent`, `ServoRefused`.
    """
    if bus.read(servo_id, register) == value:
        return Written(servo_id, register.name, changed=False)
    bus.write(servo_id, register, value)
    kept = bus.read(servo_id, register)
    if kept != value:
        raise ServoRefused(
            f"{bus.label(servo_id)} on {bus.port} confirmed {value} for {register.name}, but holds {kept}. "
            "Try again; if it stays so, the servo's memory is worn out."
        )
    return Written(servo_id, register.name, changed=True)


def let_go(bus: DynamixelBus, servo_ids: Sequence[int]) -> list[int]:
    """Take the torque off these servos where it is on; returns whose it was. Raises `ServoSilent`, `ServoRefused`."""
    held = []
    for servo_id in servo_ids:
        torque = MODELS["xl330-m288"].register("torque_enable")  # at the same place on every X servo
        if bus.read(servo_id, torque):
            bus.write(servo_id, torque, 0)
            held.append(servo_id)
    return held


def set_id(bus: DynamixelBus, clock: Clock, servo_id: int, new_id: int) -> bool:
    """Give a servo another id; False when it has it already. Only one servo may have `servo_id`.

    Raises `ServoSilent` when nobody answers, `ServoRefused` when the new id is taken or not accepted.
    """
    table = table_of(bus, servo_id)
    if servo_id == new_id:
        return False
    if not 0 <= new_id <= 252:
        raise ServoRefused(f"{new_id} is no servo id. Give one from 0 to 252, arms use low ones.")
    if _answers(bus, new_id):
        raise ServoRefused(
            f"Another servo on {bus.port} has id {new_id} already, two would talk over each other. "
            "Unplug that one, or give it another id first."
        )
    let_go(bus, [servo_id])
    with contextlib.suppress(ServoSilent):  # some confirm under the new id; whether it is there is asked below
        bus.write(servo_id, table.register("id"), new_id)
    clock.sleep_until_ns(clock.now_ns() + _SETTLE_NS)
    if table_of(bus, new_id).model_number != table.model_number or _answers(bus, servo_id):
        raise ServoRefused(
            f"After changing id {servo_id} to {new_id} on {bus.port} both ids answer. Two servos had id {servo_id}: "
            "connect one motor at a time."
        )
    return True


def set_baud(open_at: OpenAt, clock: Clock, now: int, servo_ids: Sequence[int], baud: int) -> list[int]:
    """Bring servos that answer at rate `now` to `baud` and see that they answer there; returns those that changed.

    Raises `ServoSilent`, `ServoRefused` for a rate that a servo does not have; nothing has changed then.
    """
    if baud not in BAUD_RATES:
        raise ServoRefused(f"{baud} is no baud rate of these servos. Choose one of {', '.join(map(str, BAUD_RATES))}.")
    if now == baud or not servo_ids:
        return []
    code = BAUD_RATES.index(baud)
    transport = open_at(now)
    try:
        bus = DynamixelBus(transport, clock, baud=now)
        tables = {servo_id: table_of(bus, servo_id) for servo_id in servo_ids}
        for servo_id, table in tables.items():
            highest = table.register("baud_rate").high
            if highest is not None and code > highest:
                raise ServoRefused(
                    f"{bus.label(servo_id)} on {bus.port} ({table.name}) does not know {baud} baud. "
                    f"Its highest rate is {BAUD_RATES[highest]}."
                )
        let_go(bus, servo_ids)
        for servo_id, table in tables.items():
            with contextlib.suppress(ServoSilent):  # it may confirm at the new rate already; that is asked below
                bus.write(servo_id, table.register("baud_rate"), code)
    finally:
        transport.close()
    clock.sleep_until_ns(clock.now_ns() + _SETTLE_NS)
    transport = open_at(baud)
    try:
        bus = DynamixelBus(transport, clock, baud=baud)
        for servo_id in servo_ids:
            bus.ping(servo_id)
    finally:
        transport.close()
    return list(servo_ids)


def _answers(bus: DynamixelBus, servo_id: int) -> bool:
    try:
        bus.ping(servo_id)
    except ServoSilent:
        return False
    return True
