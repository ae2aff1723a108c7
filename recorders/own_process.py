"""Runs a piece of work in a Python process of its own: for libraries that print, load torch or may fall over.

One JSON object goes in, words of progress and one result come out, a line each. Whatever the libraries print is caught
and only told when the work fails. The process ends when its caller does, however that happens.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from recorders import errors
from recorders.errors import RecorderError, TransferCancelled, TransferRefused

Tell = Callable[[int, int, str], None]
_WAIT_S = 0.2
_LAST_LINES = 3


def run_apart(
    module: str,
    work: Mapping[str, Any],
    progress: Tell,
    cancelled: Callable[[], bool],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """What `serve` in `module` makes of `work`; its progress passes through.

    Raises the `RecorderError` that the work raised; `TransferCancelled`, after the process was ended;
    `TransferRefused` with its last words when it failed otherwise or died.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(work, default=str).encode() + b"\n")
            process.stdin.flush()  # left open: its end tells the process that its caller is gone
            answer = _follow(process, progress, cancelled)
        except BrokenPipeError:
            answer = None
        finally:
            process.kill()
            process.wait()
        if answer is None:
            raise TransferRefused(_last_words(module, process.returncode, said))
        return answer


def _follow(process: subprocess.Popen[bytes], progress: Tell, cancelled: Callable[[], bool]) -> dict[str, Any] | None:
    """The result; None when the process ended without one."""
    assert process.stdout is not None
    waiting = b""
    while True:
        if cancelled():
            raise TransferCancelled("The work was cancelled. Nothing of it was kept.")
        if not select.select([process.stdout], [], [], _WAIT_S)[0]:
            continue
        piece = os.read(process.stdout.fileno(), 1 << 16)
        if not piece:
            return None
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "progress" in message:
                progress(*message["progress"])
            elif "error" in message:
                raise _error(message)
            else:
                return dict(message["result"])


def _error(message: dict[str, Any]) -> RecorderError:
    kind = getattr(errors, message["kind"], TransferRefused)
    error: RecorderError = kind(message["error"])
    return error


def _last_words(module: str, code: int, said: IO[bytes]) -> str:
    said.seek(0)
    lines = [line for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    words = " / ".join(lines[-_LAST_LINES:]) or "It said nothing."
    return f"The process of {module} ended before its work was done (exit code {code}). It said last: {words}"


def serve(work: Callable[[dict[str, Any], Tell], dict[str, Any]]) -> None:
    """The other end: does `work` once. Called by the module's `__main__` part; ends the process."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between our lines
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_caller, daemon=True).start()

    def send(message: dict[str, Any]) -> None:
        out.write(json.dumps(message, default=str) + "\n")
        out.flush()

    try:
        result = work(request, lambda done, total, detail: send({"progress": [done, total, detail]}))
        send({"result": result})
    except RecorderError as error:
        send({"error": str(error), "kind": type(error).__name__})
    except Exception:
        traceback.print_exc()
        out.close()
        os._exit(1)
    os._exit(0)  # torch and video libraries have threads that would hold up an ordinary end


def _end_with_caller() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


def own_folder(path: Path) -> dict[str, str]:
    """Settings that keep Hugging Face libraries offline and their caches below `path`."""
    return {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(path / "huggingface"),
        "HF_LEROBOT_HOME": str(path / "lerobot"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
