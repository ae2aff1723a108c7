"""Tells a process from a later one that got its number, whatever happened to the clock or the machine since."""

from pathlib import Path

import psutil

_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"
_STARTED = 19  # of the fields after the program's name: in clock ticks since the machine started; see proc(5)


def process_mark(pid: int) -> str:
    """What no other process ever has: when it started, counted from this start of the machine; "" when it is gone.

    The start time that psutil gives moves with the clock, which a machine without a battery sets after it started.
    """
    try:
        if _BOOT_ID.exists():
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            return f"{_BOOT_ID.read_text().strip()} {fields[_STARTED]}"
        return f"{psutil.Process(pid).create_time():.0f}"
    except (OSError, psutil.Error):
        return ""


def is_alive(pid: int, mark: str) -> bool:
    """Whether the process that had this `mark` still runs; one that only waits to be buried does not."""
    if not mark or process_mark(pid) != mark:
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
