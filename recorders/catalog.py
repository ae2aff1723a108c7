"""The episodes of a folder at a glance: list them, say something about them, put them in the bin and back."""

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recorders import schema
from recorders.annotations import NOTHING_SAID, Annotation, AnnotationFile, annotate, annotation_of
from recorders.collection_hints import CollectionHints, own_hints
from recorders.disk import sync_folder
from recorders.episode_file import number_in, opened
from recorders.episode_info import SAID_BY_FILE, broken
from recorders.episode_info import EpisodeInfo as EpisodeInfo
from recorders.episode_info import info_of as info_of
from recorders.errors import EpisodeMissing, RecorderError, disk_errors
from recorders.index import Figures, FileSaid, Index, Key, News, Stamp, index_stamp, use_index
from recorders.numbering import BIN as BIN
from recorders.numbering import own_name, put_under_free_name

_SETTLED_NS = 50_000_000  # a change within one tick of the file system's clock leaves no trace in its stamps
_OLD_INDEX = ".catalog.json"  # of earlier versions of the app
_ASK_BY_NAME = 200  # so many files at most; of more the index says what it has learnt since it was last asked
_FEW = 24  # files are opened however long it takes: small collections are never listed in part
_SAID_BY_FILE = set(SAID_BY_FILE)
_NOTHING_LATER: dict[str, Any] = {"tags": (), "note": "", "split": "", "problem": "", "hints": (), "idle_start_s": 0.0}


