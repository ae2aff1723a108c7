"""Commands about what lies on disk and about the installation: verify, repair, migrate, doctor."""

import argparse
from dataclasses import asdict
from typing import Any

from recorders.errors import RecorderError
from recorders.migrate import migrate as migrate_file
from recorders.repair import repair as repair_path
from recorders.verify import episode_files
from recorders.verify import verify as verify_path
from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.doctor import run_checks
from teleop_studio.doctor_devices import servos_on


def verify(options: argparse.Namespace) -> dict[str, Any]:
    """Every fault found; exit code 1 when there is one."""
    if not options.path.exists():
        raise CommandFailed(f"There is no {options.path}. Give an episode file or a folder of episodes.")
    problems = [f"{problem.path.name}: {problem.text}" for problem in verify_path(options.path)]
    for problem in problems:
        say(problem)
    if not problems:
        say(f"{options.path}: no fault found.")
    return {"path": str(options.path), "problems": problems, "failed": bool(problems)}


def repair(options: argparse.Namespace) -> dict[str, Any]:
    """What was done, one sentence each."""
    if not options.path.exists():
        raise CommandFailed(f"There is no {options.path}. Give a folder of episodes, or an episode file.")
    sentences = repair_path(options.path)
    for sentence in sentences:
        say(sentence)
    return {"path": str(options.path), "repaired": sentences}


def migrate(options: argparse.Namespace) -> dict[str, Any]:
    """Which files were brought to the newest format, and why others could not be; exit code 1 when there is one."""
    if not options.path.exists():
        raise CommandFailed(f"There is no {options.path}. Give an episode file or a folder of episodes.")
    files = episode_files(options.path) if options.path.is_dir() else [options.path]
    migrated, problems = [], []
    for path in files:
        try:
            if migrate_file(path):
                migrated.append(path.name)
                say(f"{path.name} has the newest format now; the old file is in the bin.")
        except RecorderError as error:
            problems.append(str(error))
            say(str(error))
    untouched = len(files) - len(migrated) - len(problems)
    say(f"{len(files)} episodes looked at: {len(migrated)} migrated, {untouched} were new enough.")
    return {"path": str(options.path), "migrated": migrated, "problems": problems, "failed": bool(problems)}


def doctor(options: argparse.Namespace) -> dict[str, Any]:
    """All checks, or the servos on one port; exit code 1 when a check fails or nothing answers."""
    if options.port:
        servos, said = servos_on(options.port)
        for text in said:
            say(text)
        return {"port": options.port, "servos": [asdict(servo) for servo in servos], "failed": not servos}
    checks = run_checks(options.workspace)
    for check in checks:
        say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.text}")
        if not check.ok and check.remedy:
            say(f"      {check.remedy}")
    return {
        "checks": [{"name": c.name, "ok": c.ok, "text": c.text, "remedy": c.remedy} for c in checks],
        "failed": not all(check.ok for check in checks),
    }
