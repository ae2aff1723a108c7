"""Which recordings a run learnt from, to the byte: kept in its folder, so that a run explains itself."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from teleop_studio.training.errors import TrainingError
from teleop_studio.training.split import RULE

EPISODES = "episodes.json"


@dataclass(frozen=True)
class UsedEpisode:
    """An episode of a run. `moments` it gave; `held_out` when they only measure the error."""

    name: str
    uuid: str
    number: int
    content_sha256: str
    moments: int
    held_out: bool


def write_episodes(run: Path, episodes: Sequence[UsedEpisode]) -> None:
    """Say in the run's folder what it learns from."""
    content = {"split": RULE, "episodes": [asdict(episode) for episode in episodes]}
    unfinished = run / f"{EPISODES}.{os.getpid()}"
    unfinished.write_text(json.dumps(content, indent=1) + "\n")
    unfinished.replace(run / EPISODES)


def read_episodes(run: Path) -> tuple[UsedEpisode, ...]:
    """What the run learnt from; empty when it never got that far. Raises `TrainingError` when that can not be read."""
    path = run / EPISODES
    if not path.exists():
        return ()
    try:
        return tuple(UsedEpisode(**said) for said in json.loads(path.read_text())["episodes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path} does not say which episodes {run.name} was trained on: {error!r}. "
            "Restore it from a copy, or train anew."
        ) from error


def require_same(earlier: Sequence[UsedEpisode], now: Sequence[UsedEpisode]) -> None:
    """Raises `TrainingError` unless these are, to the byte and in order, the recordings that the run began with."""
    for before, episode in zip(earlier, now, strict=False):
        if before.uuid != episode.uuid:
            raise TrainingError(_sentence(f"{episode.name} stands where {before.name} was"))
        if before.content_sha256 != episode.content_sha256:
            raise TrainingError(_sentence(f"the content of {episode.name} is another one"))
        if before.moments != episode.moments:
            raise TrainingError(_sentence(f"{episode.name} had {before.moments} moments and now has {episode.moments}"))
    if len(earlier) != len(now):
        raise TrainingError(_sentence(f"there were {len(earlier)} episodes and now there are {len(now)}"))


def _sentence(changed: str) -> str:
    return f"The recordings have changed since the run began: {changed}. Bring them back, or start a new run."
