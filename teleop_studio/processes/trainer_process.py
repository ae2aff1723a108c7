"""Entry point of the training process: `python -m teleop_studio.processes.trainer_process --run RUN ...`."""

import argparse
import sys
from pathlib import Path

from teleop_studio.training.main import run_training


def main() -> int:
    """0 when the run finished or was stopped and kept, 1 when it failed; the run folder says more."""
    parser = argparse.ArgumentParser(description="Train a policy. Started by the app; use `teleop-studio train`.")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--policy", default="flow-matching")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    return run_training(options.run, options.data, options.policy, options.steps, options.resume, cache=options.cache)


if __name__ == "__main__":
    sys.exit(main())
