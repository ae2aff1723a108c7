"""One folder of episodes as rows for the lists, rebuilt only where something has changed."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from recorders.catalog import Catalog, EpisodeInfo
from recorders.collection_statistics import JointStatistics, added, joint_statistics
from recorders.index import Key, use_index
from recorders.schema import FILE_SUFFIX
from teleop_studio.episode_view import row_of
from teleop_studio.status import CollectionStatistics, EpisodeRow

_READ_S = 0.1  # how long one call may open new files
_PAUSE_S = 0.5  # between two such calls


class Shelf:
    """The episodes of `folder`, or those in its bin. The lists are the same objects until something has changed."""

    def __init__(self, folder: Path, binned: bool = False) -> None:
        self.folder = folder
        self._catalog = Catalog(folder, binned)
        self._binned = binned
        self._changed = True
        self._next_s = 0.0
        self._infos: list[EpisodeInfo] = []
        self._rows: list[EpisodeRow] = []
        self._known: dict[int, tuple[EpisodeInfo, EpisodeRow]] = {}  # by the identity of the former
        self._statistics: CollectionStatistics | None = None
        self._joints: JointStatistics | None = None
        self._joint_keys: set[Key] = set()
        self.unsurveyed = 0

    def rows(self, whole: bool = False) -> list[EpisodeRow]:
        """In the order of their numbers. Costs some microseconds while nothing changes. Raises `DiskError`.

        `whole` waits until all new files are opened, which may be long the first time.
        """
        # What nobody knew is read a little at a time; the survey process does most of it.
        if whole or not self._catalog.unread or time.monotonic() >= self._next_s:
            self._catalog.refresh(scan=self._changed, budget_s=float("inf") if whole else _READ_S, save=whole)
            self._changed = False
            self._next_s = time.monotonic() + _PAUSE_S
        if self._catalog.infos is not self._infos:
            self._infos = self._catalog.infos
            self._statistics = None
            self._known = {id(info): self._entry(info) for info in self._infos}
            self._rows = [row for _, row in self._known.values()]
            self.unsurveyed = len(self._catalog.unsurveyed()) + self._catalog.unread
        return self._rows

    @property
    def unread(self) -> int:
        """Files that are not listed yet, because nobody has opened them."""
        return self._catalog.unread

    def changed(self) -> None:
        """Something was done to the folder that its stamp may not show."""
        self._changed = True

    def count(self) -> int:
        """How many files there are, without looking at them."""
        try:
            with os.scandir(self.folder) as entries:
                return sum(entry.name.endswith(FILE_SUFFIX) and not entry.name.startswith(".") for entry in entries)
        except OSError:
            return 0

    def find(self, path: Path) -> EpisodeInfo | None:
        """The entry of the file at `path`, as of the last `rows`."""
        return self._catalog.find(path)

    def thumbnail(self, path: Path) -> bytes:
        """A JPEG; empty until a survey has made it."""
        info = self._catalog.find(path)
        if info is None or not info.surveyed:
            return b""
        key = self._catalog.key(info)
        return use_index(self.folder, lambda index: index.thumbnail(key))

    def statistics(self) -> CollectionStatistics:
        """Of all listed episodes that can be used. Reads no episode."""
        self.rows()
        if self._statistics is None:
            self._statistics = self._computed()
        return self._statistics

    def _entry(self, info: EpisodeInfo) -> tuple[EpisodeInfo, EpisodeRow]:
        known = self._known.get(id(info))
        return known if known is not None else (info, row_of(info, info.side, self._binned))

    def _computed(self) -> CollectionStatistics:
        usable = [info for info in self._infos if not info.problem]
        joints = self._joint_statistics()
        about = CollectionStatistics(
            episodes=len(usable),
            duration_s=sum(info.duration_s for info in usable),
            frames=sum(info.frames for info in usable),
            size_mb=sum(info.size_bytes for info in usable) / 1e6,
            outcomes=_counted(usable, lambda info: info.outcome),
            tasks=_counted(usable, lambda info: info.task),
            operators=_counted(usable, lambda info: info.operator),
            pictures=self._pictures(usable),
        )
        if joints is None:
            return about
        return replace(
            about,
            looked_through=joints.episodes,
            joint_names=joints.joint_names,
            state_mean=joints.state.mean,
            state_std=joints.state.std,
            state_min=joints.state.least,
            state_max=joints.state.most,
            action_mean=joints.action.mean,
            action_std=joints.action.std,
            action_min=joints.action.least,
            action_max=joints.action.most,
        )

    def _joint_statistics(self) -> JointStatistics | None:
        """Of what was known before only the sum is needed again, unless some of it is gone."""
        keys = self._catalog.usable_keys()
        if self._joints is not None and self._joint_keys <= keys:
            new = joint_statistics(self.folder, keys - self._joint_keys) if keys != self._joint_keys else None
            self._joints = added(self._joints, new)
        else:
            self._joints = None
        if self._joints is None:
            self._joints = joint_statistics(self.folder, keys)
        self._joint_keys = keys
        return self._joints

    def _pictures(self, usable: list[EpisodeInfo]) -> dict[str, tuple[int, int]]:
        """Per camera (written, missing). What is missing is known of surveyed episodes only."""
        written: Counter[str] = Counter()
        missing: Counter[str] = Counter()
        for info in usable:
            written.update(info.images)
            figures = self._catalog.figures(info) if info.gaps else None
            missing.update({} if figures is None else figures.missing)
        return {camera: (count, missing[camera]) for camera, count in written.items()}


def _counted(infos: list[EpisodeInfo], said: Callable[[EpisodeInfo], str]) -> dict[str, int]:
    """How often each is said, most frequent first; what was not said does not count."""
    return dict(Counter(text for info in infos if (text := said(info))).most_common())
