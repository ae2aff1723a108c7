"""Which recorded episodes a run learns from, and how their files become demonstrations."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drivers.arms import ARMS
from drivers.kinematics import Chain, known
from recorders.catalog import EpisodeInfo, episode_info, list_episodes
from recorders.episode_reader import EpisodeReader
from recorders.schema import FILE_SUFFIX
from teleop_studio.control.sources import LEADER
from teleop_studio.policies.config import PolicyConfig
from teleop_studio.training.demonstration import Demonstration
from teleop_studio.training.errors import TrainingError
from teleop_studio.training.moments import TipOf

SOURCES = ("human", "scripted", "mixed")
OUTCOMES = ("success", "unrated")
_GRIPPER = "gripper"


@dataclass(frozen=True)
class Task:
    """What all episodes of a run have in common: `config` for the policy, `tip_of` the arm's forward kinematics.

    `tip_of` is None for imported episodes that do not name their arm: they are learnt from without landmarks.
    """

    config: PolicyConfig
    tip_of: TipOf | None


def choose_episodes(data: Path | Iterable[Path]) -> list[Path]:
    """The episodes to learn from: those that people (or the scripted operator) drove and did not call failures.

    `data` one folder, or episode files and folders of them. Raises `TrainingError` when nothing is left, saying why;
    `RecorderError` for a file that is named and can not be read.
    """
    infos: list[EpisodeInfo] = []
    for path in [data] if isinstance(data, Path) else list(data):
        infos += [episode_info(path)] if path.suffix == FILE_SUFFIX else list_episodes(path)
    chosen = [info.path for info in infos if is_learnt_from(info)]
    if not chosen:
        reasons = sorted({_left_out(info) for info in infos})
        found = f"{len(infos)} episodes, all left out: {'; '.join(reasons)}" if infos else "no episodes at all"
        raise TrainingError(
            f"There is nothing to learn from in {_named(data)}. Found {found}. "
            "Record demonstrations and accept them, or label good ones as a success."
        )
    return chosen


def is_learnt_from(info: EpisodeInfo) -> bool:
    """Whether `choose_episodes` would take it."""
    return not _left_out(info)


def common_task(paths: list[Path]) -> Task:
    """Joints, cameras, arm and task texts of the episodes.

    Raises `TrainingError` when they differ, are not in rad or no camera is among them, `RecorderError`.
    """
    first: tuple[Path, tuple[str, ...], tuple[str, ...], str] | None = None
    tasks: dict[str, None] = {}
    for path in paths:
        with EpisodeReader(path) as reader:
            _require_radians(path, reader.description.position_unit)
            found = path, reader.joint_names, reader.cameras, _arm(reader.info)
            tasks[reader.info.task] = None
        first = first or found
        if found[1:] != first[1:]:
            raise TrainingError(
                f"{path.name} and {first[0].name} were recorded on different rigs: {_rig(found)} and {_rig(first)}. "
                "Train on the episodes of one rig; move the others to another folder."
            )
    if first is None:
        raise TrainingError("There are no episodes to learn from. Record demonstrations first.")
    path, joint_names, cameras, arm = first
    if not cameras:
        raise TrainingError(f"{path.name} has no pictures. A policy looks at cameras: record or import some with them.")
    grippers = tuple(name for name in joint_names if name.endswith(_GRIPPER))
    tip_of = Chain(ARMS[arm]).forward if arm and known(ARMS[arm]) else None
    return Task(PolicyConfig(joint_names, cameras, absolute_joints=grippers, tasks=tuple(sorted(tasks))), tip_of)


def demonstrations(paths: Iterable[Path]) -> Iterator[Demonstration]:
    """Open the episodes one after the other; each is usable until the next is asked for. Raises `RecorderError`."""
    for path in paths:
        with EpisodeReader(path) as reader:
            frames = reader.frames
            yield Demonstration(
                uuid=reader.info.uuid,
                name=path.name,
                number=reader.info.number,
                content_sha256=reader.info.content_sha256,
                split=reader.info.split,
                task=reader.info.task,
                joint_names=reader.joint_names,
                frame_ns=frames.stamp_ns,
                follower_ns=frames.follower_stamp_ns,
                follower=frames.follower_position,
                action=frames.action,
                by_human=np.asarray(frames.source == LEADER, np.bool_),
                pictures={name: reader.images(name) for name in reader.cameras},
            )


def _left_out(info: EpisodeInfo) -> str:
    """Why an episode is not learnt from; empty when it is."""
    if info.problem:
        return "damaged file"
    if info.source not in SOURCES:
        return f"driven by {info.source}"
    return "" if info.outcome in OUTCOMES else f"labelled {info.outcome}"


def _require_radians(path: Path, unit: str) -> None:
    if unit != "rad":
        raise TrainingError(
            f"The joints of {path.name} are in {unit!r}, not in rad: what is learnt from it could drive no arm. "
            "Import it again with its joints converted to rad, or leave the episode out."
        )


def _arm(info: EpisodeInfo) -> str:
    """The follower's name; empty for an imported episode that does not say which arm it was."""
    follower = info.extra.get("follower", {})
    arm = str(follower.get("arm", "")) if isinstance(follower, dict) else ""
    if arm and arm not in ARMS:
        raise TrainingError(
            f"{info.path.name} was recorded with the arm {arm!r}, which this program does not know. "
            f"Known arms: {', '.join(sorted(ARMS))}. Add the arm, or leave the episode out."
        )
    return arm


def _rig(found: tuple[Path, tuple[str, ...], tuple[str, ...], str]) -> str:
    _, joint_names, cameras, arm = found
    return f"{arm or 'an unnamed arm'} with {len(joint_names)} joints and the cameras {', '.join(cameras) or 'none'}"


def _named(data: Path | Iterable[Path]) -> str:
    return str(data) if isinstance(data, Path) else ", ".join(str(path) for path in data) or "an empty list"
