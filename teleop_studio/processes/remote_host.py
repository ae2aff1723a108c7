"""Runs on a training host, briefly: `python -m teleop_studio.processes.remote_host start|look RUN`.

Starts the trainer of a run so that it outlives the connection, and tells how the run stands, as one line of JSON.
"""

import argparse
import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

from teleop_studio.policies.checkpoint_folder import checkpoints
from teleop_studio.processes.training_launch import LOG, launch_training
from teleop_studio.remote.host_setup import MARK
from teleop_studio.remote.mirror import TRAINERS_OWN
from teleop_studio.training.process_mark import is_alive, process_mark
from teleop_studio.training.run_folder import CONFIG, PAUSE, STATUS, STOP

_LAUNCHED = ".launched.json"
_LOCK = ".launch.lock"
_LOG_LINES = 5


def main() -> int:
    """0 when it could be told; a run that failed is no failure here."""
    parser = argparse.ArgumentParser(description="Start or look at a training on this host. Started over ssh.")
    parser.add_argument("what", choices=("start", "look"))
    parser.add_argument("run", type=Path)
    parser.add_argument("--cache", type=Path, default=None, help="start: folder of reduced pictures that runs share")
    parser.add_argument("--stop", action="store_true", help="look: ask the trainer to save and end")
    parser.add_argument("--pause", action="store_true", help="look: ask it to save and wait; without: let it go on")
    options = parser.parse_args()
    if options.what == "start":
        start(options.run, options.cache)
    elif _is_running(options.run):  # nobody else would take the wish away again
        wish(options.run, options.stop, options.pause)
    print(MARK + json.dumps(look(options.run)), flush=True)
    return 0


def start(run: Path, cache: Path | None) -> None:
    """Start the trainer of `run`, unless it is at work already; two who start at the same time start one."""
    with (run / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_running(run):
            return
        for name in (STOP, PAUSE):
            (run / name).unlink(missing_ok=True)
        process = launch_training(run, cache or run.parent / "pictures")
        unfinished = run / f"{_LAUNCHED}.{os.getpid()}"
        unfinished.write_text(json.dumps({"pid": process.pid, "mark": process_mark(process.pid)}))
        unfinished.replace(run / _LAUNCHED)


def wish(run: Path, stop: bool, pause: bool) -> None:
    """Hand on what the operator wishes, as files of the run's folder."""
    if stop:
        (run / STOP).touch()
    if pause:
        (run / PAUSE).touch()
    else:
        (run / PAUSE).unlink(missing_ok=True)


def look(run: Path) -> dict[str, Any]:
    """How the run stands. `status` what its present or last trainer said, None before its first word.

    `checkpoints` {name: {file: bytes}}; `stamp` changes with every other file; `log` its last lines when it has ended.
    """
    running = _is_running(run)
    told = _json(run / STATUS)
    launched = _json(run / _LAUNCHED)
    if told is not None and launched is not None and told.get("pid") != launched["pid"]:
        told = None  # that was said by the trainer before
    return {
        "known": (run / CONFIG).is_file(),
        "running": running,
        "status": told,
        "checkpoints": {
            folder.name: {path.name: path.stat().st_size for path in folder.iterdir() if not path.match(TRAINERS_OWN)}
            for folder in checkpoints(run)
        },
        "stamp": _stamp(run),
        "log": [] if running else _last_lines(run / LOG),
    }


def _is_running(run: Path) -> bool:
    launched = _json(run / _LAUNCHED)
    return launched is not None and is_alive(int(launched["pid"]), str(launched["mark"]))


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content


def _stamp(run: Path) -> str:
    """Sizes and times of what is fetched file by file."""
    newest, size = 0, 0
    for folder, folders, names in os.walk(run):
        folders[:] = [name for name in folders if name != "checkpoints" and not name.startswith(".")]
        for name in set(names) - {STATUS}:
            with contextlib.suppress(OSError):  # one that has just been replaced
                stat = os.stat(os.path.join(folder, name))
                newest, size = max(newest, stat.st_mtime_ns), size + stat.st_size
    return f"{newest} {size}"


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").strip().splitlines()[-_LOG_LINES:]
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
