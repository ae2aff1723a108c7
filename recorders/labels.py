"""What the operator says about a take afterwards: lines beside the episodes, so that recorded bytes never change."""

import fcntl
import json
import os
from datetime import datetime
from pathlib import Path

from recorders.disk import sync_folder
from recorders.episode import OUTCOMES, check_outcome
from recorders.errors import disk_errors

LABELS_FILE = "labels.jsonl"


def read_labels(folder: Path) -> dict[str, str]:
    """The newest outcome per uuid. Lines that a crash tore are no labels. Raises `DiskError`."""
    path = folder / LABELS_FILE
    with disk_errors("read the labels", path):
        if not path.exists():
            return {}
        content = path.read_bytes()
    labels: dict[str, str] = {}
    for line in content.splitlines():
        try:
            label = json.loads(line)
            uuid, outcome = label["uuid"], label["outcome"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(uuid, str) and outcome in OUTCOMES:
            labels[uuid] = outcome
    return labels


def add_label(folder: Path, uuid: str, outcome: str) -> None:
    """On the disk when this returns. Raises `ValueError` for an unknown outcome, `DiskError`."""
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    line = json.dumps({"uuid": uuid, "outcome": check_outcome(outcome), "at": at}).encode() + b"\n"
    path = folder / LABELS_FILE
    with disk_errors("write the label", path):
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            # A line that a crash tore must not swallow this one.
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(descriptor, line)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(folder)
