"""What a figure was measured on: processor, memory, system, versions. No host name, user or path."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path

PACKAGES = ("teleop-studio", "numpy", "torch", "mujoco", "PySide6-Essentials", "h5py", "dynamixel-sdk")


def machine_facts() -> dict[str, str]:
    """Name -> value, for a report or a benchmark. What can not be found out says "unknown"."""
    # Distributions and hosts append their own words to the kernel's version.
    kernel = re.match(r"[\d.]*\d", platform.release())
    facts = {
        "Processor": f"{_processor()}, {_cores()} usable cores",
        "Memory": _memory(),
        "System": f"{_system()}, kernel {kernel[0] if kernel else 'unknown'}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for package in PACKAGES:
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            facts[package] = "not installed"
    return facts


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or "unknown"


def _cores() -> int:
    # A container or a batch queue often allows fewer than there are.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return "unknown"
    return f"{total / 2**30:.0f} GiB"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
