"""Entry point of the training process: `python -m teleop_studio.processes.trainer_process --run RUN`.

The same module under `accelerate launch` trains on many GPUs and nodes.
"""

import argparse
import sys
from pathlib import Path

from teleop_studio.training.main import run_training


def main() -> int:
    """0 when the run finished or was stopped and kept, 1 when it failed; the run folder says more."""
    parser = argparse.ArgumentParser(description="Train the run in a folder. Started by `teleop-studio train`.")
    parser.add_argument("--run", type=Path, required=True, help="a folder with the config.json of a run")
    parser.add_argument("--cache", type=Path, default=None, help="folder of reduced pictures that runs share")
    parser.add_argument("--helper", action="store_true", help="share the batches of the trainer that starts this")
    options = parser.parse_args()
    return run_training(options.run, options.cache, helper=options.helper)


if __name__ == "__main__":
    sys.exit(main())
