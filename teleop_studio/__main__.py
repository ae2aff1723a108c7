"""`teleop-studio`: every step of the app as a subcommand, through the same `Studio` that the window drives."""

import argparse
import importlib
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

# Nothing heavy here: every child process imports this module again.
from teleop_studio.workspace import default_workspace

_FAILURES = (
    "StudioError",
    "DriverError",
    "RecorderError",
    "RigError",
    "WorkspaceError",
    "TrainingError",
    "CheckpointError",
    "CommandFailed",
    "EpisodeMapError",
    "TrialSheetError",
    "RemoteError",
)


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed with a message, 2 wrong usage."""
    options = build_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        result = _command(options.command)(options)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 1
    except Exception as error:
        if not {kind.__name__ for kind in type(error).__mro__} & set(_FAILURES):
            raise
        return _fail(str(error), options.json)
    if options.json:
        print(json.dumps(result, default=str), flush=True)
    return 1 if result.get("failed") else 0


def _fail(text: str, as_json: bool) -> int:
    print(text, file=sys.stderr)
    if as_json:
        print(json.dumps({"error": text}), flush=True)
    return 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _command(name: str) -> Any:
    module, function = _COMMANDS[name]
    return getattr(importlib.import_module(f"teleop_studio.commands.{module}"), function)


_COMMANDS = {
    "gui": ("window", "gui"),
    "demo": ("window", "demo"),
    "sim": ("sim", "sim"),
    "record": ("rig", "record"),
    "rollout": ("rig", "rollout"),
    "stop": ("stop", "stop"),
    "train": ("learn", "train"),
    "evaluate": ("evaluate", "evaluate"),
    "hosts": ("hosts", "hosts"),
    "episodes": ("collection", "episodes"),
    "cache": ("over_episodes", "cache"),
    "survey": ("over_episodes", "survey"),
    "convert": ("over_episodes", "convert"),
    "export": ("transfer", "export"),
    "import": ("transfer", "import_data"),
    "verify": ("files", "verify"),
    "repair": ("files", "repair"),
    "migrate": ("files", "migrate"),
    "doctor": ("files", "doctor"),
    "setup": ("setup", "setup"),
    "servos": ("servos", "servos"),
}


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="teleop-studio",
        description="Record, train, deploy and compare robot-arm policies. Without a command: the window.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_window(commands)
    _add_rig(commands)
    _add_learn(commands)
    _add_hosts(commands)
    _add_episodes(commands)
    _add_over_episodes(commands)
    _add_transfer(commands)
    _add_files(commands)
    _add_setup(commands)
    parser.set_defaults(command="gui", **_GUI_DEFAULTS)
    return parser


_GUI_DEFAULTS: dict[str, Any] = {"rig": "simulated", "workspace": default_workspace(), "json": False, "seed": 0}


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    return parser


def _rig(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rig",
        default="simulated",
        help='a rig file (TOML), a name in WORKSPACE/rigs, "simulated" (default), "simulated-fork" or '
        '"simulated-fork-close"',
    )
    _workspace(parser)


def _workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workspace",
        type=Path,
        default=default_workspace(),
        help="the folder for rigs, episodes, runs and trials (default: %(default)s)",
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: at least 1")
    return value


def _add_window(commands: Any) -> None:
    gui = _add(commands, "gui", "Open the window.")
    _rig(gui)
    gui.add_argument("--seed", type=int, default=0, help="first layout of the simulated scene")
    demo = _add(commands, "demo", "Record, train, deploy and try, unattended, on the simulated rig.")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder for report.html and the workspace")
    demo.add_argument("--fast", action="store_true", help="record and try in lock-step instead of real time")
    demo.add_argument("--demonstrations", type=_count, default=None, help="how many (default: 44; fast: 60)")
    demo.add_argument("--steps", type=_count, default=None, help="training steps (default: 3500; lesson: 3000)")
    demo.add_argument("--trials", type=_count, default=None, help="starts to try (default: 30; lesson: 40)")
    demo.add_argument("--seed", type=int, default=0, help="first layout of the demonstrations")
    lesson = demo.add_argument_group("the lesson: why not average?")
    lesson.add_argument("--lesson", action="store_true", help="compare mean regression and flow matching, no window")
    lesson.add_argument("--scene", choices=("fork", "fork-close"), default="fork", help="where (default: %(default)s)")
    lesson.add_argument("--pairs", type=_count, default=None, help="layouts, each from both sides (default: 30)")
    lesson.add_argument("--seeds", type=_count, default=1, help="trainings of each policy (default: %(default)s)")


def _add_rig(commands: Any) -> None:
    _add_sim(commands)
    record = _add(commands, "record", "Record demonstrations: by hand with Enter and d, or by the scripted operator.")
    _rig(record)
    count = record.add_mutually_exclusive_group(required=True)
    count.add_argument("--episodes", type=_count, help="how many to keep")
    count.add_argument("--pairs", type=_count, help="how many layouts, each from the left and from the right")
    record.add_argument("--scripted", action="store_true", help="let the scripted operator move the simulated leader")
    record.add_argument("--fast", action="store_true", help="with --scripted: in lock-step, faster than real time")
    record.add_argument("--out", type=Path, default=None, help="folder for the episodes (default: WORKSPACE/episodes)")
    record.add_argument("--task", default="", help="what is done, in words")
    record.add_argument("--operator", default=None, help="who records (default: who did last in this workspace)")
    record.add_argument("--seed", type=int, default=0, help="first layout of the simulated scene")
    rollout = _add(commands, "rollout", "Let a trained run drive the follower once, in real time.")
    _rig(rollout)
    rollout.add_argument("--run", type=Path, required=True, help="folder of the run")
    rollout.add_argument("--seed", type=int, default=1000, help="layout of the simulated scene")
    stop = _add(commands, "stop", "STOP past the window: the arms of all open rigs of this user hold where they are.")
    stop.add_argument("--torque-off", action="store_true", help="take their torque off: hold the arms, they fall")


def _add_sim(commands: Any) -> None:
    sim = _add(commands, "sim", "Run only simulated arms, each on a port of its own, until interrupted.")
    sim.add_argument("--pty", action="store_true", help="put leader and follower on pseudo-terminals (the default)")
    sim.add_argument("--scene", default="bottle", help="bottle, fork or fork-close")
    sim.add_argument("--seed", type=int, default=0, help="layout of the scene")
    arms = sim.add_argument_group("arms without a scene")
    arms.add_argument("--leader", default="", metavar="ARM", help="any arm that Studio knows, such as koch-leader")
    arms.add_argument("--follower", default="", metavar="ARM", help="likewise; one of the two is enough")
    arms.add_argument("--tcp", action="store_true", help="put them on TCP ports of this computer instead")
    arms.add_argument("--factory", action="store_true", help="servos as out of the box: all with id 1, at 57600 baud")
    arms.add_argument("--usb", default="none", help="adapter: none (default), cdc, cdc-highspeed, ftdi1 or ftdi16")
    arms.add_argument("--faults", type=Path, default=None, metavar="FILE", help="what goes wrong, and when (TOML)")
    arms.add_argument("--events", action="store_true", help='take events from stdin, as in "follower put elbow 0.3"')


def _add_learn(commands: Any) -> None:
    train = _add(commands, "train", "Train a policy on recorded demonstrations; Ctrl-C stops and keeps.")
    _workspace(train)
    train.add_argument("--data", type=Path, action="append", help="folder of episodes (default: WORKSPACE/episodes)")
    train.add_argument("--policy", default="flow-matching", help="which policy (default: %(default)s)")
    train.add_argument("--steps", type=_count, default=None, help="optimiser steps (default: what suits the policy)")
    train.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="a setting of the policy, such as width=128; repeatable"
    )
    train.add_argument(
        "--train-set", action="append", metavar="NAME=VALUE", help="a setting of the training, such as batch=32"
    )
    train.add_argument("--weights", type=Path, default=None, help="folder of pretrained weights to start from")
    train.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 or mps")
    train.add_argument("--processes", type=_count, default=None, help="that share each batch (default: chosen)")
    train.add_argument("--seed", type=int, default=0, help="of weights, batches and noise (default: %(default)s)")
    train.add_argument("--host", default="", help="a training host of the workspace (default: this computer)")
    train.add_argument(
        "--out", type=Path, default=None, help="folder of the run (default: a new one in WORKSPACE/runs)"
    )
    train.add_argument("--resume", action="store_true", help="go on with the run --out; more --steps lengthen it")
    _add_evaluate(commands)


def _add_evaluate(commands: Any) -> None:
    evaluate = _add(commands, "evaluate", "Try runs from unseen starts of the simulated rig, and compare them.")
    _rig(evaluate)
    evaluate.add_argument("--run", type=Path, action="append", help="folder of a run or checkpoint; may be repeated")
    evaluate.add_argument("--trials", type=_count, default=30, help="starts for each run (default: %(default)s)")
    evaluate.add_argument("--seed", type=int, default=None, help="first start (default: 1000, tried again and again)")
    evaluate.add_argument("--final", action="store_true", help="from the starts for the last word; look once")
    evaluate.add_argument("--seen-starts", action="store_true", help="also from starts that a run was trained on")
    evaluate.add_argument("--checkpoints", action="store_true", help="each checkpoint of the runs; the best is played")
    evaluate.add_argument("--table", action="store_true", help="the table of policies; without --run of all trials")
    evaluate.add_argument("--baseline", default="", metavar="RUN", help="what the others are compared with")
    shifts = "dim, bright, camera-1-degree, clutter, bottle-20-mm"
    evaluate.add_argument("--shift", default="", metavar="NAME", help=f"what is not as it was recorded: {shifts}")
    evaluate.add_argument("--live", action="store_true", help="in real time on the live rig instead of in lock-step")
    evaluate.add_argument("--no-episodes", action="store_true", help="do not record the trials: several times faster")
    evaluate.add_argument("--executed-steps", type=_count, default=None, help="K (default: the run's own)")
    evaluate.add_argument("--ensembling", action="store_true", help="a chunk at every step, and their mean over time")
    evaluate.add_argument("--solver-steps", type=_count, default=None, help="S (default: the run's own)")


def _add_action(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    # Without a default of its own it leaves what was said before the action as it is.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as of the command")
    return parser


def _add_hosts(commands: Any) -> None:
    group = _add(commands, "hosts", "Machines that train for this workspace, with nothing but ssh and rsync.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = _add_action(actions, "list", "All that are known.")
    add = _add_action(actions, "add", "Note a machine that ssh reaches without a password, and look at it.")
    check = _add_action(actions, "check", "Look at a machine: can it train, on what, with how much room?")
    remove = _add_action(actions, "remove", "Forget a machine; what lies on it stays there.")
    for parser in (listed, add, check, remove):
        _workspace(parser)
    for parser in (add, check, remove):
        parser.add_argument("name", help="what it is called here")
    add.add_argument("address", help="user@machine, or a name of the ssh configuration")
    add.add_argument("--folder", default="teleop-studio", help="where it works, from its home (default: %(default)s)")
    add.add_argument("--python", default="", help="an interpreter there (default: look for Python 3.12 or newer)")
    add.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:1 or mps")
    add.add_argument("--port", type=int, default=0, help="of its ssh server (default: the usual one)")
    add.add_argument("--identity", default="", metavar="FILE", help="private key here (default: those ssh takes)")


def _add_episodes(commands: Any) -> None:
    group = _add(commands, "episodes", "List episodes, say something about them, put them away and back, trim them.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = _add_action(actions, "list", "All episodes of a folder, with what looks odd about them.")
    listed.add_argument("--task", help="only those with this text in their task")
    listed.add_argument("--outcome", action="append", help="only such episodes; may be repeated")
    listed.add_argument("--tag", action="append", default=[], help="only those with this tag; may be repeated")
    listed.add_argument("--odd", action="store_true", help="only those with a hint or a problem")
    listed.add_argument("--bin", action="store_true", help="what lies in the bin")
    for parser in (
        listed,
        _add_action(actions, "statistics", "Of all episodes of a folder together; reads none of them."),
    ):
        parser.add_argument("folder", type=Path, nargs="?", help="default: WORKSPACE/episodes")
        _workspace(parser)
    label = _add_action(actions, "label", "Give episodes another outcome; the files stay as they were recorded.")
    label.add_argument("outcome", choices=("success", "failure", "unrated", "interrupted", "stopped"))
    tag = _add_action(actions, "tag", "Give episodes a tag.")
    tag.add_argument("tag", help="a short text")
    tag.add_argument("--remove", action="store_true", help="take the tag away")
    note = _add_action(actions, "note", "Give episodes a note.")
    note.add_argument("text", help='"" takes the note away')
    split = _add_action(actions, "split", "Say which episodes a training learns from and which it only measures with.")
    split.add_argument("split", choices=("train", "held_out", "none"), help="none leaves it to the training")
    for parser in (label, tag, note, split):
        parser.add_argument("--who", default="", help="who says so")
    put_away = _add_action(actions, "bin", "Put episodes into the bin beside them. Nothing is deleted.")
    restore = _add_action(actions, "restore", "Put episodes of the bin back under their own names.")
    for parser in (label, tag, note, split, put_away, restore):
        parser.add_argument("paths", type=Path, nargs="+", metavar="EPISODE", help="episode files")
    trim = _add_action(actions, "trim", "Keep a part of an episode as a new one; nothing is encoded again.")
    trim.add_argument("path", type=Path, metavar="EPISODE", help="the original goes to the bin")
    trim.add_argument("--start", type=float, help="s after its first tick (default: when the first motion begins)")
    trim.add_argument("--end", type=float, help="s after its first tick (default: when the last motion ends)")


def _add_over_episodes(commands: Any) -> None:
    cache = _add(
        commands, "cache", "Reduce the pictures of demonstrations ahead of a training, which then starts at once."
    )
    cache.add_argument("--picture-px", type=_count, default=64, help="side of the reduced pictures (default: 64)")
    survey = _add(commands, "survey", "Look through recorded episodes: statistics, hints and thumbnails.")
    convert = _add(commands, "convert", "Write each demonstration as a dataset of its own, several at a time.")
    convert.add_argument("--format", required=True, help="as of `export`")
    convert.add_argument("--out", type=Path, required=True, help="folder for the datasets")
    convert.add_argument("--fps", type=_count, default=0, help="rows per second (default: those of the fastest camera)")
    for parser in (cache, survey, convert):
        _workspace(parser)
        parser.add_argument("--data", type=Path, action="append", help="folder (default: WORKSPACE/episodes)")
        parser.add_argument("--workers", type=_count, default=1, help="episodes at a time (default: %(default)s)")
        parser.add_argument(
            "--engine",
            choices=("processes", "ray", "serial"),
            default="processes",
            help="what runs the workers: processes of this machine (default), Ray, or this process alone",
        )
        parser.add_argument("--address", default="", help="of a running Ray cluster (default: RAY_ADDRESS, else here)")


def _add_transfer(commands: Any) -> None:
    export = _add(commands, "export", "Write episodes in the format of another program.")
    _workspace(export)
    export.add_argument("--format", required=True, help="lerobot, robomimic, act, act-jpeg or plain")
    export.add_argument(
        "--data", type=Path, nargs="+", help="episode files and folders of them (default: WORKSPACE/episodes)"
    )
    export.add_argument("--out", type=Path, required=True, help="a new folder")
    export.add_argument("--fps", type=_count, default=0, help="rows per second (default: those of the fastest camera)")
    export.add_argument(
        "--outcome",
        action="append",
        choices=("success", "failure", "unrated", "interrupted", "stopped"),
        help="only such episodes; may be repeated (default: those that a training would learn from)",
    )
    data = _add(commands, "import", "Make episodes of another program's data.")
    _workspace(data)
    data.add_argument("--format", required=True, help="lerobot, robomimic or act (ACT, ALOHA, ACT++)")
    data.add_argument("--data", type=Path, required=True, help="the file or folder of the other program")
    data.add_argument("--out", type=Path, default=None, help="folder for the episodes (default: WORKSPACE/episodes)")
    data.add_argument("--unit", default="", help="of the positions, where the data do not say it: rad, deg or percent")
    data.add_argument("--task", default="", help="what is done, in words, where the data do not say it")
    data.add_argument("--fps", type=float, default=0.0, help="rows per second, where the data do not say it")
    data.add_argument("--source", default="human", help="who drove: human (default), scripted, policy or mixed")
    data.add_argument("--state", action="append", default=[], help="robomimic: key of the measured joints; repeatable")


def _add_files(commands: Any) -> None:
    verify = _add(commands, "verify", "Check an episode, or all episodes of a folder.")
    verify.add_argument("path", type=Path)
    repair = _add(commands, "repair", "Finish what a crash left behind in a folder of episodes.")
    repair.add_argument("path", type=Path)
    migrate = _add(commands, "migrate", "Bring episodes of an older format to the newest; the old files go to the bin.")
    migrate.add_argument("path", type=Path)
    doctor = _add(commands, "doctor", "Check this installation: packages, graphics, scheduling, ports, cameras.")
    doctor.add_argument("--port", help="list only the servos on this port, by baud rate")
    _workspace(doctor)


def _add_setup(commands: Any) -> None:
    group = _add(commands, "setup", "Set a rig up: find arms and cameras, give ids, calibrate, write the rig file.")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    scan = _add_action(actions, "scan", "Which servos answer on which port, and which arm they are.")
    scan.add_argument("--all-bauds", action="store_true", help="every rate and id, also once an arm was found")
    identify = _add_action(actions, "identify", "Which arm is moved by hand. Torque goes off: support the arms.")
    identify.add_argument("--seconds", type=float, default=60.0, help="how long to wait (default: %(default)s)")
    for parser in (scan, identify):
        parser.add_argument("--port", action="append", help="a port or socket://host:port; may be repeated")
    calibrate = _add_action(actions, "calibrate", "Calibrate an arm by hand, step by step; writes LeRobot's file.")
    calibrate.add_argument("--role", choices=("leader", "follower"), required=True)
    servos = _add_action(actions, "servos", "Make factory servos an arm, connected one at a time.")
    for parser in (calibrate, servos):
        parser.add_argument("--arm", required=True, help="such as koch-follower")
    set_id = _add_action(actions, "set-id", "Give a servo another id.")
    set_id.add_argument("--id", type=int, required=True)
    set_id.add_argument("--new-id", type=int, required=True)
    set_baud = _add_action(actions, "set-baud", "Bring servos to another baud rate.")
    set_baud.add_argument("--id", type=int, action="append", help="may be repeated (default: all on the port)")
    set_baud.add_argument("--baud", type=int, default=1_000_000, help="default: %(default)s")
    for parser in (calibrate, servos, set_id, set_baud):
        parser.add_argument("--port", required=True, help="as `setup scan` lists it")
    cameras = _add_action(actions, "cameras", "The USB cameras: what goes into a rig file, and their modes.")
    lerobot = _add_action(actions, "lerobot", "An arm that LeRobot drives, as a section of a rig file. Moves nothing.")
    lerobot.add_argument("--role", choices=("leader", "follower"), required=True)
    lerobot.add_argument("--type", help="as on LeRobot's command line, such as koch_follower; without: list them all")
    lerobot.add_argument("--option", action="append", metavar="NAME=VALUE", help="of that type; may be repeated")
    save = _add_action(actions, "save", "Write a rig file into the workspace.")
    save.add_argument("name", help="of the rig")
    for role in ("leader", "follower"):
        save.add_argument(f"--{role}", required=True, metavar="ARM", help="such as koch-" + role)
        save.add_argument(f"--{role}-port", required=True, metavar="PORT")
        save.add_argument(f"--{role}-calibration", type=Path, metavar="FILE", help="ours or LeRobot's")
    save.add_argument("--camera", action="append", metavar="NAME=DEVICE,WxH@FPS", help="may be repeated")
    for parser in (scan, identify, calibrate, servos, set_id, set_baud, cameras, lerobot, save):
        _workspace(parser)
    _rig(_add(commands, "servos", "How hot, loaded and healthy the servos of a real rig are. Moves nothing."))


if __name__ == "__main__":
    sys.exit(main())
