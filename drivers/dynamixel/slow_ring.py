"""Temperature, voltage, errors and torque of an arm's servos: one short question per control tick, round and round."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final

from drivers.clock import Clock
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.bus_statistics import ServoCounters
from drivers.dynamixel.control_table import HARDWARE_ERRORS, Register
from drivers.samples import ServoReading

TRIPPED: Final = 255  # what Bus Watchdog says when it has stopped its servo
# Two short reads rather than one long one: together 83 bytes, more than a control tick can wait for at low baud rates.
_BLOCKS: Final = (
    (64, 7, ("torque_enable", "hardware_error_status")),
    (98, 49, ("bus_watchdog", "realtime_tick", "effort", "present_input_voltage", "present_temperature")),
)
_TICK_TURN_MS = 32_768  # Realtime Tick counts 0 .. 32767 ms
_TICK_TOLERANCE_MS = 100
_TICK_DRIFT = 0.05  # of a servo's clock against ours, generously
_TICK_MEMORY_MS = 10_000  # after a longer silence the count may have gone round


@dataclass(frozen=True)
class SlowLook:
    """What one question found; None: not asked this time. `restarted`: the servo's own clock has jumped."""

    index: int
    torque: bool | None
    errors: bool
    restarted: bool
    watchdog: int | None


@dataclass
class _Slow:
    values: dict[str, int] = field(default_factory=dict)
    stamp_ns: int | None = None
    tick_ms: int | None = None
    tick_stamp_ns: int = 0


class SlowRing:
    """Asks one servo a step, two steps a servo: 14 steps for 7 servos, 0.14 s at 100 Hz."""

    def __init__(self, servos: Sequence[ArmServo], bus: DynamixelBus, clock: Clock) -> None:
        self._servos, self._bus, self._clock = servos, bus, clock
        self._slow = [_Slow() for _ in servos]
        self._fields = [_fields(servo) for servo in servos]
        self._turn = 0
        self._first: deque[tuple[int, int]] = deque()

    def ask_first(self, index: int) -> None:
        """Ask this servo with the next steps, out of turn."""
        if (index, 0) not in self._first:
            self._first.extend(((index, 0), (index, 1)))

    def step(self, skip: Collection[int] = ()) -> SlowLook | None:
        """One question to the next servo that is not in `skip`; None when it did not answer or nobody is left.

        Raises `PortLost`.
        """
        place = self._next(skip)
        if place is None:
            return None
        index, block = place
        address, size, _ = _BLOCKS[block]
        status = self._bus.ask(self._servos[index].servo_id, address, size)
        if status is None:
            return None
        now_ns, slow = self._clock.now_ns(), self._slow[index]
        for name, register in self._fields[index][block].items():
            start = register.address - address
            slow.values[name] = register.decode(status.data[start : start + register.size])
        slow.stamp_ns = now_ns
        return SlowLook(
            index,
            # Not what an earlier question found: the torque may have been switched since.
            torque=bool(slow.values["torque_enable"]) if block == 0 else None,
            errors=bool(slow.values.get("hardware_error_status")),
            restarted=block == 1 and self._clock_jumped(slow, now_ns),
            watchdog=slow.values["bus_watchdog"] if block == 1 else None,
        )

    def forget(self, index: int) -> None:
        """The servo is being restarted: what it said before means nothing now."""
        self._slow[index] = _Slow()

    def forget_clock(self, index: int) -> None:
        """Its restart is known: the jump of its clock is not another one."""
        self._slow[index].tick_ms = None

    def readings(self, now_ns: int) -> tuple[ServoReading, ...]:
        """What every servo said last, without asking."""
        pairs = zip(self._servos, self._slow, strict=True)
        return tuple(_reading(servo, slow, self._bus.servos[servo.servo_id], now_ns) for servo, slow in pairs)

    def _next(self, skip: Collection[int]) -> tuple[int, int] | None:
        while self._first:
            place = self._first.popleft()
            if place[0] not in skip:
                return place
        for _ in range(len(self._servos)):
            index, block = divmod(self._turn, len(_BLOCKS))
            if index in skip:
                self._turn = (index + 1) % len(self._servos) * len(_BLOCKS)
                continue
            self._turn = (self._turn + 1) % (len(self._servos) * len(_BLOCKS))
            return index, block
        return None

    def _clock_jumped(self, slow: _Slow, now_ns: int) -> bool:
        tick_ms = slow.values["realtime_tick"]
        before_ms, elapsed_ms = slow.tick_ms, (now_ns - slow.tick_stamp_ns) * 1e-6
        slow.tick_ms, slow.tick_stamp_ns = tick_ms, now_ns
        if before_ms is None or elapsed_ms > _TICK_MEMORY_MS:
            return False
        off_ms = (tick_ms - before_ms - elapsed_ms + _TICK_TURN_MS / 2) % _TICK_TURN_MS - _TICK_TURN_MS / 2
        tolerance_ms = _TICK_TOLERANCE_MS + _TICK_DRIFT * elapsed_ms
        # A restart begins at 0 again; any other jump is our own clock read late, on a busy machine.
        return bool(abs(off_ms) > tolerance_ms and tick_ms <= elapsed_ms + tolerance_ms)


def error_words(bits: int) -> tuple[str, ...]:
    """Hardware Error Status in plain words."""
    return tuple(text for bit, text in HARDWARE_ERRORS.items() if bits >> bit & 1)


def _fields(servo: ArmServo) -> list[dict[str, Register]]:
    effort = "present_current" if servo.table.measures_current else "present_load"
    return [
        {name: servo.table.register(effort if name == "effort" else name) for name in names} for _, _, names in _BLOCKS
    ]


def _reading(servo: ArmServo, slow: _Slow, counters: ServoCounters, now_ns: int) -> ServoReading:
    values = slow.values
    load, current_ma = nan, nan
    if "effort" in values:
        counts = abs(values["effort"])
        if servo.table.measures_current:
            current_ma = counts * servo.table.effort_scale
            load = counts / max(1, servo.full_current_counts)
        else:
            load = counts / 1000
    return ServoReading(
        joint=servo.joint.name,
        servo_id=servo.servo_id,
        servo=servo.table.name,
        temperature_c=float(values.get("present_temperature", nan)),
        voltage_v=values.get("present_input_voltage", nan) / 10,
        load=load,
        current_ma=current_ma,
        torque=bool(values.get("torque_enable")),
        errors=error_words(values.get("hardware_error_status", 0)),
        age_ns=None if slow.stamp_ns is None else now_ns - slow.stamp_ns,
        missed=counters.missed,
        crc_errors=counters.crc_errors,
        alerts=counters.alerts,
        stopped=values.get("bus_watchdog") == TRIPPED,
    )
