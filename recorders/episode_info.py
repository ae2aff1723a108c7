"""What one episode says about itself, without its arrays."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from recorders import schema
from recorders.episode_file import damage_reported, number_of


@dataclass(frozen=True)
class EpisodeInfo:
    """One episode without its arrays. `frames` control ticks, `images` pictures per camera, `gaps` holes in streams.

    `number` 0 for a file with a name of its own. `recovered` for a take that was cut off or whose journal was damaged.
    `problem` says in the operator's words why the file can not be used; then all but `path` and `number` is empty.
    `outcome`, `tags`, `note` and `split` are what the operator said last (`recorders.annotations`). `hints`,
    `idle_start_s` and `side` (which way round the gripper went: "left", "right" or "") come from the survey, and only
    with `list_episodes`.
    """

    path: Path
    uuid: str
    number: int
    task: str
    source: str
    outcome: str
    recorded_at: str
    duration_s: float
    frames: int
    images: dict[str, int]
    gaps: int
    simulated: bool
    rig: str
    scene: str
    extra: dict[str, Any] = field(default_factory=dict)
    recovered: bool = False
    problem: str = ""
    operator: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    split: str = ""
    size_bytes: int = 0
    content_sha256: str = ""
    hints: tuple[str, ...] = ()
    idle_start_s: float = 0.0
    surveyed: bool = False
    side: str = ""


# What the file itself says; the rest is its name, what was said about it later and what a survey found.
SAID_BY_FILE = (
    "uuid",
    "task",
    "source",
    "outcome",
    "recorded_at",
    "duration_s",
    "frames",
    "images",
    "gaps",
    "simulated",
    "rig",
    "scene",
    "extra",
    "recovered",
    "operator",
    "content_sha256",
)


def info_of(path: Path, file: h5py.File) -> EpisodeInfo:
    """What the attributes of an open file say. Raises `EpisodeCorrupt`."""
    with damage_reported(path):
        said = dict(file.attrs)
        cameras = [str(name) for name in said[schema.CAMERA_NAMES]]
        counts = [int(count) for count in said[schema.IMAGE_COUNTS]]
        return EpisodeInfo(
            path=path,
            uuid=str(said[schema.UUID]),
            number=number_of(path),
            task=str(said[schema.TASK]),
            source=str(said[schema.SOURCE]),
            outcome=str(said[schema.OUTCOME]),
            recorded_at=str(said[schema.RECORDED_AT]),
            duration_s=float(said[schema.DURATION_S]),
            frames=int(said[schema.FRAME_COUNT]),
            images=dict(zip(cameras, counts, strict=True)),
            gaps=int(said[schema.GAP_ROWS]),
            simulated=bool(said[schema.SIMULATED]),
            rig=str(said[schema.RIG]),
            scene=str(said[schema.SCENE]),
            extra=json.loads(said[schema.EXTRA]),
            recovered=bool(said[schema.RECOVERED]),
            operator=str(said[schema.OPERATOR]),
            size_bytes=os.path.getsize(path),
            content_sha256=str(said[schema.CONTENT_SHA256]),
        )


def broken(path: Path, problem: str, size_bytes: int = 0) -> EpisodeInfo:
    """The entry of a file that can not be read."""
    return EpisodeInfo(
        path=path,
        uuid="",
        number=number_of(path),
        task="",
        source="",
        outcome="unrated",
        recorded_at="",
        duration_s=0.0,
        frames=0,
        images={},
        gaps=0,
        simulated=False,
        rig="",
        scene="",
        problem=problem,
        size_bytes=size_bytes,
    )
