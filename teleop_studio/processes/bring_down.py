"""How the follower is left when nobody will be there any more: softly limp, at rest, or holding."""

import logging

import numpy as np

from drivers.errors import DriverError
from teleop_studio.control.loop import ControlLoop
from teleop_studio.control.sources import RestSource
from teleop_studio.processes.arms import Arm

_log = logging.getLogger(__name__)
_HOLD_S, _RAMP_S = 0.5, 2.0
_REST_S = 20.0
_BRAKE_S = 0.3
NEAR_REST = 1e-3  # joint units


def bring_down(loop: ControlLoop, follower: Arm, how: str) -> None:
    """`how` "soften", "rest" or "hold". A limp arm stays limp. Never raises for a servo or the port."""
    if loop.limp:
        loop.release()
    elif how == "hold":
        _leave_holding(loop, follower)
    elif how == "rest" and _go_to_rest(loop, follower):
        loop.release()
    else:
        _soften(loop, follower)


def _soften(loop: ControlLoop, follower: Arm) -> None:
    """Hold, then less and less torque, then none."""
    loop.hold()
    rate_hz = 1e9 / loop.period_ns
    hold_ticks, ramp_ticks = int(_HOLD_S * rate_hz), int(_RAMP_S * rate_hz)
    try:
        for k in range(hold_ticks + ramp_ticks):
            loop.tick(loop.wait())
            # Twenty steps are smooth enough; each is one more write on the bus.
            if k >= hold_ticks and (k - hold_ticks) % max(1, ramp_ticks // 20) == 0:
                follower.set_effort_limit(1.0 - (k - hold_ticks) / ramp_ticks)
    except DriverError:
        pass  # a dead line can not be ramped; torque off below still tries every servo
    loop.release()


def _go_to_rest(loop: ControlLoop, follower: Arm) -> bool:
    """True when the follower got there."""
    try:
        loop.engage(source := RestSource(rest_pose(follower)))
    except DriverError as error:
        _log.warning("the follower could not be brought to rest: %s", error)
        return False
    for _ in range(int(_REST_S * 1e9 / loop.period_ns)):
        tick = loop.tick(loop.wait())
        if not loop.driving or loop.source is not source:
            break
        if tick is not None and source.finished and at_rest(tick.action, follower):
            return True
    _log.warning("the follower did not get to its rest pose: %s", loop.fault or "something is in the way")
    return False


def _leave_holding(loop: ControlLoop, follower: Arm) -> None:
    """The torque stays on: the servos keep their last goal by themselves, without a watchdog."""
    loop.hold()
    for _ in range(int(_BRAKE_S * 1e9 / loop.period_ns)):
        loop.tick(loop.wait())
    try:
        follower.watchdog(0)
    except DriverError as error:
        _log.warning("the follower's watchdog could not be switched off: %s", error)
    _log.info("the follower is left holding, with its torque on")


def rest_pose(follower: Arm) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(D,) joint units, inside the limits. Raises `DriverError` for an arm of which no rest pose is known."""
    model = follower.model
    if not model.rest_known:
        raise DriverError(
            f"Nobody has published a pose in which {model.title or model.name} can go limp, so it is not sent to one. "
            "Support the arm, then take its torque off."
        )
    return np.clip(np.array(model.rest), model.lower, model.upper)


def at_rest(action: np.ndarray[tuple[int, ...], np.dtype[np.float64]], follower: Arm) -> bool:
    """The last command is the rest pose."""
    return bool(np.abs(action - rest_pose(follower)).max() < NEAR_REST)
