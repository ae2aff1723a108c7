"""Who computes the next step: this process alone, or with helpers on the machine's other cores.

Both give the same bits, so it may change at any step: helpers come when a run is worth them and stand aside while a rig
is live; see decisions/0027.
"""

import contextlib
import sys
import time
from collections.abc import Callable

from teleop_studio.live_lock import rig_is_live
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.helper_processes import Helpers
from teleop_studio.training.preparing import usable_cores
from teleop_studio.training.team import ALONE, CATCH_UP, END, PREPARED, STEP, Team, TeamLost
from teleop_studio.training.trainer import Trainer

_WORTH_S = 30.0  # of training left: helpers take some seconds of a core until they help
_LOOK_EVERY_S = 0.5
_FOR_A_RIG = 2  # cores that stay free while one is live


class Sharing:
    """Of one training, in its main process. Without arguments: alone, always."""

    def __init__(
        self,
        processes: int = 1,
        start: Callable[[], Helpers] | None = None,
        wait: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`processes` in all; `start` begins to start the others. `wait` for them, however short the run is."""
        self._processes, self._start, self._wait, self._clock = processes, start, wait, clock
        self._helpers: Helpers | None = None
        self._team: Team | None = None
        self._others_at = -1  # the step that the others stand at
        self._looked_s, self._allowed = float("-inf"), False

    @property
    def processes(self) -> int:
        """That share a batch when nothing is in the way."""
        return self._processes

    def prepared(self) -> None:
        """Everything that all processes read is on the disk."""
        if self._team is not None:
            self._team.tell(PREPARED)

    @classmethod
    def launched(cls, team: Team) -> "Sharing":
        """With the processes of `accelerate launch`, always; they all begin where this one does."""
        sharing = cls(team.size)
        sharing._team = team
        return sharing

    def team(self, trainer: Trainer, eta_s: float | None) -> Team:
        """Who computes the trainer's next step; the others know by now. Raises `TeamLost`."""
        if self._processes == 1:
            return ALONE
        if self._start is not None:
            self._look(eta_s)
            if not self._allowed or self._team is None:
                return ALONE
            if self._others_at != trainer.step:
                self._team.tell(CATCH_UP)
                self._team.give(trainer.state())
        assert self._team is not None
        self._team.tell(STEP)
        self._others_at = trainer.step + 1
        return self._team

    def lost(self, lost: TeamLost) -> None:
        """A process of the team died. Raises `TrainingError` where it can not be done without."""
        if self._start is None:
            raise TrainingError(
                f"Another process of this training died: {lost}. Look into its log, then resume the run."
            ) from lost
        print(f"A helping process died ({lost}); training goes on with one process.", file=sys.stderr, flush=True)
        self.close()

    def close(self) -> None:
        """Let the others go."""
        team, self._team, self._processes = self._team, None, 1
        if team is not None:
            with contextlib.suppress(TeamLost):
                team.tell(END)
            team.leave()
        if self._helpers is not None:
            self._helpers.close()
            self._helpers = None

    def _look(self, eta_s: float | None) -> None:
        """Now and then: may there be helpers, are they worth it, are they ready?"""
        now_s = self._clock()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        self._allowed = self._processes <= processes_allowed()
        if not self._allowed:
            return
        if self._helpers is None and (self._wait or (eta_s or 0.0) > _WORTH_S):
            assert self._start is not None
            self._helpers = self._start()
        if self._helpers is not None and self._team is None:
            self._team = self._helpers.team(wait=self._wait)
            if self._helpers.failed:
                print("A helping process could not start; training goes on with one.", file=sys.stderr, flush=True)
                self.close()


def processes_allowed() -> int:
    """How many processes may compute now: one for each core, less what an open rig needs."""
    return max(1, usable_cores() - _FOR_A_RIG) if rig_is_live() else usable_cores()
