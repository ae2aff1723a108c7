"""The command `sim --leader --follower`: emulated arms without a scene, which may fail by plan or on request."""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from drivers.arms import ARMS
from drivers.sim.fault_rules import FaultPlan, read_event, read_plan
from drivers.sim.usb_model import USB
from teleop_studio.commands.failed import CommandFailed
from teleop_studio.processes.child import Child, ChildFailed
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.pair_plan import EventHappened, PairPlan


def serve_pair(options: argparse.Namespace) -> None:
    """Serve the arms until interrupted; the ports are told at once. With `--events` each line of stdin is an event."""
    with _folder(options.tcp) as folder:
        plan = _plan(options, folder)
        child = Child("arms", "pair_process", (plan,))
        try:
            _tell_ports(child, options.json)
            _until_it_ends(child, _lines_of_stdin() if options.events else SimpleQueue(), options.json)
        finally:
            child.kill()


def _plan(options: argparse.Namespace, folder: Path | None) -> PairPlan:
    arms = {port: arm for port in ("leader", "follower") if (arm := getattr(options, port))}
    for port, arm in arms.items():
        if arm not in ARMS:
            raise CommandFailed(f"No arm is called {arm!r} (--{port}). Known arms: {', '.join(ARMS)}.")
    if options.usb not in USB:
        raise CommandFailed(f"No USB adapter is called {options.usb!r}. Known adapters: {', '.join(USB)}.")
    faults = FaultPlan()
    if options.faults is not None:
        try:
            faults = read_plan(options.faults.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandFailed(f"The fault plan {options.faults} can not be used. {error}") from error
    if any(event.kind == "swap" for event in faults.events) and len(arms) < 2:
        raise CommandFailed("The fault plan swaps the ports of two arms. Give --leader and --follower.")
    return PairPlan(arms, folder, options.factory, options.usb, faults)


@contextmanager
def _folder(tcp: bool) -> Iterator[Path | None]:
    """Where the links to the ptys live; None for TCP."""
    if tcp:
        yield None
        return
    if os.name != "posix":
        raise CommandFailed("This system has no pseudo-terminals. Use --tcp.")
    with tempfile.TemporaryDirectory(prefix="teleop-studio-") as folder:
        yield Path(folder)


def _tell_ports(child: Child, as_json: bool) -> None:
    while True:
        for message in child.receive():
            if isinstance(message, ChildFailed):
                raise CommandFailed(f"The emulated arms did not start. {message.operator}")
            if isinstance(message, Ready):
                ports = dict(line.split(" ", 1) for line in message.note.split("\n"))
                told = [json.dumps(ports)] if as_json else [f"{port:8} {path}" for port, path in ports.items()]
                print("\n".join(told if as_json else [*told, "Ctrl-C ends."]), flush=True)
                return
        time.sleep(0.02)


def _until_it_ends(child: Child, lines: "SimpleQueue[str]", as_json: bool) -> None:
    while child.alive:
        try:
            child.send(read_event(lines.get(timeout=0.02)))
        except Empty:
            pass
        except ValueError as error:
            _tell(EventHappened("", str(error)), as_json)
        for message in child.receive():
            if isinstance(message, ChildFailed):
                raise CommandFailed(f"The emulated arms ended. {message.operator}")
            _tell(message, as_json)
    raise CommandFailed("The emulated arms ended by themselves.")


def _tell(message: EventHappened, as_json: bool) -> None:
    if as_json:
        result: dict[str, Any] = {"event": message.kind} | ({"refused": message.refused} if message.refused else {})
        print(json.dumps(result), flush=True)
    elif message.refused:
        print(message.refused, file=sys.stderr, flush=True)


def _lines_of_stdin() -> "SimpleQueue[str]":
    """Lines as they come. Read past Python's buffer, whose lock a thread must not hold when the program ends."""
    lines: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        rest = b""
        while data := os.read(sys.stdin.fileno(), 4096):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                if line.strip():
                    lines.put(line.decode("utf-8", "replace"))

    threading.Thread(target=read, daemon=True).start()
    return lines
