"""What an operator's afternoon does to a folder of episodes, in a process that may be killed at any moment of it.

Everything that is done is written to a log, which survives the kill, before and after: what was reported as done must
hold afterwards. `broken_promises` compares.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from recorders.catalog import EpisodeInfo, label, list_episodes, move_to_bin, restore
from recorders.episode_builder import build_episode
from recorders.episode_file import number_of
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import JOURNALS, EpisodeWriter
from recorders.migrate import migrate
from recorders.repair import LEAST_S, recover
from recorders.trim import trim
from recorders.verify import verify
from tests.recorders.takes import CAMERAS, PICTURE_NS, START_NS, TICK_NS, description, frame, picture

Entry = list[Any]
OUTCOMES = ("success", "failure")


class Log:
    """One line for each thing, in the file when `say` returns; a kill of the process does not undo it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def say(self, *entry: Any) -> None:
        os.write(self._descriptor, json.dumps(entry).encode() + b"\n")


def read_log(path: Path) -> list[Entry]:
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def work(folder: Path, log: Log, rng: Random, build: Callable[[Path], None]) -> None:
    """Goes on until somebody ends the process. `build` makes the episode of a finished journal, here or elsewhere."""
    if rng.random() < 0.2:
        for info in list_episodes(folder)[:2]:
            migrate(info.path)
    while True:
        _take(folder, log, rng, build)
        for _ in range(rng.randrange(4)):
            _handle(folder, log, rng)


def built(folder: Path, log: Log, journal: Path) -> None:
    """Makes the episode of a finished take, and says so."""
    path = build_episode(journal)
    log.say("built", journal.name, path.name)


def _take(folder: Path, log: Log, rng: Random, build: Callable[[Path], None]) -> None:
    outcome = rng.choice(OUTCOMES)
    writer = EpisodeWriter(folder, description())
    log.say("begun", writer.uuid)
    pictures = 0
    ticks = rng.choice([20, 150, 400])
    for tick in range(ticks):
        writer.add_frame(frame(tick))
        while pictures * PICTURE_NS <= tick * TICK_NS:
            for camera in CAMERAS:
                writer.add_image(camera.name, START_NS + pictures * PICTURE_NS, pictures, picture(pictures, camera))
            pictures += 1
        log.say("has", writer.uuid, tick + 1, pictures)
    if rng.random() < 0.15:
        log.say("discarding", writer.uuid)
        writer.discard()
        return
    log.say("finishing", writer.uuid, outcome)
    journal = writer.finish(outcome)
    log.say("finished", writer.uuid, outcome)
    build(journal)


def _handle(folder: Path, log: Log, rng: Random) -> None:
    """What is done with episodes between two takes."""
    binned = rng.random() < 0.3
    # The original of the episode that was brought to the newest format stays in the bin, or there would be two of it.
    infos = [info for info in list_episodes(folder, binned) if not (binned and info.number == 1)]
    if not infos:
        return
    info = rng.choice(infos)
    if binned:
        restore(info.path)
        return
    match rng.choice(["label", "label", "bin", "trim"]):
        case "label":
            outcome = rng.choice(OUTCOMES)
            log.say("labelling", info.uuid, outcome)
            label(info.path, outcome)
            log.say("labelled", info.uuid, outcome)
        case "bin":
            move_to_bin(info.path)
        case "trim" if info.duration_s > 0.5:
            new = trim(info.path, 0.1, 0.4)
            log.say("trimmed", info.uuid, new.name)


@dataclass
class Promises:
    """What was found after a crash and a recovery: counts of what must never happen, and sentences about each."""

    corrupted: int = 0  # episode files with a problem
    lost: int = 0  # finished takes that are gone, or not what they were
    duplicates: int = 0  # episodes in more than one file
    reused: int = 0  # numbers that were given twice
    records_lost: int = 0  # of a running take, after they were reported as written
    loss_s: float = 0.0  # time of a running take that is lost
    labels_lost: int = 0
    strays: int = 0  # journals that the recovery has left
    episodes: int = 0
    said: list[str] = field(default_factory=list)
    whole: set[tuple[int, ...]] = field(default_factory=set)  # files that were verified: they need it only once

    def add(self, other: "Promises") -> None:
        self.whole |= other.whole
        for name, value in vars(other).items():
            if name == "whole":
                continue
            known = getattr(self, name)
            setattr(self, name, max(known, value) if name == "loss_s" else known + value)

    @property
    def kept(self) -> bool:
        return not (self.corrupted or self.lost or self.duplicates or self.reused or self.records_lost) and not (
            self.labels_lost or self.strays
        )


