"""Plays a policy's chunks: K of H steps open loop, then the next chunk, by time and never by counting ticks."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from drivers.samples import JointState
from teleop_studio.chunk import ActionChunk
from teleop_studio.control.ensembling import current, end_ns, mean_goal
from teleop_studio.control.sources import POLICY

STALE_S = 2.5  # a chunk made from an older picture is not entered: the world has gone on
OVER_S = 1.0  # that long past its last step a chunk asks for nothing any more


class ChunkPlayer:
    """An action source fed with chunks.

    A chunk is asked for when K steps of the current one have run (`wants_chunk`), and replaces it as soon as it
    arrives, entered at the step that is due by its own `start_ns`: late answers skip what has passed, they never
    shift the plan. Until then the current chunk goes on beyond step K; past its last step its last goal holds and
    the tick counts as starved; `OVER_S` later there is no request any more, which is a hold. A chunk made from a
    picture older than `STALE_S`, or from the future, is not entered and counts in `stale_chunks`. At most H - 1 steps
    run open loop: goal k + 1 is where step k ends.
    With `ensembling` a chunk is asked for at every step, and what is sent is the weighted mean of all that say
    something about now (`ensembling.mean_goal`); each still stands where it is due. It may be switched while the
    policy drives: the chunks that are averaged then stay until the next one comes.
    Raises `ValueError` for fewer than one executed step.
    """

    name = POLICY

    def __init__(self, executed_steps: int = 8, ensembling: bool = False) -> None:
        if executed_steps < 1:
            raise ValueError(f"executed_steps = {executed_steps}: at least one step of a chunk must run")
        self.executed_steps = executed_steps
        self.ensembling = ensembling
        self.chunk: ActionChunk | None = None
        self.chunks = 0
        self.starved_ticks = 0
        self.stale_chunks = 0
        self._requested = False
        self._postponed_ns = 0
        self._earlier: list[ActionChunk] = []  # the oldest first; averaged with `chunk`

    def wants_chunk(self, now_ns: int) -> bool:
        """True once per needed chunk; the caller then owes one `accept` or `request_failed`."""
        if self._requested:
            return False
        if self.chunk is not None:
            steps = min(1 if self.ensembling else self.executed_steps, len(self.chunk.actions) - 1)
            if now_ns < self.chunk.start_ns + round(steps * self.chunk.dt_s * 1e9):
                return False
        self._requested = True
        return True

    def accept(self, chunk: ActionChunk, now_ns: int) -> None:
        """Enter `chunk` from the next tick on.

        While the arm only held, what was observed still stands: such a chunk begins now. Entered at the step that is
        due by its stamp it would start with a jump, and the soft start would then creep behind the plan.
        """
        if not -0.5 <= (now_ns - chunk.start_ns) * 1e-9 <= STALE_S:
            self.stale_chunks += 1
            self.request_failed()
            return
        if self.chunk is None or now_ns > end_ns(self.chunk):
            chunk = replace(chunk, start_ns=now_ns)
            self._earlier = []
        else:
            self._earlier = current([*self._earlier, self.chunk], now_ns) if self.ensembling else []
        self.chunk = chunk
        self.chunks += 1
        self._requested = False
        self._postponed_ns = 0

    def postpone(self, by_ns: int) -> None:
        """The arm is still on its soft way to this chunk: the plan waits for it instead of running away from it.

        One that has waited for `STALE_S` is given up: the next one begins where the arm then is.
        """
        if self.chunk is None:
            return
        self._postponed_ns += by_ns
        *self._earlier, self.chunk = [
            replace(chunk, start_ns=chunk.start_ns + by_ns) for chunk in (*self._earlier, self.chunk)
        ]
        if self._postponed_ns > STALE_S * 1e9:
            self.chunk, self._earlier = None, []

    def request_failed(self) -> None:
        """The asked-for chunk will not come; ask again."""
        self._requested = False

    def action(self, now_ns: int, leader: JointState, follower: JointState) -> NDArray[np.float64] | None:
        if self.chunk is None:
            return None
        over_s = (now_ns - end_ns(self.chunk)) * 1e-9
        if over_s > 0:
            self.starved_ticks += 1
        if over_s > OVER_S:
            return None
        return mean_goal([*self._earlier, self.chunk], now_ns) if self._earlier else self.chunk.at(now_ns)
