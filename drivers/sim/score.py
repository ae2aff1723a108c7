"""Did the attempt succeed? The rules of both scenes, looked at 15 times a second of simulated time."""

from dataclasses import dataclass

TICK_HZ = 15
LIFTED_M = 0.05
UPRIGHT = 0.8
HELD_TICKS = 8
# A leaning bottle may still be in the hand; one that lies down is lost.
LYING = 0.3
SIDE_M = 0.035


@dataclass(frozen=True)
class Score:
    """State of one attempt since the reset.

    `lifted` True once the bottle was more than 5 cm up and upright for 8 ticks in a row with the obstacle standing.
    `side` "left" or "right" of the line from base to bottle, seen by the robot, where the hand first passed,
    else None.
    `failed` "" or why the attempt can no longer succeed, in words: "bottle fell", "carton fell", "box fell".
    """

    lifted: bool
    bottle_upright: bool
    obstacle_upright: bool
    side: str | None
    failed: str

    @property
    def success(self) -> bool:
        return self.lifted and not self.failed


class Judge:
    """Turns poses, one look per tick, into a `Score`."""

    def __init__(self, obstacle: str) -> None:
        """`obstacle` is the word for it in `Score.failed`."""
        self._obstacle = obstacle
        self._held = 0
        self._lifted = False
        self._failed = ""
        self._side: str | None = None
        self._upright = (True, True)

    def look(self, rise_m: float, bottle_uprightness: float, obstacle_uprightness: float, aside_m: float) -> None:
        """One tick: height over the start, cosines to the vertical, tip's distance to the left of the bottle's line."""
        bottle_upright, obstacle_upright = bottle_uprightness > UPRIGHT, obstacle_uprightness > UPRIGHT
        self._upright = (bottle_upright, obstacle_upright)
        if self._side is None and abs(aside_m) > SIDE_M:
            self._side = "left" if aside_m > 0 else "right"
        if self._lifted or self._failed:
            return
        if not obstacle_upright:
            self._failed = f"{self._obstacle} fell"
        elif bottle_uprightness < LYING:
            self._failed = "bottle fell"
        self._held = self._held + 1 if rise_m > LIFTED_M and bottle_upright else 0
        self._lifted = self._held >= HELD_TICKS and not self._failed

    def score(self) -> Score:
        return Score(self._lifted, *self._upright, self._side, self._failed)
