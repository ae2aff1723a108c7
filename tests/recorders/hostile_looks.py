"""Looks at one file in every way the app does, and says what came of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recorders.catalog import list_episodes
from recorders.episode_reader import EpisodeReader
from recorders.errors import RecorderError
from recorders.verify import verify
from tests.recorders.sandbox import in_sandbox, measured

REFUSED, ON_READING, BY_VERIFY, WHOLE = "refused", "found on reading", "found by verify", "whole"


@dataclass(frozen=True)
class Verdict:
    """`found` is one of the four words above, or says what must never happen: a fault, or damage that nobody noticed.

    `sentence` for the operator. `seconds` of the slowest way and `growth_bytes` of the greediest.
    """

    found: str
    sentence: str = ""
    seconds: float = 0.0
    growth_bytes: int = 0

    @property
    def ok(self) -> bool:
        return self.found in (REFUSED, ON_READING, BY_VERIFY, WHOLE)


def look(path: Path, original: str) -> Verdict:
    """Lists, reads and verifies the file in a child with 1 GB of memory and ten seconds for each.

    `path` lies alone in its folder. `original` is the `content_digest` of the episode that it was made of.
    """
    ended = in_sandbox(lambda: [measured(lambda way=way: way(path)) for way in (_list, _read, _verify)], 30.0)
    fault = ended.crash or ended.error or next((one.error for one in ended.value if one.error), "")
    if fault:
        return Verdict(f"FAULT {fault}", "", ended.seconds, ended.growth_bytes)
    seconds, growth_bytes = max(one.seconds for one in ended.value), max(one.growth_bytes for one in ended.value)
    listed, (refused, digest), problem = (one.value for one in ended.value)
    if not problem and (listed or refused or digest != original):
        found = "UNNOTICED by verify"
    elif listed:
        found = REFUSED if refused else "READ though the catalogue refuses it"
    else:
        found = ON_READING if refused else BY_VERIFY if problem else WHOLE
    return Verdict(found, listed or refused or problem, seconds, growth_bytes)


def content_digest(path: Path) -> str:
    """Of everything that a reader gives out. Raises `RecorderError`."""
    digest = hashlib.sha256()
    with EpisodeReader(path) as reader:
        digest.update(repr((reader.info.uuid, reader.info.task, reader.info.duration_s, reader.info.images)).encode())
        digest.update(repr((reader.description, reader.events(), reader.gaps(), reader.software)).encode())
        digest.update(reader.clock_anchors().tobytes())
        for values in vars(reader.frames).values():
            digest.update(np.ascontiguousarray(values).tobytes())
        for chunk in reader.chunks():
            digest.update(repr((chunk.start_ns, chunk.dt_s)).encode() + np.ascontiguousarray(chunk.actions).tobytes())
        for camera in reader.cameras:
            stream = reader.images(camera)
            digest.update(stream.stamp_ns.tobytes() + stream.sequence.tobytes())
            for index in range(len(stream)):
                digest.update(stream[index].tobytes())
    return digest.hexdigest()


def _list(path: Path) -> str:
    (info,) = list_episodes(path.parent)
    return info.problem


def _read(path: Path) -> tuple[str, str]:
    try:
        return "", content_digest(path)
    except RecorderError as error:
        return str(error), ""


def _verify(path: Path) -> str:
    problems = verify(path)
    return problems[0].text if problems else ""
