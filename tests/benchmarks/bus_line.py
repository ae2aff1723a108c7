"""The emulated servos of `bench_bus` in a process of their own: several lines, each a Koch follower on a pty.

`python -m tests.benchmarks.bus_line '[{"baud": 1000000, "wire_time": true, "delay_us": 0, "usb": "none"}, ...]'` prints
the paths of the ptys as JSON and serves them until its standard input ends. It never sleeps: what it adds to an answer
must be its own work, not the time it takes to wake up.
"""

import json
import os
import select
import sys
from dataclasses import asdict, dataclass

from drivers.arms import KOCH_FOLLOWER
from drivers.clock import MonotonicClock
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.hosts import PtyHost
from drivers.sim.usb_model import USB

MODEL = KOCH_FOLLOWER
_ASIDE_EVERY = 2000  # looks between two at standard input


@dataclass(frozen=True)
class Line:
    """`wire_time` False: everything is answered at once, which shows what the emulation itself costs."""

    baud: int = 1_000_000
    wire_time: bool = True
    delay_us: int = 0
    usb: str = "none"

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def serve(lines: list[Line]) -> None:
    clock = MonotonicClock()
    poller, hosts, paths = select.poll(), {}, []
    for line in lines:
        bus = emulated_arm(MODEL, clock, baud=line.baud, wire_time=line.wire_time, usb=USB[line.usb])
        for servo in bus.servos:
            servo.poke("return_delay_time", line.delay_us // 2)
        host = PtyHost(bus)
        hosts[host.fileno()] = host
        poller.register(host.fileno(), select.POLLIN)
        paths.append(host.client_end())
    print(json.dumps(paths), flush=True)
    busy, asides = None, 0
    while True:
        for fd, _ in poller.poll(0):
            busy = hosts[fd]
            busy.service(clock.now_ns())
        if busy is not None and (due_ns := busy.due_ns()) is not None:
            if clock.now_ns() >= due_ns:
                busy.service(clock.now_ns())
            continue
        asides += 1
        if asides == _ASIDE_EVERY:
            asides = 0
            if select.select([sys.stdin], [], [], 0)[0] and not os.read(0, 1):
                return


if __name__ == "__main__":
    serve([Line(**line) for line in json.loads(sys.argv[1])])
