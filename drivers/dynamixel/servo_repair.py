"""Restarts a servo that protects itself, sets it up again and lets it take its load softly, step by step."""

from collections.abc import Callable, Iterator, Sequence

from drivers.clock import Clock
from drivers.dynamixel.arm_goals import ArmGoals
from drivers.dynamixel.arm_servos import ArmServo
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.control_table import FULL_PWM
from drivers.dynamixel.servo_setup import set_up_steps
from drivers.dynamixel.slow_ring import error_words
from drivers.dynamixel.sync import SyncWrite
from drivers.dynamixel.wire import REBOOT, packet
from drivers.errors import DriverError, PortLost, ServoAlert, ServoSilent

_BOOT_NS = 500_000_000
_PATIENCE_NS = 1_500_000_000  # beyond the boot
_RAMP_NS = 500_000_000


class SteppedWork:
    """Work on servos that a control loop does a short step at a time. `alerted`: it failed at a hardware error."""

    def __init__(self, bus: DynamixelBus, steps: Iterator[None]) -> None:
        self._bus, self._steps = bus, steps
        self.alerted = False

    def step(self) -> str | None:
        """None while it is under way, then "" or the sentence why it failed. Raises `PortLost`."""
        try:
            with self._bus.hurried():
                next(self._steps)
        except StopIteration:
            return ""
        except PortLost:
            raise
        except DriverError as error:
            self.alerted = isinstance(error, ServoAlert)
            return str(error)
        return None


def repair_steps(
    bus: DynamixelBus, clock: Clock, goals: ArmGoals, servos: Sequence[ArmServo], effort: float | None
) -> Iterator[None]:
    """Restart the servos of one joint, set them up, and with an `effort` 0..1 power them where they stand."""
    yield from restart_steps(bus, clock, servos, goals.limits)
    if effort is None:
        return
    ticks = []
    for servo in servos:
        ticks.append(bus.read(servo.servo_id, servo.table.register("present_position")))
        yield
    # A restart makes a multi-turn servo forget its turns.
    row = servos[0].row
    goals.find_turn(row, ticks[0])
    into_limits = goals.nearest_ticks(row, ticks[0]) - ticks[0]
    yield from engage_steps(bus, clock, servos, [at + into_limits for at in ticks], effort)


def restart_steps(
    bus: DynamixelBus, clock: Clock, servos: Sequence[ArmServo], limits: Callable[[ArmServo], tuple[int, int]]
) -> Iterator[None]:
    """Restart the servos of one joint and set them up; they are limp afterwards.

    Each step is at most two transactions; run them inside `bus.hurried()`. Raises `ServoSilent` when one does not come
    back, `ServoAlert` when it still protects itself, `ServoRefused`.
    """
    for servo in servos:
        # Some answer before they restart, some do not: whether they come back is what counts.
        bus.attempt(servo.servo_id, packet(servo.servo_id, REBOOT), 0)
        yield
    restarted_ns = clock.now_ns()
    while clock.now_ns() < restarted_ns + _BOOT_NS:
        yield
    for servo in servos:
        yield from _back(bus, clock, servo, restarted_ns)
        bits = bus.read(servo.servo_id, servo.table.register("hardware_error_status"))
        if bits:
            raise ServoAlert(
                f"{bus.label(servo.servo_id)} still protects itself after its restart: {', '.join(error_words(bits))}. "
                "Take away the cause (let it cool, free it, check its supply), then restart it again."
            )
        yield
        yield from set_up_steps(bus, servo, limits(servo))


def engage_steps(
    bus: DynamixelBus, clock: Clock, servos: Sequence[ArmServo], goals: Sequence[int], share: float
) -> Iterator[None]:
    """Torque on at `goals` (ticks, where the servos stand); the effort grows to `share` within half a second."""
    for servo, goal in zip(servos, goals, strict=True):
        bus.send(effort_packet((servo,), 0.0))
        bus.write(servo.servo_id, servo.table.register("goal_position"), goal)
        yield
        bus.write(servo.servo_id, servo.table.register("torque_enable"), 1)
        yield
    start_ns = clock.now_ns()
    while (risen := (clock.now_ns() - start_ns) / _RAMP_NS) < 1.0:
        bus.send(effort_packet(servos, share * risen))
        yield
    bus.send(effort_packet(servos, share))


def effort_packet(servos: Sequence[ArmServo], share: float) -> bytes:
    """Sync Writes that let each servo use at most `share` 0..1 of its allowed effort (Goal PWM, Goal Current)."""
    pwm = SyncWrite([servo.servo_id for servo in servos], servos[0].table.register("goal_pwm"))
    packets = pwm.packet([round(share * FULL_PWM)] * len(servos))
    limited = [servo for servo in servos if servo.limits_current]
    if limited:
        current = SyncWrite([servo.servo_id for servo in limited], limited[0].table.register("goal_current"))
        packets += current.packet([round(share * servo.full_current_counts) for servo in limited])
    return packets


def _back(bus: DynamixelBus, clock: Clock, servo: ArmServo, restarted_ns: int) -> Iterator[None]:
    register = servo.table.register("model_number")
    while bus.ask(servo.servo_id, register.address, register.size) is None:
        if clock.now_ns() > restarted_ns + _BOOT_NS + _PATIENCE_NS:
            waited_s = (clock.now_ns() - restarted_ns) * 1e-9
            raise ServoSilent(
                f"{bus.label(servo.servo_id)} on {bus.port} did not come back within {waited_s:.1f} s of its restart. "
                "Check its cable; switch the arm off and on."
            )
        yield
    yield
