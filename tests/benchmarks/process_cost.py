"""What a process and its children use: processor time, and memory of their own at its most."""

import contextlib
import threading

import psutil

_PERIOD_S = 0.2


class ProcessCost:
    """Follows a process from a thread of its own until `close`. `peak_bytes` leaves shared pages out."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.peak_bytes = 0
        self.now_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def cpu_s(self) -> float:
        """User and system time so far, that of children included, also of those that have ended."""
        used = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
        return used

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.wait(_PERIOD_S):
            total = 0
            for process in self._family():
                with contextlib.suppress(psutil.NoSuchProcess):
                    memory = process.memory_info()
                    total += memory.rss - memory.shared
            self.now_bytes = total
            self.peak_bytes = max(self.peak_bytes, total)

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []
