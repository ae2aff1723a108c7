"""Work for a process of its own, for the tests of `own_process`: `python -m tests.recorders.exporters.apart`."""

import os
import signal
import threading
from typing import Any

from recorders.errors import EpisodeCorrupt
from recorders.own_process import Tell, serve


def work(request: dict[str, Any], tell: Tell) -> dict[str, Any]:
    match request["do"]:
        case "refuse":
            raise EpisodeCorrupt("It went wrong as planned.")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            return {"result": 1 / 0}
        case "wait":
            tell(0, 1, "waiting")
            threading.Event().wait()
    for count in range(3):
        print(request["noise"])  # as a library would, in the middle of our lines
        tell(count, 3, str(count))
    return {"counted": 3}


if __name__ == "__main__":
    serve(work)
