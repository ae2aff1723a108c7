"""Both sides of every layout: which layout and which side is due while a person records, and what to do for it."""

import uuid

from teleop_studio.learning_status import PairPrompt

SIDES = ("left", "right")


class Pairs:
    """Leads through `layouts` layouts, each from the left and then from the right.

    Shown from one side only, a layout gives its side away to whoever learns from it. `first_seed` is the first layout
    of the simulated scene; None on a real rig, where somebody puts the objects on their marks. The same side is asked
    for until its take was `kept`.
    """

    def __init__(self, layouts: int, first_seed: int | None = None) -> None:
        """Raises `ValueError` for less than one layout."""
        if layouts < 1:
            raise ValueError(f"layouts = {layouts}: record at least one from both sides")
        self.layouts = layouts
        self._first_seed = first_seed
        self._kept = 0  # takes
        self._id = uuid.uuid4().hex

    @property
    def finished(self) -> bool:
        return self._kept == self.layouts * len(SIDES)

    @property
    def whole(self) -> int:
        """Layouts that were shown from both sides."""
        return self._kept // len(SIDES)

    @property
    def side(self) -> str:
        """Where the next demonstration goes past."""
        return SIDES[self._kept % len(SIDES)]

    @property
    def seed(self) -> int | None:
        """Layout of the simulated scene, the same for both sides."""
        return None if self._first_seed is None else self._first_seed + self.whole

    @property
    def half_done(self) -> bool:
        """The present layout has been shown from one side only."""
        return self._kept % len(SIDES) == 1

    def prompt(self) -> PairPrompt | None:
        """What to do now; None when all layouts are done."""
        if self.finished:
            return None
        second = self.half_done
        if self._first_seed is not None:
            todo = "The scene is as it was" if second else "The scene has a new layout"
        else:
            todo = "Put everything back on the same marks" if second else "Put everything on the tape marks"
        return PairPrompt(self.whole + 1, self.layouts, self.side, f"{todo}, then press Space.", second)

    def said(self) -> dict[str, object]:
        """What the episode of the next take says about it: pair, intended side, and the simulated layout."""
        about: dict[str, object] = {"pair": self._id, "operator_side": self.side, "layout": self.whole + 1}
        return about if self.seed is None else {**about, "seed": self.seed}

    def kept(self) -> None:
        """The take of this side is a success and stays: on to the other side, or to the next layout."""
        self._kept += 1
        if not self.half_done:
            self._id = uuid.uuid4().hex
