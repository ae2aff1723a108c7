"""How fast and at what cost six servos are read and driven over one line: ours, LeRobot's bus, plain dynamixel_sdk.

    python -m tests.benchmarks.bench_bus [--seconds S] [--rounds N] [--baud B] [--only none,delay,ftdi]

All talk to the same emulated servos (2 XL430, 4 XL330; a process of its own, over ptys, with the wire's time), in turns
of short blocks, so that whatever else the machine does falls on all of them. Rates are medians over the blocks; what
failed (on a busy machine the emulation itself may be late) is counted. The limit of the wire, which nobody can beat, is

    t = 10 bits x (bytes out + bytes back) / baud + answers x (return delay + 20 us)

where 20 us is the emulation's gap between two packets. What the emulation itself needs is shown in a row of its own:
the same reads with answers that take no time.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np

from tests.benchmarks.bus_line import Line

ROOT = Path(__file__).parents[2]
SERVOS = 6
GAP_S = 20e-6
FAST, PLAIN, THREE, POSITION = "ours, fast read", "ours, plain read", "LeRobot, three reads", "LeRobot, position only"
VARIANTS = (
    FAST,
    PLAIN,
    "SDK GroupSyncRead",
    "SDK Fast Sync Read",
    "SDK GroupSyncRead, our port",
    "SDK Fast Sync Read, our port",
    THREE,
    POSITION,
)
SETTINGS = {
    "none": ("return delay 0", Line()),
    "delay": ("return delay 500 us", Line(delay_us=500)),
    "ftdi": ("return delay 0, FTDI adapter at 1 ms", Line(usb="ftdi1")),
}
_OUT, _STATUS, _FAST_HEAD, _FAST_SLOT = 14 + SERVOS, 11, 8, 4
_GOALS = 14 + 5 * SERVOS


@dataclass
class Measured:
    """All blocks of one variant and operation."""

    times_us: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    failed: int = 0

    def add(self, block: dict[str, Any]) -> None:
        self.failed += block["failed"]
        if not (count := len(block["times_ns"])):
            return
        self.times_us += [time_ns * 1e-3 for time_ns in block["times_ns"]]
        self.rates.append(count / block["wall_s"])
        self.cpu_us.append(block["cpu_s"] / count * 1e6)

    @property
    def rate(self) -> float:
        return float(np.median(self.rates))

    @property
    def cpu(self) -> float:
        return float(np.median(self.cpu_us))


class Client:
    """One process of `bus_client`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.bus_client"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, **wish: object) -> dict[str, Any]:
        stdin, stdout = _pipes(self._process)
        stdin.write(json.dumps(wish) + "\n")
        answer = stdout.readline()
        if not answer:
            raise RuntimeError(f"{wish['variant']} failed; its traceback is above")
        return dict(json.loads(answer))

    def close(self) -> None:
        self._process.communicate()


def limit_s(variant: str, operation: str, line: Line) -> float:
    """Seconds that the bytes of one operation need on the wire; see the module's docstring."""
    wait_s = line.delay_us * 1e-6 + GAP_S
    if variant in (THREE, POSITION):
        sizes = (4, 4, 2) if variant == THREE else (4,)
        count = sum(_OUT + SERVOS * (_STATUS + size) for size in sizes)
        answers = len(sizes) * SERVOS
    elif "ast" in variant.split(",")[-1] or "Fast" in variant:
        count, answers = _OUT + _FAST_HEAD + SERVOS * (_FAST_SLOT + 10), 1
    else:
        count, answers = _OUT + SERVOS * (_STATUS + 10), SERVOS
    if operation == "cycle":
        count += _GOALS
    return 10 * count / line.baud + answers * wait_s


def measure(line: Line, seconds: float, rounds: int) -> dict[tuple[str, str], Measured]:
    """Every variant and operation on a line of its own, in turns; `("emulation", "read")` without the wire's time."""
    bare = Line(line.baud, wire_time=False)
    lines = [line] * len(VARIANTS) + [bare]
    command = [sys.executable, "-m", "tests.benchmarks.bus_line", json.dumps([each.as_json() for each in lines])]
    servos = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    paths = json.loads(_pipes(servos)[1].readline())
    clients = {True: Client(), False: Client()}
    work = [(variant, operation, path) for variant, path in zip(VARIANTS, paths, strict=False) for operation in _BOTH]
    work.append(("emulation", "read", paths[-1]))
    found = {(variant, operation): Measured() for variant, operation, _ in work}
    try:
        for turn in range(rounds + 1):
            for variant, operation, path in work:
                block = clients[variant in (THREE, POSITION)].run(
                    variant=FAST if variant == "emulation" else variant,
                    operation=operation,
                    path=path,
                    baud=line.baud,
                    delay_us=line.delay_us,
                    seconds=seconds,
                )
                if turn:  # the first one warms up
                    found[variant, operation].add(block)
    finally:
        for client in clients.values():
            client.close()
        servos.communicate()
    return found


_BOTH = ("read", "cycle")


def table(found: dict[tuple[str, str], Measured], line: Line) -> list[str]:
    rows = [
        "| | per second | of the wire's limit | p50 us | p99 us | CPU us each | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for (variant, operation), measured in found.items():
        share = f"{measured.rate * limit_s(variant, operation, line):.0%}"
        p50, p99 = np.percentile(measured.times_us, (50, 99))
        name = f"{operation}: {variant}" if variant != "emulation" else "emulation alone, answers in no time"
        rows.append(
            f"| {name} | {measured.rate:.0f} | {share if variant != 'emulation' else '-'} | {p50:.0f} | {p99:.0f} | "
            f"{measured.cpu:.0f} | {measured.failed} |"
        )
    return rows


def ratios(found: dict[tuple[str, str], Measured], line: Line) -> list[str]:
    rows = ["| same run | ours / the wire's limit | ours / LeRobot, rate | LeRobot / ours, CPU |", "|---|---|---|---|"]
    for operation in _BOTH:
        own, other = found[FAST, operation], found[THREE, operation]
        share = own.rate * limit_s(FAST, operation, line)
        rows.append(f"| {operation} | {share:.0%} | {own.rate / other.rate:.1f} x | {other.cpu / own.cpu:.0f} x |")
    return rows


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a block")
    parser.add_argument("--rounds", type=int, default=8, help="blocks of each")
    parser.add_argument("--baud", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(SETTINGS), help="settings, comma separated")
    options = parser.parse_args()
    print(f"dynamixel_sdk {version('dynamixel-sdk')}, lerobot {version('lerobot')}, {options.baud} baud, 6 servos")
    for name in options.only.split(","):
        title, setting = SETTINGS[name]
        line = Line(options.baud, setting.wire_time, setting.delay_us, setting.usb)
        found = measure(line, options.seconds, options.rounds)
        print(f"\n{title}\n")
        print("\n".join([*table(found, line), "", *ratios(found, line)]), flush=True)


if __name__ == "__main__":
    main()
