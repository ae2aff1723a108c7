"""What one control tick costs, beside a fixed piece of numpy work in the same run: the ratios hold on any machine.

`python -m tests.benchmarks.bench_control_tick [ROUNDS]`
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from drivers.arms import STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.clock import ManualClock
from teleop_studio.control.loop import ControlLoop
from teleop_studio.control.safety import SafetyGate
from teleop_studio.control.sources import LeaderSource
from tests.control.arms import HOME, MemoryFollower, MemoryLeader
from tests.control.side import Side

CALLS = 200
PERIOD_S = 0.01


def reference() -> Callable[[], object]:
    """One solve of a 64 x 64 system: some tens of microseconds of one thread, no Python to speak of."""
    matrix = np.random.default_rng(0).normal(size=(64, 64)) + 64 * np.eye(64)
    right = np.ones(64)
    return lambda: np.linalg.solve(matrix, right)


def gate() -> Callable[[], object]:
    """The safety gate alone, following a moving request."""
    gate = SafetyGate(STUDIO_FOLLOWER)
    gate.engage(HOME)
    goals = [HOME + 0.3 * np.sin(k / 50) for k in range(314)]
    calls = iter(range(sys.maxsize))
    return lambda: gate.limit(goals[next(calls) % 314], None, 0, PERIOD_S)


def loop_in_memory() -> Callable[[], object]:
    """Gate and loop, with arms that cost nothing."""
    clock = ManualClock()
    return _ticking(ControlLoop(MemoryLeader(clock), MemoryFollower(clock), SafetyGate(STUDIO_FOLLOWER), clock))


def loop_on_servos() -> Callable[[], object]:
    """The whole tick and, at the other end of the bytes, fourteen emulated servos."""
    clock = ManualClock()
    leader, follower = Side.connected(STUDIO_LEADER, clock), Side.connected(STUDIO_FOLLOWER, clock)
    return _ticking(ControlLoop(leader.arm, follower.arm, SafetyGate(STUDIO_FOLLOWER), clock))


def _ticking(loop: ControlLoop) -> Callable[[], object]:
    loop.engage(LeaderSource())
    return lambda: loop.tick(loop.wait())


def main(rounds: int = 15) -> None:
    work = {"reference": reference(), "gate": gate(), "loop": loop_in_memory(), "loop on servos": loop_on_servos()}
    times_us: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        # Turn and turn about, so that whatever else the machine does falls on all of them.
        for name, call in work.items():
            start = time.perf_counter_ns()
            for _ in range(CALLS):
                call()
            times_us[name].append((time.perf_counter_ns() - start) / CALLS / 1000)
    best = {name: min(values) for name, values in times_us.items()}
    typical = {name: float(np.median(values)) for name, values in times_us.items()}
    cells = [
        f"{best[name]:.0f} us ({typical[name]:.0f}), {best[name] / best['reference']:.1f} x" for name in list(work)[1:]
    ]
    print("| one control tick, best (median), x of a 64 x 64 solve | gate | gate + loop | with both emulated buses |")
    print(f"| solve {best['reference']:.0f} us ({typical['reference']:.0f}) | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