def broken_promises(folder: Path, log_path: Path, whole: set[tuple[int, ...]]) -> Promises:
    """Recovers `folder` after a crash and compares it with the log; takes that were cut off count as finished then.

    `whole` are the files that an earlier call has verified.
    """
    found = Promises(whole=set(whole))
    log = Log(log_path)
    for result in recover(folder):
        if result.problem:
            found.strays += 1
            found.said.append(result.text)
        elif result.path is not None:
            log.say("built", result.journal.name, result.path.name)
    entries = read_log(log_path)
    infos = [*list_episodes(folder), *list_episodes(folder, binned=True)]
    found.episodes = len(infos)
    _check_files(found, infos)
    _check_numbers(found, infos, entries)
    by_uuid = {info.uuid: info for info in infos}
    for uuid in dict.fromkeys(entry[1] for entry in entries if entry[0] == "begun"):
        _check_take(found, by_uuid.get(uuid), uuid, [entry for entry in entries if entry[1] == uuid], log)
    names = {info.path.name for info in infos}
    for entry in entries:
        if entry[0] == "trimmed" and not any(name.startswith(entry[2][:-3]) for name in names):
            found.lost += 1
            found.said.append(f"the trimmed episode {entry[2]} is gone")
    found.strays += sum(1 for _ in (folder / JOURNALS).glob("*/*"))
    return found


def _check_files(found: Promises, infos: list[EpisodeInfo]) -> None:
    for info in infos:
        stat = info.path.stat()
        stamp = stat.st_ino, stat.st_size, stat.st_mtime_ns
        problems = [] if stamp in found.whole else verify(info.path)
        found.corrupted += bool(problems)
        found.said += [problem.text for problem in problems[:1]]
        if not problems:
            found.whole.add(stamp)
    # The original of an episode that was brought to a newer format lies in the bin: of one uuid, but not the same.
    contents = [info.content_sha256 for info in infos if not info.problem]
    for content in {content for content in contents if contents.count(content) > 1}:
        found.duplicates += 1
        same = [f"{info.path.parent.name}/{info.path.name}" for info in infos if info.content_sha256 == content]
        found.said.append(f"one episode is in {len(same)} files: {same}")


def _check_numbers(found: Promises, infos: list[EpisodeInfo], entries: list[Entry]) -> None:
    """`built` is said with the name that the episode had then."""
    given: dict[int, str] = {}
    pairs = [(number_of(Path(entry[2])), entry[1][:8]) for entry in entries if entry[0] == "built"]
    for number, uuid in [*pairs, *((info.number, info.uuid[:8]) for info in infos if info.number)]:
        if given.setdefault(number, uuid) != uuid:
            found.reused += 1
            found.said.append(f"number {number} was given to {given[number]} and {uuid}")


def _check_take(found: Promises, info: EpisodeInfo | None, uuid: str, said: list[Entry], log: Log) -> None:
    words = [entry[0] for entry in said]
    ticks, pictures = next((entry[2:] for entry in reversed(said) if entry[0] == "has"), (0, 0))
    if "discarding" in words:
        if info is None:
            return
    elif info is None:
        if "finished" in words or "built" in words or ticks * TICK_NS * 1e-9 > LEAST_S + 0.02:
            found.lost += "finished" in words or "built" in words
            found.records_lost += ticks
            found.loss_s = max(found.loss_s, ticks * TICK_NS * 1e-9)
            found.said.append(f"take {uuid} is gone: {said[-1]}")
        return
    with EpisodeReader(info.path) as reader:
        got = len(reader.frames)
        if not np.array_equal(reader.frames.action, [frame(index).action for index in range(got)]):
            found.corrupted += 1
            found.said.append(f"take {uuid} holds other ticks than were recorded")
        least = min((len(reader.images(camera)) for camera in reader.cameras), default=0)
        recorded_as = reader.info.outcome if "labelling" in words else info.outcome
    missing = max(0, ticks - got) + max(0, pictures - least)
    if missing:
        found.records_lost += missing
        found.loss_s = max(
            found.loss_s, max(0, ticks - got) * TICK_NS * 1e-9, max(0, pictures - least) * PICTURE_NS * 1e-9
        )
        found.lost += "finished" in words
        found.said.append(f"take {uuid} lacks {missing} records: {said[-1]}")
    _check_outcome(found, recorded_as, uuid, said)


def _check_outcome(found: Promises, outcome: str, uuid: str, said: list[Entry]) -> None:
    """The newest word that was reported as said, or a later one that was about to be."""
    allowed: set[str] = {"interrupted"}
    for entry in said:
        if entry[0] in ("finished", "labelled"):
            allowed = {entry[2]}
        elif entry[0] in ("finishing", "labelling"):
            allowed.add(entry[2])
    if outcome not in allowed:
        found.labels_lost += 1
        found.said.append(f"take {uuid} is {outcome!r}, not one of {allowed}")
