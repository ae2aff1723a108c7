"""What a training needs to be installed, out of what the whole program declares: a host needs no window and no arm."""

import hashlib
import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import teleop_studio
from teleop_studio.remote.errors import RemoteError

DISTRIBUTION = "teleop-studio"
# Distribution -> the name it is imported by. A test trains a step without anything else.
PACKAGES = {
    "accelerate": "accelerate",
    "h5py": "h5py",
    "numpy": "numpy",
    "psutil": "psutil",
    "safetensors": "safetensors",
    "simplejpeg": "simplejpeg",
    "tensorboard": "tensorboard",
    "torch": "torch",
}


def requirements(extra: str = "") -> tuple[str, ...]:
    """What pip is asked to install for a training, `extra` the optional part of the policy.

    Raises `RemoteError` when this program does not say what it needs.
    """
    project = Path(teleop_studio.__file__).parents[1] / "pyproject.toml"
    # The sources, when we run from them: what was installed may be older.
    wanted, optional = _declared(project) if project.is_file() else _installed()
    chosen = [text for text in wanted if _name(text) in PACKAGES]
    absent = set(PACKAGES) - {_name(text) for text in chosen}
    if absent:
        raise RemoteError(
            f"This installation does not say which {', '.join(sorted(absent))} it needs: install it anew."
        )
    return tuple(sorted({*chosen, *optional.get(extra, ())}))


def environment_name(wanted: tuple[str, ...], python_version: str) -> str:
    """Other needs, another environment: one that a training uses is never changed under it."""
    text = "\0".join((*wanted, python_version))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _declared(project: Path) -> tuple[list[str], dict[str, list[str]]]:
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    return table["dependencies"], table["optional-dependencies"]


def _installed() -> tuple[list[str], dict[str, list[str]]]:
    """`requires` gives 'torch>=2.7' and 'lerobot==0.6.*; extra == "lerobot"'."""
    try:
        texts = requires(DISTRIBUTION) or []
    except PackageNotFoundError as error:
        raise RemoteError("This program is not installed as a package, and its pyproject.toml is not there.") from error
    wanted: list[str] = []
    optional: dict[str, list[str]] = {}
    for text in texts:
        requirement, _, marker = text.partition(";")
        extra = re.search(r"""extra\s*==\s*["']([\w.-]+)["']""", marker)
        if extra:
            optional.setdefault(extra[1], []).append(requirement.strip())
        else:
            wanted.append(requirement.strip())
    return wanted, optional


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
