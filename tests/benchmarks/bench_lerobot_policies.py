"""Ours beside LeRobot's: a training step and a chunk of each, taking turns in one warm process, on random data.

`python -m tests.benchmarks.bench_lerobot_policies [--repeats N] [--threads N] [--large] [--device cuda]` prints one
table, in the rig's shape (7 joints, 2 cameras), each policy with its own pictures, horizon and batch; `--batch` gives
all of them the same. 10 solver steps where there is a solver. Ratios are to our default, in processor time.
`--large` adds Diffusion Policy in the size of its paper: a step of it takes most of a minute on one core.
"""

import argparse

import torch

from tests.benchmarks.policy_timing import Contender, markdown, take_turns

SOLVER_STEPS = 10
OURS = (
    Contender("flow matching (ours, default)", "flow-matching", solver_steps=SOLVER_STEPS),
    Contender("diffusion (ours), DDIM", "diffusion", solver_steps=SOLVER_STEPS),
)
LEROBOTS = (
    Contender("ACT (LeRobot), small", "act", {"preset": "small"}),
    Contender("ACT (LeRobot), its default", "act", {"preset": "default"}),
    Contender("Diffusion Policy (LeRobot), small, DDIM", "diffusion-policy", solver_steps=SOLVER_STEPS),
)
LARGE = Contender(
    "Diffusion Policy (LeRobot), paper, DDPM", "diffusion-policy", {"preset": "paper"}, solver_steps=SOLVER_STEPS
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0, help="the same for all; 0: what each is trained with")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    contenders = (*OURS, *LEROBOTS, *([LARGE] if options.large else []))
    same = [Contender(c.title, c.policy, c.settings, c.config, options.batch, c.solver_steps) for c in contenders]
    costs = take_turns(same, options.repeats, options.device, threads=options.threads)
    print(f"{options.repeats} rounds, {options.threads} torch threads, {options.device}, torch {torch.__version__}\n")
    print(markdown(costs))
    print("\n| policy | train step ms: least | chunk x1 ms: least | x32 ms: least |\n|---|---|---|---|")
    for cost in costs:
        least = [min(timing.wall_ms) for timing in (cost.train, cost.chunk, cost.samples)]
        print(f"| {cost.contender.title} | {least[0]:.0f} | {least[1]:.1f} | {least[2]:.1f} |")


if __name__ == "__main__":
    main()
