"""The lesson's full protocol (docs/decisions/0030): 40 pairs, 3 trainings of each policy, 100 paired starts each.

    python -m tests.benchmarks.bench_lesson --out OUT --steps N [--data EPISODES] [--runs RUN --runs RUN ...]

`--data` takes demonstrations that are recorded already (`teleop-studio record --rig simulated-fork --scripted --fast
--pairs 40 --seed 10000`), `--runs` runs that are trained already (`teleop-studio train`), told apart by their policy
and seed. What is missing is done here; cut off, the same command goes on. Writes lesson.png, lesson.json, report.html.
"""

import argparse
import json
from pathlib import Path

from teleop_studio.commands.lesson import run_lesson
from teleop_studio.lesson_plan import LessonPlan
from teleop_studio.training.run_folder import read_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scene", default="fork")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, action="append", default=[])
    options = parser.parse_args()
    plan = LessonPlan(options.scene, options.pairs, options.steps, options.trials, options.seeds)
    numbers = run_lesson(plan, options.out.resolve(), options.data, _by_policy_and_seed(options.runs))
    print(json.dumps(numbers, indent=1))
    print("\n".join(_table(numbers)))


def _by_policy_and_seed(runs: list[Path]) -> dict[tuple[str, int], Path]:
    found = {}
    for run in runs:
        settings = read_config(run.resolve()).settings
        found[settings.policy, settings.seed] = run.resolve()
    return found


def _table(numbers: dict[str, object]) -> list[str]:
    rows = ["| seed | mean regression | flow matching | only flow / only mean, McNemar p |", "|---|---|---|---|"]
    table = numbers["table"]
    assert isinstance(table, list)
    for row in table:
        cells = [_cell(row[policy]) for policy in ("mean-regression", "flow-matching")]
        paired = row["paired"]
        test = f"{paired['only_second']} / {paired['only_first']}, {paired['p_value']:.2g}"
        rows.append(f"| {row['seed']} | {cells[0]} | {cells[1]} | {test} |")
    return rows


def _cell(run: dict[str, object]) -> str:
    low, high = run["interval"]  # type: ignore[misc]
    return f"{run['successes']}/{run['trials']} ({100 * low:.0f}-{100 * high:.0f} %), L {run['left']} R {run['right']}"


if __name__ == "__main__":
    main()
