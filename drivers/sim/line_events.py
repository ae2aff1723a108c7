"""Lets the events of a fault plan happen on emulated lines."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from drivers.clock import Clock
from drivers.dynamixel.control_table import BAUD_RATES
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.fault_rules import FaultEvent, FaultPlan, RunningRules
from drivers.sim.servo import EmulatedServo
from drivers.sim.servo_strain import OVERLOAD_BIT

_SWAP_S = 0.5  # between pulling two cables and plugging them in crosswise
_HOTTER_C = 5.0


def play(
    plan: FaultPlan, lines: Mapping[str, EmulatedBus], clock: Clock, swap: Callable[[], None] = lambda: None
) -> None:
    """From now on, let `plan` go wrong on `lines` (port -> line). `swap` exchanges the places of two ports."""
    start_ns = clock.now_ns()
    for port, line in lines.items():
        part = plan.of_port(port)
        # Each port has draws of its own, so that what one line carries changes nothing on the other.
        line.faults.rules = RunningRules(part.rules, plan.seed + 1_000_003 * list(lines).index(port), start_ns)
        for event in part.events:
            if event.kind != "swap":
                line.at(start_ns + round(event.at_s * 1e9), partial(happen, event, line))
    for event in plan.events:
        if event.kind == "swap":
            swap_ports(lines, start_ns + round(event.at_s * 1e9), swap)


def happen(event: FaultEvent, line: EmulatedBus) -> None:
    """Let one event happen on a line, now. Raises `ValueError` for a servo or joint that the line does not have."""
    if event.kind == "unplug":
        line.faults.unplug()
    elif event.kind == "replug":
        line.faults.plug_in()
    elif event.kind == "plug-only":
        line.plug_only(*([event.joint] if event.joint else []))
    elif event.kind in _BY_A_HAND:
        _BY_A_HAND[event.kind](event, line)
    else:
        for servo in _servos(event, line):
            _TO_A_SERVO[event.kind](event, line, servo)


def swap_ports(lines: Mapping[str, EmulatedBus], at_ns: int, swap: Callable[[], None]) -> None:
    """From `at_ns` on all cables are out; half a second later they are in again, after `swap`."""
    for line in lines.values():
        line.at(at_ns, line.faults.unplug)
    back_ns = at_ns + round(_SWAP_S * 1e9)
    first, *others = lines.values()
    first.at(back_ns - 1, swap)
    for line in (first, *others):
        line.at(back_ns, line.faults.plug_in)


def _servos(event: FaultEvent, line: EmulatedBus) -> list[EmulatedServo]:
    if event.joint:
        return line.servos_of(_joint(event, line))
    found = [servo for servo in line.servos if not event.ids or servo.servo_id in event.ids]
    if not found:
        raise ValueError(
            f"event {event.kind!r}: no servo {', '.join(map(str, event.ids))} on this line; "
            f"there are {[servo.servo_id for servo in line.servos]}"
        )
    return found


def _joint(event: FaultEvent, line: EmulatedBus) -> str:
    if event.joint:
        return line.hand(event.joint).joint.name
    for servo, joint in zip(line.servos, line.joints, strict=False):
        if servo.servo_id in event.ids:
            return joint
    raise ValueError(f"event {event.kind!r} needs a joint; there are {', '.join(dict.fromkeys(line.joints)) or 'none'}")


def _value(event: FaultEvent) -> float:
    assert event.value is not None  # FaultEvent has seen to it
    return event.value


def _heat(event: FaultEvent, line: EmulatedBus, servo: EmulatedServo) -> None:
    if servo.strain is not None:
        limit_c = servo.peek("temperature_limit")
        servo.strain.temperature_c = limit_c + _HOTTER_C if event.value is None else event.value


def _supply(event: FaultEvent, line: EmulatedBus, servo: EmulatedServo) -> None:
    if servo.strain is not None:
        servo.strain.supply_v = _value(event)


_BY_A_HAND: Final[dict[str, Callable[[FaultEvent, EmulatedBus], None]]] = {
    "put": lambda event, line: line.hand(_joint(event, line)).put(_value(event)),
    "hold": lambda event, line: line.hand(_joint(event, line)).hold(_value(event)),
    "let-go": lambda event, line: line.hand(_joint(event, line)).let_go(),
    "pull": lambda event, line: line.hand(_joint(event, line)).pull(_value(event)),
    "stuck": lambda event, line: line.hand(_joint(event, line)).block(),
    "free": lambda event, line: line.hand(_joint(event, line)).block(False),
}
_TO_A_SERVO: Final[dict[str, Callable[[FaultEvent, EmulatedBus, EmulatedServo], None]]] = {
    "overload": lambda event, line, servo: servo.fail(OVERLOAD_BIT),
    "overheat": _heat,
    "voltage": _supply,
    "brown-out": lambda event, line, servo: servo.reboot(),
    "dead": lambda event, line, servo: line.faults.silence(servo.servo_id),
    "alive": lambda event, line, servo: line.faults.revive(servo.servo_id),
    "turns": lambda event, line, servo: servo.jump_turns(int(_value(event))),
    "id": lambda event, line, servo: servo.poke("id", int(_value(event))),
    "baud": lambda event, line, servo: servo.poke("baud_rate", BAUD_RATES.index(int(_value(event)))),
}