class Catalog:
    """The list of one folder, kept up to date by `refresh`. Open it in the process that uses it.

    Of an episode file that is known, by its name and stamp, nothing is read again: an episode never changes, it is only
    replaced. What the files say comes from the index where it knows them.
    """

    def __init__(self, folder: Path, binned: bool = False) -> None:
        """Of `folder`, or of its bin."""
        self.folder = folder
        self._place = folder / BIN if binned else folder
        self._prefix = f"{BIN}/" if binned else ""
        self._said = AnnotationFile(folder)
        self._there: dict[str, Stamp] = {}  # all files, by their names
        self._listed: dict[str, EpisodeInfo] = {}
        self._read_at: dict[str, Stamp] = {}  # of those that are listed
        self._recorded: dict[str, str] = {}  # their outcomes as they were recorded
        self._figures: dict[Key, Figures] = {}
        self._collection = CollectionHints()
        self._order: list[str] = []
        self._sorted: list[EpisodeInfo] = []
        self._index_read_to = (0, 0)
        self._seen: tuple[tuple[int, int, int], ...] = ()
        self.unread = 0

    @property
    def infos(self) -> list[EpisodeInfo]:
        """As of the last `refresh`, in the order of their numbers. The same list until something has changed."""
        return self._sorted

    def refresh(self, scan: bool = True, budget_s: float = float("inf"), save: bool = True) -> bool:
        """Looks what is new; True when `infos` has changed.

        With `scan` False the folder is only looked through when a name in it has changed. A few new files are opened,
        more of them for about `budget_s`; `unread` counts those that are still to be opened. `save` keeps what they say
        in the index. Raises `DiskError` when the folder can not be read.
        """
        seen = (_folder_stamp(self._place), self._said.stamp, *index_stamp(self.folder))
        if not scan and seen == self._seen and not (self.unread and budget_s):
            return False
        said = self._said.refresh()
        # None: the lines are others than before, anything may have been said anew.
        stale = {name for name, info in self._listed.items() if said is None or info.uuid in said}
        if scan or self._seen[:1] != seen[:1]:
            self._there = self._scan()
        news = self._news()
        if news.surveys:
            stale |= {name for name in self._listed if self._key(name) in news.surveys}
        changed = self._remember(news.files) | self._take_in_files(budget_s, save)
        self._renew(stale)
        if changed:
            self._order = [name for name, _ in sorted(self._listed.items(), key=_number_and_name)]
        if changed or news.surveys:
            figures = {name: found for name in self._order if (found := self._figures.get(self._key(name)))}
            self._renew(self._collection.update(self._listed, figures))
        if stale or changed:
            self._sorted = [self._listed[name] for name in self._order]
        self._seen = seen if _settled(seen) else ()
        return bool(stale) or changed

    def find(self, path: Path) -> EpisodeInfo | None:
        """The entry of the file at `path`."""
        return self._listed.get(path.name) if path.parent == self._place else None

    def key(self, info: EpisodeInfo) -> Key:
        """Under which its survey is kept. `info` one of `infos`."""
        return self._key(info.path.name)

    def figures(self, info: EpisodeInfo) -> Figures | None:
        """What a survey found in one of `infos`; None when there was none yet."""
        return self._figures.get(self.key(info)) if info.surveyed else None

    def usable_keys(self) -> set[Key]:
        """Of all episodes that were looked through and can be used."""
        return {self._key(name) for name, info in self._listed.items() if info.surveyed and not info.problem}

    def unsurveyed(self) -> list[EpisodeInfo]:
        """Episodes that can be read and that nobody has looked through."""
        return [info for info in self._sorted if not info.surveyed and not info.problem and info.uuid.isascii()]

    def _scan(self) -> dict[str, Stamp]:
        stamps: dict[str, Stamp] = {}
        if not self._place.is_dir():
            return stamps
        with disk_errors("list the episodes", self._place), os.scandir(self._place) as entries:
            for entry in entries:
                if entry.name == _OLD_INDEX:
                    with contextlib.suppress(OSError):
                        os.unlink(entry)
                elif entry.name.endswith(schema.FILE_SUFFIX) and not entry.name.startswith("."):
                    stamp = _stamp(entry)
                    if stamp is not None:
                        stamps[entry.name] = stamp
        return stamps

    def _key(self, name: str) -> Key:
        return (self._listed[name].uuid, *self._read_at[name])

    def _news(self) -> News:
        """What the index has learnt since it was last asked."""
        news = use_index(self.folder, lambda index: index.news(*self._index_read_to))
        if news.file_number < self._index_read_to[0] or news.survey_number < self._index_read_to[1]:
            # It was made anew. What it said before was true, so only what it says now is taken in once more.
            news = use_index(self.folder, Index.news)
        self._index_read_to = news.file_number, news.survey_number
        self._figures.update(news.surveys)
        return news

    def _remember(self, said: dict[str, FileSaid]) -> bool:
        """Takes what the index says of files that are there as it knew them, and not known here yet."""
        taken = False
        for key, (stamp, what) in said.items():
            name = key[len(self._prefix) :]
            if not key.startswith(self._prefix) or self._there.get(name) != stamp or not self._is_new(name):
                continue
            if what.keys() == _SAID_BY_FILE:  # else it was written by another version of the app
                self._list(name, what)
                taken = True
        return taken

    def _is_new(self, name: str) -> bool:
        # A broken file may be repaired, or its permissions corrected, without a trace in its stamp.
        info = self._listed.get(name)
        return info is None or self._read_at[name] != self._there[name] or (info.problem != "" and not info.surveyed)

    def _take_in_files(self, budget_s: float, save: bool) -> bool:
        """Opens the files that nobody knows. True when there is something new, changed or gone."""
        gone = self._listed.keys() - self._there.keys()
        for name in gone:
            del self._listed[name], self._read_at[name], self._recorded[name]
        new = [name for name in self._there if self._is_new(name)]
        if 0 < len(new) <= _ASK_BY_NAME:
            keys = [self._prefix + name for name in new if name.isascii()]
            self._remember(use_index(self.folder, lambda index: index.files_named(keys)))
        opened_now: dict[str, FileSaid] = {}
        until_s = time.monotonic() + budget_s
        for count, name in enumerate(filter(self._is_new, new)):
            if count >= _FEW and time.monotonic() > until_s:
                break
            info = _opened_info(self._place / name, self._there[name][1])
            said = {key: getattr(info, key) for key in _SAID_BY_FILE}
            self._list(name, said, info.problem)
            if not info.problem and name.isascii() and info.uuid.isascii():
                opened_now[self._prefix + name] = self._there[name], said
        self.unread = len(self._there) - len(self._listed)
        if save and (opened_now or gone):
            use_index(self.folder, lambda index: index.put_files(opened_now, [self._prefix + name for name in gone]))
        return bool(gone or new)

    def _list(self, name: str, said: dict[str, Any], problem: str = "") -> None:
        """Makes the entry of a file from what it says itself, what was said about it and what a survey found."""
        stamp = self._there[name]
        later = self._later(name, said["uuid"], stamp) if not problem else {"problem": problem}
        self._read_at[name], self._recorded[name] = stamp, said["outcome"]
        path = Path(f"{self._place}/{name}")  # three times as quick as joining, which counts for thousands
        self._listed[name] = EpisodeInfo(
            path=path, number=number_in(name), size_bytes=stamp[1], **{**said, "outcome": said["outcome"], **later}
        )

    def _later(self, name: str, uuid: str, stamp: Stamp) -> dict[str, Any]:
        """What is not in the file."""
        said, figures = self._said.of(uuid), self._figures.get((uuid, *stamp))
        later: dict[str, Any] = {}
        if said is not NOTHING_SAID:
            later = {"tags": said.tags, "note": said.note, "split": said.split}
            if said.outcome:
                later["outcome"] = said.outcome
        if figures is not None:
            hints = (*own_hints(figures, said.dismissed), *self._collection.of(name))
            idle_s = 0.0 if "trim" in said.dismissed else figures.idle_start_s
            later.update(problem=figures.problem, hints=hints, idle_start_s=idle_s, side=figures.side, surveyed=True)
        return later

    def _renew(self, names: Iterable[str]) -> None:
        """Says anew what is not in the file."""
        for name in names:
            info = self._listed.get(name)
            if info is not None and (info.surveyed or not info.problem):
                later = self._later(name, info.uuid, self._read_at[name])
                self._listed[name] = replace(info, **{"outcome": self._recorded[name], **_NOTHING_LATER, **later})


