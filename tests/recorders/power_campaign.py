"""Cuts the power of a recorded afternoon at many points, and looks what a recovery makes of the disk it leaves."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from recorders.catalog import EpisodeInfo, label, list_episodes, move_to_bin
from recorders.episode_builder import build_episode
from recorders.episode_reader import EpisodeReader
from recorders.episode_writer import EpisodeWriter
from recorders.repair import recover
from recorders.trim import trim
from recorders.verify import verify
from tests.recorders.power_cut import Operation, Recorder, disk_after_cut, recorded
from tests.recorders.sandbox import in_sandbox
from tests.recorders.takes import CAMERAS, PICTURE_NS, START_NS, TICK_NS, description, frame, picture


@dataclass
class Cuts:
    """What was found after cuts: counts of what must never happen, the worst loss of a running take, sentences."""

    cuts: int = 0
    while_running: int = 0
    while_finishing: int = 0  # from the end of a take until its journal is removed
    unreadable: int = 0
    lost: int = 0  # finished takes
    unsaid: int = 0  # labels and moves that were reported as done
    loss_s: float = 0.0
    said: list[str] = field(default_factory=list)

    def add(self, other: "Cuts") -> None:
        for name, value in vars(other).items():
            known = getattr(self, name)
            setattr(self, name, max(known, value) if name == "loss_s" else known + value)


def afternoon(folder: Path, take_seconds: tuple[float, ...]) -> list[Operation]:
    """The operations of some takes in real time, each built, and an episode labelled, trimmed and put away."""
    folder.mkdir(parents=True)
    with recorded(folder) as disk:
        for seconds in take_seconds:
            _take(folder, disk, seconds)
        infos = list_episodes(folder)
        label(infos[0].path, "failure")
        disk.say("labelled", infos[0].uuid, "failure")
        if infos[0].duration_s > 0.6:
            trim(infos[0].path, 0.1, 0.5)
            disk.say("binned", infos[0].uuid)
        move_to_bin(infos[-1].path)
        disk.say("binned", infos[-1].uuid)
    return disk.operations


def _take(folder: Path, disk: Recorder, seconds: float) -> None:
    writer = EpisodeWriter(folder, description())
    disk.say("begun", writer.uuid)
    begin_s, pictures = time.monotonic(), 0
    for tick in range(round(seconds * 1e9 / TICK_NS)):
        time.sleep(max(0.0, begin_s + tick * TICK_NS * 1e-9 - time.monotonic()))
        writer.add_frame(frame(tick))
        while pictures * PICTURE_NS <= tick * TICK_NS:
            for camera in CAMERAS:
                writer.add_image(camera.name, START_NS + pictures * PICTURE_NS, pictures, picture(pictures, camera))
            pictures += 1
        disk.say("has", writer.uuid, tick + 1)
    journal = writer.finish("success")
    disk.say("finished", writer.uuid, "success")
    path = build_episode(journal)
    disk.say("built", writer.uuid, path.name)


def cut_many(folder: Path, operations: list[Operation], cuts: int, seed: str) -> Cuts:
    """Cuts at random points, half of them between the end of a take and the removal of its journal."""
    points = [index for index, operation in enumerate(operations) if operation.kind != "say"]
    ends = [index for index in points if _is_finishing(operations, index)]
    total = Cuts()
    for number in range(cuts):
        rng = Random(f"{seed} {number}")
        cut = rng.choice(ends if number % 2 else points)
        target = folder / f"cut-{number}"
        disk_after_cut(operations, cut, folder, target / "episodes", rng)
        ended = in_sandbox(lambda: after_cut(target / "episodes", operations[:cut]), 30.0)  # noqa: B023
        found = ended.value or Cuts(1, unreadable=1, said=[f"{ended.crash or ended.error}"])
        found.said = [f"{seed} {number}, before operation {cut}: {sentence}" for sentence in found.said]
        total.add(found)
        shutil.rmtree(target)
    return total


def _is_finishing(operations: list[Operation], index: int) -> bool:
    said = [operation.said[0] for operation in operations[:index] if operation.kind == "say"]
    ahead = next((operation.said[0] for operation in operations[index:] if operation.kind == "say"), "")
    return bool(said) and (said[-1] == "finished" or ahead == "finished")


def after_cut(folder: Path, done: list[Operation]) -> Cuts:
    """Recovers the disk that a cut after the operations `done` has left, and compares it with what was reported."""
    said = [operation for operation in done if operation.kind == "say"]
    found = Cuts(1)
    results = recover(folder)
    infos = [*list_episodes(folder), *list_episodes(folder, binned=True)]
    for info in infos:
        problems = verify(info.path)
        found.unreadable += bool(problems)
        found.said += [problem.text for problem in problems[:1]]
    by_uuid = {info.uuid: info for info in infos}
    for uuid in dict.fromkeys(operation.said[1] for operation in said if operation.said[0] == "begun"):
        _compare(found, by_uuid.get(uuid), [operation for operation in said if operation.said[1] == uuid], done)
    found.said += [result.text for result in results if result.problem and found.unreadable + found.lost]
    return found


def _compare(found: Cuts, info: EpisodeInfo | None, said: list[Operation], done: list[Operation]) -> None:
    words: dict[str, tuple[Any, ...]] = {operation.said[0]: operation.said for operation in said}
    ticks = [operation.at_s for operation in said if operation.said[0] == "has"]
    lacking = set(range(len(ticks))) - (set() if info is None else _ticks_of(found, info))
    if "finished" in words:
        found.while_finishing += "built" not in words
        if lacking or info is None:
            found.lost += 1
            found.said.append(f"the finished take {words['begun'][1]} lacks {len(lacking)} of {len(ticks)} ticks")
        else:
            _compare_words(found, info, words)
        return
    found.while_running += 1
    if lacking:
        found.loss_s = max(found.loss_s, done[-1].at_s - ticks[min(lacking)])


def _ticks_of(found: Cuts, info: EpisodeInfo) -> set[int]:
    """The numbers of the ticks that an episode has."""
    with EpisodeReader(info.path) as reader:
        numbers = (reader.frames.stamp_ns - START_NS) // TICK_NS
        if not np.array_equal(reader.frames.action, [frame(int(number)).action for number in numbers]):
            found.unreadable += 1
            found.said.append("it holds other ticks than were recorded")
        return set(numbers.tolist())


def _compare_words(found: Cuts, info: EpisodeInfo, words: dict[str, tuple[Any, ...]]) -> None:
    if "labelled" in words and info.outcome != words["labelled"][2]:
        found.unsaid += 1
        found.said.append(f"the label {words['labelled'][2]!r} is gone")
    if "binned" in words and info.path.parent.name != ".bin":
        found.unsaid += 1
        found.said.append(f"{info.path.name} is back from the bin")
