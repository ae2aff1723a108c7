"""What a lock-step job is to do, and how it is shared among processes."""

from dataclasses import dataclass, replace
from pathlib import Path

SIDES = ("left", "right")


@dataclass(frozen=True)
class RecordJob:
    """`episodes` successful scripted demonstrations into `folder`, `sides` in turn.

    Layouts are `seed`, `seed + stride`, ...; a layout at which the operator failed is not used.
    """

    episodes: int
    seed: int
    folder: Path
    task: str
    sides: tuple[str, ...] = SIDES
    stride: int = 1
    operator: str = ""


@dataclass(frozen=True)
class EvaluateJob:
    """Each of `runs` from each layout of `seeds`. `folder` None: nothing recorded.

    `executed_steps`, `solver_steps` None: those of the run's own configuration.
    """

    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    folder: Path | None
    executed_steps: int | None = None
    solver_steps: int | None = None


def split(job: RecordJob | EvaluateJob, workers: int) -> list[RecordJob | EvaluateJob]:
    """The same takes as `job`, shared among at most `workers` processes."""
    if isinstance(job, EvaluateJob):
        parts = [job.seeds[k::workers] for k in range(workers)]
        return [replace(job, seeds=seeds) for seeds in parts if seeds]
    if workers < len(SIDES) or job.episodes < len(SIDES):
        return [job]
    # One side each, so that both sides come out even whatever one of the processes has to repeat.
    shares = (-(-job.episodes // 2), job.episodes // 2)
    return [
        replace(job, episodes=share, seed=job.seed + k, sides=(side,), stride=len(SIDES))
        for k, (side, share) in enumerate(zip(SIDES, shares, strict=True))
    ]
