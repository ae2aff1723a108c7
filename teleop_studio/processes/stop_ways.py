"""All ways to stop the arm that do not need the window: its silence, `teleop-studio stop`, a pedal."""

from dataclasses import dataclass

from drivers.clock import Clock
from drivers.stop_pedal import StopPedal
from teleop_studio.processes.stop_channel import TORQUE_OFF, NoStopChannel, StopChannel

SILENCE_S = 1.5
_TWICE_NS = 500_000_000
_LOOK_NS = 1_000_000_000


@dataclass(frozen=True)
class Stop:
    """Somebody wants the arm to stop. `limp`: and its torque off."""

    how: str
    limp: bool = False


class StopWays:
    """`look` once per control cycle; `done` once what it told has been carried out. Nothing here blocks.

    The window's silence is counted in cycles that were really served: a machine that stood still as a whole, window
    and loop, gives the window its time when it goes on.
    """

    def __init__(self, clock: Clock, channel: StopChannel | None, pedal: StopPedal | None) -> None:
        self._clock, self._channel, self._pedal = clock, channel, pedal
        self._silent_s: float | None = None
        self._pressed_ns: int | None = None
        self._look_ns = 0

    @property
    def window_listens(self) -> bool:
        """The window has said that it is alive within the time after which its silence stops the arm."""
        return self._silent_s is not None and self._silent_s <= SILENCE_S

    def alive(self) -> None:
        """The window has said that it still turns its wheel."""
        self._silent_s = 0.0

    def look(self, dt_s: float, moving: bool) -> Stop | None:
        """The strongest wish of this cycle. `moving`: something drives the arm, so that silence is dangerous."""
        found = self._pedal_stop()
        order = self._channel.heard() if self._channel else b""
        if order and not (found and found.limp):
            found = Stop("Stopped by `teleop-studio stop`.", order == TORQUE_OFF)
        return found or self._silence(dt_s, moving)

    def done(self) -> None:
        if self._channel:
            self._channel.answer()

    def take_news(self) -> list[str]:
        """What the operator should hear about the ways themselves."""
        return self._pedal.take_news() if self._pedal else []

    def close(self) -> None:
        if self._channel:
            self._channel.close()
        if self._pedal:
            self._pedal.close()

    def _pedal_stop(self) -> Stop | None:
        if self._pedal is None:
            return None
        now_ns = self._clock.now_ns()
        if not self._pedal.there and now_ns - self._look_ns > _LOOK_NS:
            self._look_ns = now_ns
            self._pedal.look()
        presses = self._pedal.presses()
        if not presses:
            return None
        twice = presses > 1 or (self._pressed_ns is not None and now_ns - self._pressed_ns <= _TWICE_NS)
        self._pressed_ns = now_ns
        return Stop("The pedal was pressed twice: the torque is off." if twice else "Stopped by the pedal.", twice)

    def _silence(self, dt_s: float, moving: bool) -> Stop | None:
        if self._silent_s is None:
            return None
        before, self._silent_s = self._silent_s, self._silent_s + dt_s
        if not moving or self._silent_s <= SILENCE_S:
            return None
        if before > SILENCE_S + dt_s:
            return Stop("Something moved the arm while the window was silent: it holds.")
        return Stop(f"The window has said nothing for {SILENCE_S:g} s, so nobody could have stopped the arm: it holds.")


def open_stop_ways(clock: Clock, stop_device: str) -> tuple[StopWays, list[str]]:
    """The ways of a rig, and what the operator should know about those that are missing."""
    news: list[str] = []
    channel = None
    try:
        channel = StopChannel()
    except NoStopChannel as error:
        news.append(str(error))
    return StopWays(clock, channel, StopPedal(stop_device) if stop_device else None), news
