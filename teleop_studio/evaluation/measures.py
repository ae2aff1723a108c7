"""What a trial tells about how the policy drove, beside whether it succeeded."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TrialMeasures:
    """How one trial was driven. `chunks` 0: not measured, and nothing else here means anything.

    `step` training steps of the checkpoint that drove, 0 when unknown. `executed_steps` K and `solver_steps` S it drove
    with. `chunk_side` the side on which the first chunk that takes a side ends. `flips` how often the executed chunks'
    side changed before the grasp.
    `boundary_jump` median over the boundaries between two chunks: the distance of the new chunk from the command just
    sent, over the median step within the new chunk; `boundary_jump_mrad` the mean of that distance. Both nan for a
    trial of one chunk. `chunk_ms`, `samples_ms` wall time of each chunk, from the wish to the first chunk and to all
    samples drawn for the overlay, pictures not included.
    """

    step: int = 0
    chunks: int = 0
    flips: int = 0
    chunk_side: str = ""
    boundary_jump: float = math.nan
    boundary_jump_mrad: float = math.nan
    chunk_ms: tuple[float, ...] = ()
    samples_ms: tuple[float, ...] = ()
    executed_steps: int = 0
    solver_steps: int = 0


def mean(values: Iterable[float]) -> float:
    """Of the finite ones; nan without any."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.nan


def median(values: Iterable[float]) -> float:
    """Of the finite ones; nan without any."""
    return percentile([value for value in values if math.isfinite(value)], 50)


def percentile(values: Sequence[float], percent: float) -> float:
    """nan without values."""
    return float(np.percentile(np.asarray(values), percent)) if len(values) else math.nan
