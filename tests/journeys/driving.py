"""Waiting for what a studio tells, with the patience that a loaded machine needs."""

import time
from collections.abc import Callable
from threading import Thread

from teleop_studio.status import StudioStatus
from teleop_studio.studio import Studio

PATIENCE_S = 180.0


def until(studio: Studio, done: Callable[[StudioStatus], bool], what: str) -> StudioStatus:
    """Poll until `done(status)`; fails the test with the newest status otherwise."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        status = studio.poll()
        if done(status):
            return status
        if time.monotonic() > end_s:
            raise AssertionError(f"waited {PATIENCE_S:.0f} s for {what}; the studio says {status}")
        time.sleep(0.01)


def meanwhile(studio: Studio, work: Callable[[], object], what: str) -> None:
    """Do `work` while the studio goes on being polled: one that is not is taken for a window that hangs."""
    thread = Thread(target=work)
    thread.start()
    until(studio, lambda _: not thread.is_alive(), what)
