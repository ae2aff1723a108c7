"""What goes to a host of this program: the sources that a training imports, under a name that their content gives."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from teleop_studio.remote.link import Link

_PACKAGES = ("teleop_studio", "drivers", "recorders")
_LEFT_OUT = ("__pycache__",)
_WHOLE = ".whole"


@dataclass(frozen=True)
class Program:
    """The packages' folders on this computer, and the name of what is in them."""

    packages: tuple[Path, ...]
    name: str


def own_program() -> Program:
    """This program as it stands now. A running training keeps the version it began with."""
    packages = []
    digest = hashlib.sha256()
    for package in _PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent
        packages.append(folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not set(path.parts) & set(_LEFT_OUT):
                digest.update(f"{package}/{path.relative_to(folder).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return Program(tuple(packages), digest.hexdigest()[:16])


def send_program(link: Link, program: Program, folder: str) -> str:
    """Put `program` below `folder` there, unless it is there; returns where. Raises `HostSilent`, `HostRefused`."""
    place = f"{folder}/program/{program.name}"
    if link.run('[ -e "$1" ] && echo yes || echo no', f"{place}/{_WHOLE}").strip() != "yes":
        link.send(program.packages, place, *(f"--exclude={name}" for name in _LEFT_OUT))
        link.run('touch -- "$1"', f"{place}/{_WHOLE}")
    return place
