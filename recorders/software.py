"""Which program made a file: versions, and the git commit when it runs from a checkout."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import h5py


@cache
def software() -> dict[str, str]:
    """Versions by name. `commit` only when run from a checkout; whether files were changed since is not known."""
    try:
        own = version("teleop-studio")
    except PackageNotFoundError:  # run from a source folder that is not installed
        own = "not installed"
    commit = git_commit(Path(__file__).parents[1])
    return {
        "teleop-studio": own,
        **({"commit": commit} if commit else {}),
        "python": platform.python_version(),
        "h5py": h5py.version.version,
        "hdf5": h5py.version.hdf5_version,
    }


def git_commit(checkout: Path) -> str:
    """The commit that is checked out at `checkout`, "" when it is none. Reads git's files: no process is started."""
    try:
        folder = checkout / ".git"
        if folder.is_file():  # a worktree says where its folder is
            folder = checkout / folder.read_text().removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head
        return _commit_of(folder, head.removeprefix("ref:").strip())
    except OSError:
        return ""


def _commit_of(folder: Path, name: str) -> str:
    """What the branch `name` points to."""
    shared = folder / "commondir"
    for place in (folder, folder / shared.read_text().strip()) if shared.exists() else (folder,):
        if (place / name).exists():
            return (place / name).read_text().strip()
        packed = place / "packed-refs"
        for line in packed.read_text().splitlines() if packed.exists() else ():
            if line.endswith(f" {name}"):
                return line.split()[0]
    return ""
