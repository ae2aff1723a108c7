"""Which layouts are demonstrated, which are tried again and again, and which are kept for the last word.

A layout is a seed of the simulated scene. Choosing among checkpoints or policies on some starts makes the result on
them too good: the figure that is reported comes from starts that nobody has looked at before.
"""

from collections.abc import Iterable
from pathlib import Path

DEMONSTRATION_SEED = 0
"""First layout that is demonstrated, unless another is asked for."""

TEST_SEED = 1000
"""First of the starts that are tried again and again: to see how a run does, and to choose among checkpoints."""

FINAL_SEED = 500_000
"""First of the starts for the figure that is reported. Look once."""


def overlap(starts: Iterable[int], layouts: Iterable[int]) -> tuple[int, ...]:
    """The starts that were demonstrated."""
    return tuple(sorted(set(starts) & set(layouts)))


def overlap_sentence(run: Path, seen: tuple[int, ...], trials: int) -> str:
    """What is wrong with trying `run` from starts it was trained on, and what to do."""
    return (
        f"{run.name} was trained on {len(seen)} of these {trials} starts (layouts {_listed(seen)}). A trial from there "
        f"says how well it remembers, not what it has learnt. Choose others, such as --seed {TEST_SEED} or --final."
    )


def _listed(layouts: tuple[int, ...]) -> str:
    shown = ", ".join(str(layout) for layout in layouts[:3])
    return shown if len(layouts) <= 3 else f"{shown} ..."
