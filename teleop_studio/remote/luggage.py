"""What a run takes along: its episodes, the weights it starts from, and its configuration with the paths there."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recorders.annotations import LABELS_FILE
from teleop_studio.remote.link import Link
from teleop_studio.training.run_folder import RunConfig


@dataclass(frozen=True)
class Luggage:
    """Paths of this computer and where they lie on the host, both as text.

    `episodes` {folder here: file names}, `weights` paths that the policy's settings name; `there` maps all of them.
    """

    episodes: Mapping[Path, tuple[str, ...]]
    weights: tuple[Path, ...]
    there: Mapping[str, str]

    def config(self, config: RunConfig, device: str) -> RunConfig:
        """The same run as the host has to see it. `device` is taken where the run leaves it open."""
        settings = replace(
            config.settings,
            policy_settings=_translated(config.settings.policy_settings, self.there),
            device=device if config.settings.device == "auto" else config.settings.device,
        )
        episodes = tuple(Path(self.there[str(path.parent)]) / path.name for path in config.episodes)
        return replace(config, settings=settings, data=(), episodes=episodes)

    def here(self, value: Any) -> Any:
        """What the host wrote, its paths of our weights turned into those of this computer."""
        return _translated(value, {self.there[str(path)]: str(path) for path in self.weights})


def pack(config: RunConfig, folder: str) -> Luggage:
    """What `config`, whose episodes are chosen, has to have below `folder` there."""
    names: dict[Path, list[str]] = {}
    for path in config.episodes:
        names.setdefault(path.parent, []).append(path.name)
    weights = tuple(dict.fromkeys(_paths(config.settings.policy_settings)))
    there = {str(path): f"{folder}/episodes/{_key(path)}" for path in names}
    there |= {str(path): f"{folder}/weights/{_key(path)}/{path.name}" for path in weights}
    return Luggage({path: tuple(found) for path, found in names.items()}, weights, there)


def send(link: Link, luggage: Luggage, say: Callable[[str], None]) -> None:
    """Send what is not there yet; `say` is told how far it is. Raises `HostSilent`, `HostRefused`.

    What has gone from this computer is left out: a run that goes on has it there already, and its trainer says if not.
    """
    name = link.host.name
    total = sum(len(names) for names in luggage.episodes.values())
    sent = 0

    def on_line(line: str) -> None:
        nonlocal sent
        if line.endswith("/"):  # a folder whose time has changed
            return
        sent += 1
        say(f"Sending episodes to {name}: {min(sent, total)} of at most {total} that are not there yet.")

    for folder, names in luggage.episodes.items():
        present = [text for text in (*names, LABELS_FILE) if (folder / text).is_file()]
        if present:
            say(f"Looking which of {total} episodes {name} has.")
            link.send_named(folder, present, luggage.there[str(folder)], on_line)
    for path in luggage.weights:
        if path.exists():
            say(f"Sending {path.name}, which the policy starts from, to {name}.")
            link.send([path], str(Path(luggage.there[str(path)]).parent))


def _paths(settings: Any) -> Iterator[Path]:
    """Whole paths of this computer that the settings name."""
    if isinstance(settings, Mapping):
        for value in settings.values():
            yield from _paths(value)
    elif isinstance(settings, str) and os.path.isabs(settings) and os.path.exists(settings):
        yield Path(os.path.normpath(settings))


def _translated(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _translated(inner, paths) for key, inner in value.items()}
    if isinstance(value, str) and os.path.isabs(value):
        return paths.get(os.path.normpath(value), value)
    return value


def _key(path: Path) -> str:
    """The folder there for a folder here: the same again for each run, another one for another computer's."""
    text = f"{socket.gethostname()}\0{path}"
    return f"{path.name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
