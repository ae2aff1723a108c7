"""What measuring one recorder gives, and how the pictures it kept are counted."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.rig_feed import Fed


@dataclass
class Result:
    """One take by one recorder. Times in s; `cpu` share of one core while recording; `bytes_stored` of what is left.

    `due` and `kept` pictures of all cameras. `ready_s` from stop to the next take, `finished_s` to a finished file.
    """

    name: str
    seconds: float = 0.0
    due: int = 0
    kept: int = 0
    ticks_due: int = 0
    ticks_kept: int = 0
    cpu: float = 0.0
    cpu_after_s: float = 0.0
    peak_bytes: int = 0
    bytes_stored: int = 0
    ready_s: float = 0.0
    finished_s: float = 0.0
    notes: list[str] = field(default_factory=list)


def count_kept(
    result: Result,
    fed: Fed,
    pictures: dict[str, NDArray[np.int64]],
    ticks: NDArray[np.int64],
    span_ns: tuple[int, int],
) -> None:
    """Compare the stamps of what was kept with what was offered from `span_ns[0]` to `span_ns[1]`."""

    def within(stamps: NDArray[np.int64]) -> NDArray[np.int64]:
        return stamps[(stamps >= span_ns[0]) & (stamps <= span_ns[1])]

    for camera, offered in fed.pictures.items():
        due = within(offered)
        result.due += len(due)
        result.kept += int(np.isin(due, pictures[camera]).sum())
    due = within(fed.ticks)
    result.ticks_due, result.ticks_kept = len(due), int(np.isin(due, ticks).sum())
    result.notes.append(
        f"feeder: {100 * fed.cpu_s / fed.wall_s:.0f} % of a core, {fed.late} items later than 5 ms, "
        f"the worst by {fed.worst_ms:.1f} ms"
    )
