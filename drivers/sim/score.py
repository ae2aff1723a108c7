"""Did the attempt succeed? The rules of both scenes, looked at 15 times a second of simulated time."""

import math
from dataclasses import dataclass

TICK_HZ = 15
LIFTED_M = 0.05
UPRIGHT = 0.8
HELD_TICKS = 8
# A leaning bottle may still be in the hand; one that lies down is lost.
LYING = 0.3
SIDE_M = 0.035
# Of the gripper's stroke: closing by more than this is a grasp.
CLOSING = 0.15
# Tip to the bottle's axis at that moment, horizontally: further away the hand closes on nothing, or on a rim.
IN_HAND_M = 0.02

BEFORE, BESIDE, AFTER = "before the hand closed", "after closing beside the bottle", "after closing on the bottle"


@dataclass(frozen=True)
class Score:
    """State of one attempt since the reset.

    `lifted` True once the bottle was more than 5 cm up and upright for 8 ticks in a row with the obstacle standing.
    `side` "left" or "right" of the line from base to bottle, seen by the robot, where the hand first passed,
    else None.
    `failed` "" or why the attempt can no longer succeed, in words: "bottle fell before the hand closed", "carton fell".
    `stage` how far the attempt came: `BEFORE`, `BESIDE` or `AFTER`; says where one that ran out of time was stuck.
    `straight_ahead_rad` azimuth of the bottle at the start: what is left of it goes round on the left.
    """

    lifted: bool
    bottle_upright: bool
    obstacle_upright: bool
    side: str | None
    failed: str
    stage: str = BEFORE
    straight_ahead_rad: float = 0.0

    @property
    def success(self) -> bool:
        return self.lifted and not self.failed

    @property
    def out_of_time(self) -> str:
        """Why an attempt failed that was ended for its length."""
        return f"time is over {self.stage}"


class Judge:
    """Turns poses, one look per tick, into a `Score`."""

    def __init__(self, obstacle: str, straight_ahead_rad: float = 0.0) -> None:
        """`obstacle` is the word for it in `Score.failed`, `straight_ahead_rad` as in `Score`."""
        self._obstacle, self._straight_ahead_rad = obstacle, straight_ahead_rad
        self._stage, self._widest, self._closed = BEFORE, 0.0, False
        self._held = 0
        self._lifted = False
        self._failed = ""
        self._side: str | None = None
        self._upright = (True, True)

    def look(
        self,
        rise_m: float,
        bottle_uprightness: float,
        obstacle_uprightness: float,
        aside_m: float,
        opening: float = 1.0,
        reach_m: float = math.inf,
    ) -> None:
        """One tick: height over the start, cosines to the vertical, tip's distance to the left of the bottle's line.

        `opening` of the gripper, 0 closed .. 1; `reach_m` horizontally from the tip to the bottle.
        """
        bottle_upright, obstacle_upright = bottle_uprightness > UPRIGHT, obstacle_uprightness > UPRIGHT
        self._upright = (bottle_upright, obstacle_upright)
        if self._side is None and abs(aside_m) > SIDE_M:
            self._side = "left" if aside_m > 0 else "right"
        if self._lifted or self._failed:
            return
        self._see_hand(opening, reach_m)
        if not obstacle_upright:
            self._failed = f"{self._obstacle} fell"
        elif bottle_uprightness < LYING:
            self._failed = f"bottle fell {self._stage}"
        self._held = self._held + 1 if rise_m > LIFTED_M and bottle_upright else 0
        self._lifted = self._held >= HELD_TICKS and not self._failed

    def score(self) -> Score:
        return Score(self._lifted, *self._upright, self._side, self._failed, self._stage, self._straight_ahead_rad)

    def _see_hand(self, opening: float, reach_m: float) -> None:
        """A hand that opens again and closes once more is judged anew."""
        self._widest = max(self._widest, opening)
        closed = opening < self._widest - CLOSING
        if closed and not self._closed:
            self._stage = AFTER if reach_m <= IN_HAND_M else BESIDE
        self._closed = closed
