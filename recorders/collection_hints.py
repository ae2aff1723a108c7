"""What looks odd about an episode among the others: a duplicate, much longer or shorter, driven by somebody else.

Computed from what surveys have found, never by reading an episode again.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from recorders.episode_info import EpisodeInfo
from recorders.index import Figures

LEAST_EPISODES = 8
"""Among fewer of one task nothing is an outlier."""

OUTLIER = 5.0
"""Robust z-scores (distance from the median, in standard deviations told from the median absolute deviation)."""

LEAST_SPREAD = 0.05
"""Of the median: scripted demonstrations are so alike that a tenth of a second would make an outlier."""

FEW = 0.2
"""A share that makes somebody's episodes exceptions."""

_TRIM_HINT = "idle"  # the kind of hint that a trim would settle


class CollectionHints:
    """The hints of all episodes of a list, by file name."""

    def __init__(self) -> None:
        self._hints: dict[str, tuple[str, ...]] = {}

    def of(self, name: str) -> tuple[str, ...]:
        return self._hints.get(name, ())

    def update(self, infos: Mapping[str, EpisodeInfo], figures: Mapping[str, Figures]) -> set[str]:
        """Both by file name. The names whose hints are others than before."""
        usable = {name: (infos[name], found) for name, found in figures.items() if not infos[name].problem}
        hints: dict[str, list[str]] = {}
        for name, text in (*_duplicates(usable), *_exceptions(usable), *_outliers(usable)):
            hints.setdefault(name, []).append(text)
        now = {name: tuple(texts) for name, texts in hints.items()}
        changed = {name for name in now.keys() | self._hints.keys() if now.get(name) != self._hints.get(name)}
        self._hints = now
        return changed & infos.keys()


def own_hints(figures: Figures, dismissed: Iterable[str]) -> tuple[str, ...]:
    """What the survey found odd about the episode itself, but for a suggestion that the operator has dismissed."""
    kept = [text for kind, text in figures.hints if kind != _TRIM_HINT or "trim" not in dismissed]
    return tuple(kept)


Usable = Mapping[str, tuple[EpisodeInfo, Figures]]


def _duplicates(usable: Usable) -> Iterable[tuple[str, str]]:
    same: dict[str, list[str]] = {}
    for name, (_, found) in usable.items():
        same.setdefault(found.motion, []).append(name)
    for names in same.values():
        first, *others = sorted(names, key=lambda name: (usable[name][0].number, name)) if len(names) > 1 else names
        for name in others:
            info, other = usable[name][0], usable[first][0]
            how = "the same file content" if other.content_sha256 == info.content_sha256 else "exactly the same motion"
            yield name, f"Duplicate: {how} as in {other.path.name}. Bin one of them, or it counts twice."


def _exceptions(usable: Usable) -> Iterable[tuple[str, str]]:
    """Episodes of a policy among those of people. In a folder of trials all are a policy's, and none is odd."""
    driven = [name for name, (info, _) in usable.items() if info.source == "policy"]
    if len(driven) <= FEW * len(usable):
        for name in driven:
            text = f"A policy drove it; the others here are by people ({len(usable) - len(driven)})."
            yield name, f"{text} Training leaves it out."


def _outliers(usable: Usable) -> Iterable[tuple[str, str]]:
    by_task: dict[str, list[str]] = {}
    for name, (info, _) in usable.items():
        by_task.setdefault(info.task, []).append(name)
    for names in by_task.values():
        if len(names) < LEAST_EPISODES:
            continue
        duration_s = np.array([usable[name][0].duration_s for name in names])
        path_rad = np.array([usable[name][1].path_length for name in names])
        for what, unit, values in (("duration", "s", duration_s), ("way of the joints", "rad", path_rad)):
            median = float(np.median(values))
            for k in np.flatnonzero(np.abs(robust_z(values)) > OUTLIER):
                text = f"Outlier: its {what} of {values[k]:.1f} {unit} is far from the median of {median:.1f} {unit}"
                yield names[int(k)], f"{text} ({len(names)} episodes of this task). See whether it shows the task."


def robust_z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each of `values` (N,) lies from their median, in robust standard deviations (Iglewicz, Hoaglin 1993)."""
    away: NDArray[np.float64] = values - np.median(values)
    spread = max(1.4826 * float(np.median(np.abs(away))), LEAST_SPREAD * abs(float(np.median(values))), 1e-9)
    return away / spread
