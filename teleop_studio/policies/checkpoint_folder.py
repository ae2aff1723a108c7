"""Where checkpoints lie in a run; free of torch, so that the window can look."""

from pathlib import Path

CHECKPOINTS = "checkpoints"
DESCRIPTION = "checkpoint.json"
WEIGHTS = "model.safetensors"


def checkpoint_path(run: Path, step: int) -> Path:
    """The folder of the checkpoint at `step`; zero-padded so that names sort by step."""
    return run / CHECKPOINTS / f"{step:08d}"


def checkpoints(run: Path) -> list[Path]:
    """All whole checkpoints of a run, oldest first. A half-written one has another name until it is whole."""
    folder = run / CHECKPOINTS
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.isdigit() and (path / DESCRIPTION).is_file())


def newest_checkpoint(run: Path) -> Path | None:
    """None when the run has none yet."""
    found = checkpoints(run)
    return found[-1] if found else None
