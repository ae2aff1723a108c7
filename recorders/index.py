"""A copy of what the episodes of a folder say, and what surveys found in them, in one SQLite file.

Only ever a copy: the episode files and the annotations are the truth. An index that is missing, damaged or of another
version is made anew; where none can be written, the work is done on an empty one in memory.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INDEX_FOLDER = ".catalogue"  # a folder of its own: SQLite's side files must not look like news among the episodes
INDEX_FILE = "index.sqlite"
_LOCK_FILE = "lock"
_VERSION = 1
_BUSY_S = 1.0
_AT_ONCE = 1000  # rows
_OTHER_TABLES = ("no such", "has no column", "columns but", "Could not decode")  # how SQLite says so
_TABLES = """
create table files (
    id integer primary key autoincrement, name text unique, mtime_ns integer, size integer, said text
);
create table surveys (
    id integer primary key autoincrement, uuid text, mtime_ns integer, size integer, hints text, idle_start_s real,
    idle_end_s real, path_length real, motion text, missing text, side text, problem text,
    unique (uuid, mtime_ns, size)
);
create table statistics (survey integer primary key, joint_names text, state blob, action blob);
create table thumbnails (survey integer primary key, jpeg blob);
"""

Stamp = tuple[int, int]  # modification time ns, size in bytes
FileSaid = tuple[Stamp, dict[str, Any]]  # the stamp of a file and what it said then
Key = tuple[str, int, int]  # uuid and stamp: the content of a file, whatever its name


@dataclass(frozen=True)
class Figures:
    """What a survey found in one episode, but for its statistics and pictures.

    `hints` (kind, sentence). `path_length` rad, all joints of the follower added up. `motion` is equal for episodes
    with the same motion. `missing` items per stream. `side` "left", "right" or "". `problem` as in `EpisodeInfo`.
    """

    hints: tuple[tuple[str, str], ...] = ()
    idle_start_s: float = 0.0
    idle_end_s: float = 0.0
    path_length: float = 0.0
    motion: str = ""
    missing: dict[str, int] = field(default_factory=dict)
    side: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Survey:
    """`state` and `action` the bytes of `Moments`, empty when the episode could not be read. `thumbnail` a JPEG."""

    figures: Figures
    joint_names: tuple[str, ...] = ()
    state: bytes = b""
    action: bytes = b""
    thumbnail: bytes = b""


@dataclass(frozen=True)
class News:
    """What an index says of files and surveys, and the number of the last of each."""

    files: dict[str, FileSaid]
    file_number: int
    surveys: dict[Key, Figures]
    survey_number: int


class IndexDamaged(Exception):
    """A row that this version can not have written."""


class Index:
    """An open index. `kept` is False for one in memory, which is gone when it is closed."""

    def __init__(self, connection: sqlite3.Connection, kept: bool) -> None:
        self._connection = connection
        self.kept = kept

    def news(self, after_file: int = 0, after_survey: int = 0) -> "News":
        """What was put in since those numbered so."""
        files, surveys = {}, {}
        file_rows = self._connection.execute(
            "select id, name, mtime_ns, size, said from files where id > ? order by id", (after_file,)
        )
        while rows := file_rows.fetchmany(_AT_ONCE):
            # All in one text: the parser's own work is a third of what a thousand calls of it take.
            said = json.loads(f"[{','.join(row[4] for row in rows)}]")
            for (number, name, mtime_ns, size, _), what in zip(rows, said, strict=True):
                files[name] = (mtime_ns, size), _checked_object(what)
                after_file = number
        survey_rows = self._connection.execute(
            "select id, uuid, mtime_ns, size, hints, idle_start_s, idle_end_s, path_length, motion, missing, side, "
            "problem from surveys where id > ? order by id",
            (after_survey,),
        )
        for number, uuid, mtime_ns, size, *figures in survey_rows:
            surveys[uuid, mtime_ns, size] = _figures(*figures)
            after_survey = number
        return News(files, after_file, surveys, after_survey)

    def files_named(self, names: Iterable[str]) -> dict[str, FileSaid]:
        """Of `names` those that are known."""
        found = {}
        for name in names:
            row = self._connection.execute("select mtime_ns, size, said from files where name = ?", (name,)).fetchone()
            if row is not None:
                found[name] = (row[0], row[1]), _object(row[2])
        return found

    def put_files(self, said: dict[str, FileSaid], gone: Iterable[str] = ()) -> None:
        rows = [(name, *stamp, json.dumps(what)) for name, (stamp, what) in said.items()]
        with self._connection:
            self._connection.executemany("insert or replace into files values (null, ?, ?, ?, ?)", rows)
            self._connection.executemany("delete from files where name = ?", [(name,) for name in gone])

    def put_surveys(self, surveys: dict[Key, Survey]) -> None:
        """Keeps them; an earlier one of the same content is replaced."""
        with self._connection:
            for key, survey in surveys.items():
                self._forget_survey(key)
                found = survey.figures
                row = self._connection.execute(
                    "insert into surveys values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*key, json.dumps(found.hints) if found.hints else "", found.idle_start_s, found.idle_end_s)
                    + (found.path_length, found.motion, json.dumps(found.missing) if found.missing else "")
                    + (found.side, found.problem),
                )
                number = row.lastrowid
                names = json.dumps(survey.joint_names)
                self._connection.execute(
                    "insert into statistics values (?, ?, ?, ?)", (number, names, survey.state, survey.action)
                )
                self._connection.execute("insert into thumbnails values (?, ?)", (number, survey.thumbnail))

    def thumbnail(self, key: Key) -> bytes:
        """A JPEG; empty when there is none."""
        row = self._connection.execute(
            "select jpeg from thumbnails join surveys on id = survey where uuid = ? and mtime_ns = ? and size = ?", key
        ).fetchone()
        return bytes(row[0]) if row else b""

    def statistics(self, keys: Set[Key]) -> list[tuple[tuple[str, ...], bytes, bytes]]:
        """(joint names, state, action) of those surveys, the latter two as bytes of `Moments`."""
        select = "select uuid, mtime_ns, size, joint_names, state, action from statistics join surveys on id = survey"
        rows: Iterable[tuple[str, int, int, str, bytes, bytes]]
        if len(keys) > _AT_ONCE:
            rows = self._connection.execute(select)
        else:
            one = f"{select} where uuid = ? and mtime_ns = ? and size = ?"
            rows = (row for key in keys for row in self._connection.execute(one, key))
        names: dict[str, tuple[str, ...]] = {}
        found = []
        for uuid, mtime_ns, size, text, state, action in rows:
            if text not in names:
                names[text] = tuple(str(name) for name in json.loads(text))
            if (uuid, mtime_ns, size) in keys and state:
                found.append((names[text], state, action))
        return found

    def _forget_survey(self, key: Key) -> None:
        known = self._connection.execute("select id from surveys where uuid = ? and mtime_ns = ? and size = ?", key)
        for (number,) in known.fetchall():
            self._connection.execute("delete from statistics where survey = ?", (number,))
            self._connection.execute("delete from thumbnails where survey = ?", (number,))
            self._connection.execute("delete from surveys where id = ?", (number,))


def use_index[T](folder: Path, work: Callable[[Index], T]) -> T:
    """What `work` gives on the index of `folder`. It may be called again: on a new index, or on one in memory.

    The index is open only for this call, so any number of windows and processes may use it at a time.
    """
    path = folder / INDEX_FOLDER / INDEX_FILE
    for _ in range(2):
        try:
            with _opened(path) as index:
                return work(index)
        except (sqlite3.Error, IndexDamaged, ValueError, TypeError, OSError) as error:
            if not _is_damage(error):
                break
            _remove(path)
    return _without_writing(path, work)


def index_stamp(folder: Path) -> tuple[tuple[int, int, int], ...]:
    """Changes when somebody writes into the index."""
    path = folder / INDEX_FOLDER / INDEX_FILE
    return _file_stamp(path), _file_stamp(path.with_name(f"{INDEX_FILE}-wal"))


@contextmanager
def _opened(path: Path) -> Iterator[Index]:
    path.parent.mkdir(exist_ok=True)
    with _locked(path, alone=not path.exists()) as alone, closing(_connected(path)) as connection:
        if alone:
            connection.execute("pragma journal_mode = wal")
            with connection:
                connection.executescript(f"begin; {_TABLES} pragma user_version = {_VERSION}; commit;")
        connection.execute("pragma synchronous = normal")
        (version,) = connection.execute("pragma user_version").fetchone()
        if version != _VERSION:
            raise IndexDamaged(f"the index has version {version}, not {_VERSION}")
        yield Index(connection, kept=True)


def _without_writing[T](path: Path, work: Callable[[Index], T]) -> T:
    """On what can be read of the index without writing beside it, else on an empty one."""
    if path.exists():
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
                (version,) = connection.execute("pragma user_version").fetchone()
                if version == _VERSION:
                    return work(Index(connection, kept=False))
        except (sqlite3.Error, IndexDamaged, ValueError, TypeError):
            pass
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_TABLES)
        return work(Index(connection, kept=False))


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_S)


@contextmanager
def _locked(path: Path, alone: bool) -> Iterator[bool]:
    """Holds a lock beside the index while it is open. Yields True when it is to be made and nobody else has it open."""
    descriptor = os.open(path.with_name(_LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield alone and not path.exists()
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Removes a damaged index, never while somebody has it open."""
    with _locked(path, alone=True):
        for name in (INDEX_FILE, f"{INDEX_FILE}-wal", f"{INDEX_FILE}-shm"):
            path.with_name(name).unlink(missing_ok=True)


def _is_damage(error: Exception) -> bool:
    """Whether a new index would help; a lock, a full disk or missing permissions would be met again."""
    if isinstance(error, sqlite3.OperationalError):
        return any(words in str(error) for words in _OTHER_TABLES)
    # A row that holds something else than this version writes.
    return isinstance(error, sqlite3.DatabaseError | IndexDamaged | json.JSONDecodeError | TypeError)


def _figures(
    hints: str, start_s: float, end_s: float, path_length: float, motion: str, missing: str, side: str, problem: str
) -> Figures:
    pairs = tuple((str(kind), str(text)) for kind, text in json.loads(hints)) if hints else ()
    return Figures(pairs, start_s, end_s, path_length, motion, _object(missing), side, problem)


def _object(text: str) -> dict[str, Any]:
    return _checked_object(json.loads(text)) if text else {}


def _checked_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise IndexDamaged(f"{str(value)[:80]!r} is no JSON object")
    return value


def _file_stamp(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
