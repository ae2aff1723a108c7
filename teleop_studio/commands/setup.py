"""The command `setup`: what the Set-up page does, on the command line; the same set-up process does the work."""

import argparse
import re
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from math import isnan
from typing import Any

from teleop_studio.commands.driving import CommandFailed, say
from teleop_studio.commands.lerobot import lerobot_arm
from teleop_studio.rig import RigConfig
from teleop_studio.rig_setup import ROLES, RigSetup
from teleop_studio.setup_status import CalibrationView, FoundPort, SetupStatus
from teleop_studio.workspace import Workspace

_PATIENCE_S = 120.0
_MOVED_TURNS = 0.1
_CAMERA = re.compile(r"(?P<name>\w+)=(?P<device>.+?)(,(?P<width>\d+)x(?P<height>\d+)(@(?P<fps>[\d.]+))?)?")


def setup(options: argparse.Namespace) -> dict[str, Any]:
    """One of the actions; every wait ends with what was found or with a sentence."""
    return _ACTIONS[options.action](options)


def _scan(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        ports = _scanned(rig, options)
    for port in ports:
        _tell(port)
    if not ports:
        say("There is no USB serial port. Plug the arms in, or name another port with --port.")
    return {"ports": [asdict(port) for port in ports]}


def _identify(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        _scanned(rig, options)
        rig.identify(True)
        _settled(rig)
        say("The arms are limp: support them. Now move one arm by hand.")
        status = _until(
            rig, lambda status: any(port.moved > _MOVED_TURNS for port in status.ports), options.seconds, "No arm moved"
        )
        moved = max(status.ports, key=lambda port: port.moved)
    say(f"The arm on {moved.path} moves: {', '.join(moved.fits) or 'no arm that is known'}.")
    return {"port": moved.path, "fits": moved.fits, "fingerprint": moved.fingerprint}


def _calibrate(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        _choose(rig, options.role, options.arm, options.port)
        rig.start_calibration(options.role)
        view = _walk(rig)
        status = _settled(rig)
    choice = status.leader if options.role == "leader" else status.follower
    say(f"Written: {view.path}")
    return {"calibration": view.path, "fingerprint": choice.fingerprint}


def _servos(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        _choose(rig, "leader", options.arm, options.port, look=False)
        rig.start_servos("leader")
        _walk(rig)
        return {"said": rig.status.said}


def _set_id(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        _scanned(rig, options)
        rig.set_id(options.port, options.id, options.new_id)
        status = _settled(rig)
    say(next(text for text in reversed(status.said) if "id" in text))
    return {"port": asdict(_port(status, options.port))}


def _set_baud(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        _scanned(rig, options)
        rig.set_baud(options.port, tuple(options.id or ()), options.baud)
        status = _settled(rig)
    say(next(text for text in reversed(status.said) if "baud" in text or "already" in text))
    return {"port": asdict(_port(status, options.port))}


def _cameras(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        rig.scan_cameras()
        status = _settled(rig)
    for camera in status.cameras:
        say(f"{camera.device}  {camera.title} ({camera.path})")
        if camera.problem:
            say(f"    {camera.problem}")
        for width, height, fps, kind in camera.modes:
            say(f"    {width}x{height} at {fps:g} fps, {kind}")
    if not status.cameras:
        say("There is no USB camera.")
    return {"cameras": [asdict(camera) | {"picture": None} for camera in status.cameras]}


def _save(options: argparse.Namespace) -> dict[str, Any]:
    with _begun(options) as rig:
        for role in ROLES:
            _choose(rig, role, *(getattr(options, name) for name in (role, f"{role}_port", f"{role}_calibration")))
        for text in options.camera or ():
            rig.choose_camera(*_camera(text))
        path = rig.save(options.name)
        said = rig.status.said[-1]
    say(said)
    return {"rig": str(path)}


_ACTIONS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "scan": _scan,
    "identify": _identify,
    "calibrate": _calibrate,
    "servos": _servos,
    "set-id": _set_id,
    "set-baud": _set_baud,
    "cameras": _cameras,
    "lerobot": lerobot_arm,
    "save": _save,
}


@contextmanager
def _begun(options: argparse.Namespace) -> Iterator[RigSetup]:
    rig = RigSetup(Workspace.create(options.workspace), RigConfig, lambda: True)
    rig.begin()
    try:
        _settled(rig)
        yield rig
    finally:
        rig.close()


def _until(
    rig: RigSetup,
    done: Callable[[SetupStatus], bool],
    patience_s: float = _PATIENCE_S,
    otherwise: str = "The set-up did not answer",
) -> SetupStatus:
    """Poll until `done`. Raises `CommandFailed` with what went wrong."""
    end_s = time.monotonic() + patience_s
    while not done(rig.poll()):
        if rig.status.problem:
            raise CommandFailed(rig.status.problem)
        if not rig.status.running:
            raise CommandFailed("The set-up ended by itself.")
        if time.monotonic() > end_s:
            raise CommandFailed(f"{otherwise} within {patience_s:.0f} s.")
        time.sleep(0.02)
    return rig.status


def _settled(rig: RigSetup) -> SetupStatus:
    """Wait until everything that was asked for is done. Raises `CommandFailed` with what went wrong."""
    status = _until(rig, lambda status: not status.busy)
    if status.problem:
        raise CommandFailed(status.problem)
    return status


def _scanned(rig: RigSetup, options: argparse.Namespace) -> tuple[FoundPort, ...]:
    wanted = options.port if isinstance(options.port, list) else [options.port] if options.port else []
    rig.scan(tuple(wanted), getattr(options, "all_bauds", False))
    status = _settled(rig)
    return tuple(_port(status, path) for path in wanted) or status.ports


def _port(status: SetupStatus, path: str) -> FoundPort:
    """The port that was scanned under this name; an adapter may be listed under its lasting one."""
    named = [port for port in status.ports if port.path == path]
    return (named or [port for port in status.ports if port.scanned or port.problem])[0]


def _choose(rig: RigSetup, role: str, arm: str, port: str, calibration: str | None = None, look: bool = True) -> None:
    """Choose an arm, which must hang on the port; without `look` it will be made of the servos there."""
    if look:
        rig.scan((port,))
        _settled(rig)
    rig.choose_port(role, port)
    rig.choose_arm(role, arm)
    if calibration:
        rig.choose_calibration(role, str(calibration))
    if look:
        _settled(rig)
    else:
        _until(rig, lambda status: not status.busy)


def _walk(rig: RigSetup) -> CalibrationView:
    """Through the steps of a calibration or of factory servos: Enter ends each one, q leaves."""
    told = ""
    while True:
        status = _until(rig, lambda status: status.calibration is not None and not status.busy)
        view = status.calibration
        assert view is not None
        if view.finished:
            return view
        if view.title != told:
            told = view.title
            say(f"\nStep {view.number} of {view.of}. {view.title}\n{view.instruction}")
        say("Enter goes on, q leaves.")
        if _line(rig).strip().lower() == "q":
            raise CommandFailed("Left. What was written to servos already stays there.")
        rig.next_step()
        _until(rig, lambda status: not status.busy or bool(status.problem))
        for text in (rig.status.problem, *(rig.status.said[-1:] if not rig.status.problem else ())):
            say(text)


def _line(rig: RigSetup) -> str:
    """A line of stdin; the joints are watched meanwhile and shown after it."""
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        rig.poll()
    text = sys.stdin.readline()
    if not text:
        raise CommandFailed("The input ended before the last step.")
    view = rig.poll().calibration
    for joint in view.joints if view is not None else ():
        swept = f"  {joint.lowest:6} .. {joint.highest:6}" if view is not None and view.number > 1 else ""
        value = "" if isnan(joint.value) else f"  {joint.value:+7.3f} of {joint.lower:.2f} .. {joint.upper:.2f}"
        say(f"  {joint.joint:16} {joint.present:6} ticks{swept}{value}  {joint.note}".rstrip())
    return text


def _camera(text: str) -> tuple[str, str, int, int, float]:
    found = _CAMERA.fullmatch(text)
    if found is None:
        raise CommandFailed(f"{text!r} is no camera. Write NAME=DEVICE or NAME=DEVICE,640x480@30.")
    width, height, fps = (found[key] or default for key, default in (("width", 640), ("height", 480), ("fps", 30)))
    return found["name"], found["device"], int(width), int(height), float(fps)


def _tell(port: FoundPort) -> None:
    say(f"{port.path}  {port.title}")
    for text in (port.problem, port.warning):
        if text:
            say(f"    {text}")
    for baud in sorted({servo.baud for servo in port.servos}):
        servos = [servo for servo in port.servos if servo.baud == baud]
        told = ", ".join(f"{servo.servo_id} {servo.model}" for servo in servos)
        say(f"    at {baud} baud: {told}")
    if port.fits:
        say(f"    this is {' or '.join(port.fits)}")
    for note in port.notes:
        say(f"    {note}")
