"""A million damaged inputs for the protocol's parser and a million wild ones for the safety gate.

    python -m tests.benchmarks.bench_fuzz [--count 1000000] [--seed 1]

The two run side by side, a process each; the same seed gives the same inputs.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.control.gate_fuzz import fuzz_gate
from tests.drivers.dynamixel.parser_fuzz import fuzz_parser

Fuzz = Callable[[int, int], dict[str, object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs for each of the two")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    jobs: dict[str, Fuzz] = {"parser": fuzz_parser, "safety gate": fuzz_gate}
    print("| of what | inputs | found | s |", "|---|---|---|---|", sep="\n", flush=True)
    with ProcessPoolExecutor(len(jobs), mp_context=get_context("spawn")) as pool:
        running = {name: pool.submit(_timed, fuzz, options.count, options.seed) for name, fuzz in jobs.items()}
        for name, result in running.items():
            found, seconds = result.result()
            told = ", ".join(f"{key} {value}" for key, value in found.items())
            print(f"| {name} | {options.count} | {told} | {seconds:.0f} |", flush=True)


def _timed(fuzz: Fuzz, count: int, seed: int) -> tuple[dict[str, object], float]:
    start_s = time.monotonic()
    found = fuzz(count, seed)
    return found, time.monotonic() - start_s


if __name__ == "__main__":
    main()
