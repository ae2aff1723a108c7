"""A text file that is there whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(target: Path, text: str) -> Path:
    """Write `target`, making its folder; an earlier one stays when that fails. Raises `OSError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=f"{target.suffix}.tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(target)
        target.chmod(0o644)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
