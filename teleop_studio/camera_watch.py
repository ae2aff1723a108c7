"""How fast the pictures of a rig's cameras really come, and what their processes say about them."""

import time
from collections import deque
from collections.abc import Iterable

from teleop_studio.processes.messages import CameraState
from teleop_studio.processes.rings import RigRings
from teleop_studio.status import CameraHealth

_STALE_NS = 2_000_000_000


class CameraWatch:
    """Reads the rings of one rig. `judged` are the cameras of which a process says how they are; others are well."""

    def __init__(self, rings: RigRings, judged: Iterable[str] = ()) -> None:
        self._rings, self._judged = rings, frozenset(judged)
        self._seen: dict[str, deque[tuple[int, int]]] = {name: deque(maxlen=60) for name in rings.frames}

    def health(self, said: dict[str, CameraState]) -> dict[str, CameraHealth]:
        """Frames per second over the last two seconds or so of calls; states as `said` by camera."""
        now_ns = time.monotonic_ns()
        found = {}
        for name, ring in self._rings.frames.items():
            seen = self._seen[name]
            written = ring.written
            if not seen or now_ns - seen[-1][0] > 50_000_000:
                seen.append((now_ns, written))
            span_s = (seen[-1][0] - seen[0][0]) * 1e-9
            fps = (seen[-1][1] - seen[0][1]) / span_s if span_s > 0.2 else 0.0
            newest_ns = ring.newest_stamp_ns()
            age_ns = now_ns - newest_ns if newest_ns else 0
            state, text = self._state(name, said.get(name), age_ns)
            found[name] = CameraHealth(fps, written, age_ns * 1e-6, state, text)
        return found

    def _state(self, name: str, said: CameraState | None, age_ns: int) -> tuple[str, str]:
        if name not in self._judged:
            return "ok", ""
        if said is None:
            return ("ok" if age_ns else "starting"), ""
        if said.state == "ok" and age_ns > _STALE_NS:  # the one who would say so has stopped, too
            return "lost", f"Camera {name} gives no picture any more. Its process does not answer."
        return said.state, said.text
