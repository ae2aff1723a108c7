"""Emulated servo lines in a process of their own: `python -m tests.drivers.lerobot.servo_lines LINES`.

LeRobot wants every answer within 34 ms; a thread beside it could not promise that. `LINES` is JSON: a list of lines,
each a list of [id, model]. Told on standard output: the lines' ptys. Asked on standard input, one JSON object a line:
{"line": 0, "put": {"1": 0.5}} turns shafts (servo rad), {"line": 0, "peek": "torque_enable"} reads a register of each
servo, {"line": 0, "drop": 3, "count": 2} loses replies, {"line": 0, "unplug": true} pulls the cable. Each is answered.
"""

import json
import os
import select
import subprocess
import sys
from typing import Any

from drivers.clock import MonotonicClock
from drivers.sim.emulated_bus import EmulatedBus
from drivers.sim.hosts import PtyHost
from drivers.sim.plant import FreeShaft
from drivers.sim.servo import EmulatedServo
from teleop_studio.processes.child import raise_scheduling

Servos = list[tuple[int, str]]


class ServoLines:
    """The process as a test sees it."""

    def __init__(self, *lines: Servos) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.lerobot.servo_lines", json.dumps(lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.ports: list[str] = self._answer()

    def put(self, line: int, shafts: dict[int, float]) -> None:
        """Turn shafts, servo rad from the middle of their turn (2048 ticks)."""
        self._ask({"line": line, "put": shafts})

    def peek(self, line: int, register: str) -> dict[int, int]:
        return {int(servo): value for servo, value in self._ask({"line": line, "peek": register}).items()}

    def poke(self, line: int, register: str, values: dict[int, int]) -> None:
        """Set a register past all rules, as the factory would."""
        self._ask({"line": line, "poke": register, "values": values})

    def drop(self, line: int, servo: int, count: int) -> None:
        """Lose the next `count` replies of one servo."""
        self._ask({"line": line, "drop": servo, "count": count})

    def unplug(self, line: int) -> None:
        self._ask({"line": line, "unplug": True})

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class _Line:
    def __init__(self, servos: Servos) -> None:
        clock = MonotonicClock()
        self.shafts = {servo_id: FreeShaft() for servo_id, _ in servos}
        emulated = [EmulatedServo(servo_id, model, self.shafts[servo_id], clock) for servo_id, model in servos]
        self.bus = EmulatedBus(emulated, clock)
        self.host = PtyHost(self.bus)

    def act(self, question: dict[str, Any]) -> Any:
        match question:
            case {"put": shafts}:
                for servo_id, angle in shafts.items():
                    self.shafts[int(servo_id)].put(angle)
            case {"peek": register}:
                return {servo.servo_id: servo.peek(register) for servo in self.bus.servos}
            case {"poke": register, "values": values}:
                for servo_id, value in values.items():
                    self.bus.servo(int(servo_id)).poke(register, value)
            case {"drop": servo_id, "count": count}:
                self.bus.faults.drop_replies(servo_id, count)
            case {"unplug": _}:
                self.bus.faults.unplug()
        return None


def _serve(lines: list[_Line]) -> None:
    clock = MonotonicClock()
    asked = b""
    while True:
        hosts = {line.host.fileno(): line.host for line in lines if line.host.fileno() >= 0}
        busy = any(host.due_ns() is not None for host in hosts.values())
        ready, _, _ = select.select([0, *hosts], [], [], 0.0 if busy else 0.05)
        for host in hosts.values():
            host.service(clock.now_ns())
        if 0 not in ready:
            continue
        piece = os.read(0, 1 << 16)
        if not piece:
            return
        *questions, asked = (asked + piece).split(b"\n")
        for text in questions:
            question = json.loads(text)
            print(json.dumps(lines[question["line"]].act(question)), flush=True)


if __name__ == "__main__":
    raise_scheduling()  # real servos do not wait for a busy machine
    served = [_Line([(int(servo_id), model) for servo_id, model in line]) for line in json.loads(sys.argv[1])]
    print(json.dumps([line.host.client_end() for line in served]), flush=True)
    _serve(served)
