"""What a lock-step job is to do, and how it is shared among processes."""

from dataclasses import dataclass, replace
from pathlib import Path

SIDES = ("left", "right")


@dataclass(frozen=True)
class RecordJob:
    """`episodes` successful scripted demonstrations into `folder`, `sides` in turn.

    Layouts are `seed`, `seed + stride`, ...; a layout at which the operator failed is not used. `paired`: each layout
    from the left and from the right, and one at which either side failed is not used; `episodes` is even then.
    """

    episodes: int
    seed: int
    folder: Path
    task: str
    sides: tuple[str, ...] = SIDES
    stride: int = 1
    operator: str = ""
    paired: bool = False

    def __post_init__(self) -> None:
        if self.paired and self.episodes % len(SIDES):
            raise ValueError(f"episodes = {self.episodes}: both sides of every layout make an even number")


@dataclass(frozen=True)
class EvaluateJob:
    """Each of `runs` from each layout of `seeds`. `folder` None: nothing recorded.

    `executed_steps`, `solver_steps` None: those of the run's own configuration. `task` for policies with several.
    `ensembling`: a chunk at every step, and their mean over time is sent.
    """

    runs: tuple[Path, ...]
    seeds: tuple[int, ...]
    folder: Path | None
    executed_steps: int | None = None
    solver_steps: int | None = None
    task: str = ""
    ensembling: bool = False


@dataclass(frozen=True)
class FanJob:
    """What each of `runs` considers at one moment: `samples` chunks drawn just before the ways part at layout `seed`.

    `out` is the file (.npz) for the gripper's paths and the picture they belong to.
    """

    runs: tuple[Path, ...]
    seed: int
    out: Path
    samples: int = 32
    before_fork_s: float = 0.12
    camera: str = "front"
    width: int = 1440
    height: int = 1080


Job = RecordJob | EvaluateJob | FanJob


def split(job: Job, workers: int) -> list[Job]:
    """The same takes as `job`, shared among at most `workers` processes."""
    if isinstance(job, FanJob):
        return [job]
    if isinstance(job, EvaluateJob):
        parts = [job.seeds[k::workers] for k in range(workers)]
        return [replace(job, seeds=seeds) for seeds in parts if seeds]
    if workers < len(SIDES) or job.episodes < len(SIDES):
        return [job]
    if job.paired:
        pairs = job.episodes // len(SIDES)
        counts = [len(range(k, pairs, workers)) for k in range(workers)]
        return [
            replace(job, episodes=len(SIDES) * count, seed=job.seed + k, stride=workers)
            for k, count in enumerate(counts)
            if count
        ]
    # One side each, so that both sides come out even whatever one of the processes has to repeat.
    shares = (-(-job.episodes // 2), job.episodes // 2)
    return [
        replace(job, episodes=share, seed=job.seed + k, sides=(side,), stride=len(SIDES))
        for k, (side, share) in enumerate(zip(SIDES, shares, strict=True))
    ]