_catalogs: dict[tuple[Path, bool], Catalog] = {}


def list_episodes(folder: Path, binned: bool = False) -> list[EpisodeInfo]:
    """All episodes of `folder`, or of its bin, in the order of their numbers; broken ones too, with their `problem`.

    Only files that are new or changed since they were last listed are opened. A folder that is not there has none.
    Raises `DiskError` when the folder can not be read.
    """
    catalog = _catalogs.get((folder, binned)) or _catalogs.setdefault((folder, binned), Catalog(folder, binned))
    catalog.refresh()
    return list(catalog.infos)


def episode_info(path: Path) -> EpisodeInfo:
    """One episode with what was said about it. Raises `RecorderError`."""
    with opened(path) as file:
        info = info_of(path, file)
    return with_label(info)


def with_label(info: EpisodeInfo) -> EpisodeInfo:
    """`info` with what was said about it. Raises `DiskError`."""
    return _annotated(info, annotation_of(folder_of(info.path), info.uuid))


def label(path: Path, outcome: str, who: str = "") -> None:
    """Gives an episode another outcome. As `say`."""
    say(path, who, outcome=outcome)


def say(path: Path, who: str = "", **said: Any) -> None:
    """Says something about an episode, as `annotate`. The file stays as it was recorded; the words lie beside it.

    Raises `ValueError` for what can not be said, `RecorderError` when the episode can not be read.
    """
    with opened(path) as file:
        uuid = str(file.attrs[schema.UUID])
    annotate(folder_of(path), uuid, who, **said)


def folder_of(path: Path) -> Path:
    """The folder of episodes that `path` belongs to, also when it lies in the bin."""
    return path.parent.parent if path.parent.name == BIN else path.parent


def move_to_bin(path: Path) -> Path:
    """Moves an episode to the folder `.bin` beside it, where `list_episodes` does not see it. Returns the new path.

    Raises `EpisodeMissing`, `DiskError`.
    """
    if not path.is_file():
        raise EpisodeMissing(f"There is no episode file {path}. It may be in the bin already.")
    with disk_errors("move the episode to the bin", path):
        folder = path.parent / BIN
        folder.mkdir(exist_ok=True)
        target = put_under_free_name(path, folder / path.name)
        sync_folder(folder)
        sync_folder(path.parent)
    return target


def restore(path: Path) -> Path:
    """Moves an episode out of the bin, back under its own name. Returns the new path.

    When there is an episode of that name again, it gets a count behind its name. Raises `EpisodeMissing`, `DiskError`.
    """
    if path.parent.name != BIN or not path.is_file():
        raise EpisodeMissing(f"There is no episode {path.name} in the bin. It may have been restored already.")
    folder = path.parent.parent
    with disk_errors("restore the episode", path):
        target = put_under_free_name(path, folder / own_name(path.name))
        sync_folder(folder)
        sync_folder(path.parent)
    return target


def _opened_info(path: Path, size_bytes: int) -> EpisodeInfo:
    try:
        with opened(path) as file:
            return info_of(path, file)
    except RecorderError as error:
        return broken(path, str(error), size_bytes)


def _annotated(info: EpisodeInfo, said: Annotation) -> EpisodeInfo:
    outcome = said.outcome or info.outcome
    return replace(info, outcome=outcome, tags=said.tags, note=said.note, split=said.split)


def _number_and_name(item: tuple[str, EpisodeInfo]) -> tuple[int, str]:
    return item[1].number, item[0]


def _stamp(entry: "os.DirEntry[str]") -> Stamp | None:
    """None for a file that has gone meanwhile; a link that leads nowhere is listed, with its problem."""
    for follow in (True, False):
        with contextlib.suppress(OSError):
            stat = entry.stat(follow_symlinks=follow)
            return stat.st_mtime_ns, stat.st_size
    return None


def _folder_stamp(folder: Path) -> tuple[int, int, int]:
    try:
        stat = folder.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_ino, 0, stat.st_mtime_ns


def _settled(seen: tuple[tuple[int, int, int], ...]) -> bool:
    """Whether whatever comes after must show in the stamps."""
    return time.time_ns() - max(time_ns for *_, time_ns in seen) > _SETTLED_NS
