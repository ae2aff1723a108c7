"""Emulated arms without a scene as a process of their own, which can fail in every way that real ones do."""

import gc
import select
from typing import Any

from drivers.arms import ARMS
from drivers.clock import MonotonicClock
from drivers.sim.emulated_arm import emulated_arm
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.fault_rules import FaultEvent
from drivers.sim.line_events import happen, play, swap_ports
from drivers.sim.tcp_host import TcpHost
from drivers.sim.usb_model import USB
from teleop_studio.processes.child import Pipe, raise_scheduling
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.pair_plan import EventHappened, PairPlan

_LISTEN_NS = 5_000_000


def main(pipe: Pipe, plan: PairPlan, realtime: bool = True) -> None:
    """Serve the arms of `plan` until the supervisor closes the pipe.

    Ready.note carries a line "port path" for each. A `FaultEvent` from the supervisor happens at once.
    """
    raise_scheduling(realtime)
    clock = MonotonicClock()
    lines = {
        port: emulated_arm(ARMS[arm], clock, plan.factory, wire_time=True, usb=USB[plan.usb])
        for port, arm in plan.arms.items()
    }
    hosts = {port: _host(plan, port, line) for port, line in lines.items()}
    gc.collect()
    gc.freeze()
    play(plan.faults, lines, clock, lambda: _swap(hosts))
    pipe.send(Ready("\n".join(f"{port} {host.client_end()}" for port, host in hosts.items())))
    try:
        _serve(pipe, lines, hosts, clock)
    finally:
        for host in hosts.values():
            host.close()


def _host(plan: PairPlan, port: str, line: EmulatedBus) -> Any:
    if plan.folder is None:
        return TcpHost(line)
    from drivers.sim.hosts import PtyHost  # only where the system has pseudo-terminals

    return PtyHost(line, plan.folder / port)


def _swap(hosts: dict[str, Any]) -> None:
    first, second = hosts.values()
    first.bus, second.bus = second.bus, first.bus


def _serve(pipe: Pipe, lines: dict[str, EmulatedBus], hosts: dict[str, Any], clock: MonotonicClock) -> None:
    next_listen_ns = clock.now_ns()
    while True:
        due = [next_listen_ns, *(due for host in hosts.values() if (due := host.due_ns()) is not None)]
        ends = [end for host in hosts.values() if (end := host.fileno()) >= 0]
        if ends:
            select.select(ends, [], [], max(0, min(due) - clock.now_ns()) * 1e-9)
        else:
            clock.sleep_until_ns(min(due))  # Windows does not wait for nothing
        now_ns = clock.now_ns()
        for host in hosts.values():
            host.service(now_ns)
        if now_ns >= next_listen_ns:
            next_listen_ns = now_ns + _LISTEN_NS
            for event in pipe.receive():
                pipe.send(_let_happen(event, lines, hosts, now_ns))


def _let_happen(event: FaultEvent, lines: dict[str, EmulatedBus], hosts: dict[str, Any], now_ns: int) -> EventHappened:
    if event.kind == "swap":
        if len(lines) < 2:
            return EventHappened(event.kind, "There is only one arm, and nothing to swap its port with.")
        swap_ports(lines, now_ns, lambda: _swap(hosts))
        return EventHappened(event.kind)
    try:
        for port, line in lines.items():
            if event.port in ("", port):
                happen(event, line)
    except (ValueError, KeyError) as error:
        return EventHappened(event.kind, str(error.args[0]))
    return EventHappened(event.kind)
