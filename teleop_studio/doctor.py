"""Is this machine ready? Each check says what was found and, when it is not right, what to do.

Light by itself: whatever is heavy or may crash (torch, OpenGL, Qt) is tried in a process of its own.
"""

import base64
import csv
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from teleop_studio.doctor_devices import Check, check_cameras, check_serial_ports
from teleop_studio.workspace import default_workspace

PACKAGES = ("teleop_studio", "drivers", "recorders", "ui")
SHARED_MEMORY_MIB = 64  # the simulated rig and a lock-step job need 45 MiB; each VGA camera's ring takes 66
WORKSPACE_GIB = 2
_CHILD_TIMEOUT_S = 60

_LIBRARIES = "Install the shared libraries: `make setup` does it on Debian and Ubuntu, or prints the line that does."
_MIXED_MUJOCO = (
    "Two versions of MuJoCo are mixed. Run `python -m pip uninstall -y mujoco mujoco-core mujoco-studio`, then "
    "`python -m pip install mujoco`."
)


def run_checks(workspace: Path | None = None) -> list[Check]:
    """All checks, in the order to mend them in; takes some seconds. `workspace` defaults to the operator's folder."""
    folder = default_workspace() if workspace is None else workspace
    checks: list[Callable[[], Check]] = [
        check_python,
        check_packages,
        check_files,
        check_torch,
        check_rendering,
        check_window,
        check_scheduling,
        check_shared_memory,
        lambda: check_workspace(folder),
        check_serial_ports,
        check_cameras,
    ]
    return [check() for check in checks]


def check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 12)
    return Check("Python", ok, f"Python {version}", "" if ok else "Teleop Studio needs Python 3.12 or newer.")


def check_packages() -> Check:
    """The four packages come from one folder: a stranger called `ui` or `drivers` in the environment hides ours."""
    places: dict[str, Path] = {}
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            return Check(
                "Packages", False, f"The package {package!r} is not found.", "Install Teleop Studio: `make setup`."
            )
        places[package] = Path(next(iter(spec.submodule_search_locations))).resolve().parent
    home = places["teleop_studio"]
    strangers = [f"{package!r} comes from {place}" for package, place in places.items() if place != home]
    if strangers:
        return Check(
            "Packages",
            False,
            f"{'; '.join(strangers)}, but Teleop Studio lies in {home}.",
            "Another installed package has the same name. Install Teleop Studio into an environment of its own.",
        )
    return Check("Packages", True, f"{', '.join(PACKAGES)} lie side by side")


def check_files() -> Check:
    """An installed wheel's files are those that were built. A source checkout has nothing to compare with."""
    try:
        installed = metadata.distribution("teleop-studio")
    except metadata.PackageNotFoundError:
        return Check("Files", False, "Teleop Studio is not installed in this environment.", "Run `make setup`.")
    # Not `installed.files`: that list leaves out what is missing.
    record = csv.reader((installed.read_text("RECORD") or "").splitlines())
    ours = [(row[0], row[1]) for row in record if row[1] and row[0].split("/")[0] in PACKAGES]
    if not ours:
        return Check("Files", True, "running from a source checkout")
    changed = [name for name, wanted in ours if _hash_of(Path(str(installed.locate_file(name)))) != wanted]
    if changed:
        return Check(
            "Files",
            False,
            f"{len(changed)} of {len(ours)} installed files are missing or changed, first {changed[0]}.",
            "Install again: `python -m pip install --force-reinstall --no-deps teleop-studio`.",
        )
    return Check("Files", True, f"all {len(ours)} installed files are as built")


def check_torch() -> Check:
    code = "import torch; print(torch.__version__, torch.get_num_threads())"
    done = _in_child(code, OMP_NUM_THREADS="1")
    if done.returncode != 0:
        return Check("Torch", False, _last_line(done), "Install again: `make setup`.")
    version, threads = done.stdout.split()
    if threads != "1":
        return Check(
            "Torch",
            False,
            f"torch {version} uses {threads} threads although one was asked for; a chunk may then take seconds.",
            "Look for a setting of MKL_NUM_THREADS or OMP_NUM_THREADS in the environment and remove it.",
        )
    return Check("Torch", True, f"torch {version}, one thread as asked")


def check_rendering() -> Check:
    """MuJoCo draws a picture without a window, and there is something on it."""
    code = (
        "import mujoco\n"
        'xml = \'<mujoco><worldbody><light pos="0 0 2"/><geom type="sphere" size=".2"/></worldbody></mujoco>\'\n'
        "model = mujoco.MjModel.from_xml_string(xml); data = mujoco.MjData(model); mujoco.mj_forward(model, data)\n"
        "renderer = mujoco.Renderer(model, 48, 64); renderer.update_scene(data)\n"
        "print(mujoco.__version__, float(renderer.render().std()))\n"
    )
    backend = {"MUJOCO_GL": os.environ.get("MUJOCO_GL", "egl")} if sys.platform == "linux" else {}
    done = _in_child(code, LP_NUM_THREADS="1", **backend)
    if done.returncode != 0:
        remedy = _MIXED_MUJOCO if "libmujoco" in done.stderr else _LIBRARIES
        return Check("Simulated cameras", False, f"MuJoCo can not draw: {_last_line(done)}", remedy)
    version, contrast = done.stdout.split()
    if float(contrast) <= 0:
        return Check("Simulated cameras", False, f"MuJoCo {version} draws empty pictures.", _LIBRARIES)
    return Check("Simulated cameras", True, f"MuJoCo {version} draws without a window")


def check_window() -> Check:
    """Qt starts. Without a display it starts offscreen, which is said."""
    display = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    platform = {} if display else {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    code = (
        "from PySide6.QtCore import qVersion; from PySide6.QtGui import QGuiApplication\n"
        "app = QGuiApplication([]); print(qVersion(), app.platformName())\n"
    )
    done = _in_child(code, **platform)
    if done.returncode != 0:
        return Check("Window", False, f"Qt can not start: {_last_line(done)}", _LIBRARIES)
    version, name = done.stdout.split()
    where = "no display: the window is drawn offscreen" if name == "offscreen" else f"on {name}"
    return Check("Window", True, f"Qt {version}, {where}")


def check_scheduling() -> Check:
    """Which scheduling class the control process gets, by asking for it as that process does."""
    name = "Real-time scheduling"
    done = _in_child("from teleop_studio.processes.child import raise_scheduling; print(raise_scheduling())")
    if done.returncode != 0:
        return Check(name, False, f"could not be tried: {_last_line(done)}", "Run `make setup` again.")
    got = done.stdout.strip()
    if got == "realtime":
        return Check(name, True, "the control loop gets a real-time class")
    remedy = (
        "On Linux, add the lines `@realtime - rtprio 90` and `@realtime - nice -10` to "
        "/etc/security/limits.d/teleop.conf, put the user into the group realtime, and log in again."
    )
    text = f"the control loop runs at scheduling {got!r}; ticks can come late while the machine is busy."
    return Check(name, False, text, remedy, needed=False)


def check_shared_memory(folder: Path = Path("/dev/shm")) -> Check:
    """Room for the rings between the processes. Containers often get 64 MiB in all."""
    if not folder.is_dir():
        return Check("Shared memory", True, "provided by the system without a folder")
    free = shutil.disk_usage(folder).free // 2**20
    if free < SHARED_MEMORY_MIB:
        return Check(
            "Shared memory",
            False,
            f"{folder} has {free} MiB free, {SHARED_MEMORY_MIB} MiB are needed.",
            "In a container, start it with --shm-size=512m; else remove what fills the folder.",
        )
    return Check("Shared memory", True, f"{free} MiB free")


def check_workspace(folder: Path) -> Check:
    """The operator's folder, or the nearest one above it that exists, can be written and has room. Makes nothing."""
    place = folder.expanduser().absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    remedy = "Choose another folder with --workspace, or correct its permissions."
    if not place.is_dir():
        return Check("Workspace", False, f"{place} is not a folder.", remedy)
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("Workspace", False, f"{place} can not be written.", remedy)
    free = shutil.disk_usage(place).free / 2**30
    if free < WORKSPACE_GIB:
        return Check(
            "Workspace",
            False,
            f"{place} has {free:.1f} GiB free; an hour of demonstrations takes about {WORKSPACE_GIB} GiB.",
            "Make room, or choose another folder with --workspace.",
        )
    return Check("Workspace", True, f"{folder} can be written, {free:.0f} GiB free")


def _hash_of(path: Path) -> str:
    """As a wheel's RECORD writes it; empty for a file that can not be read."""
    try:
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return ""
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _in_child(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter; never raises, a hang becomes exit code 124."""
    try:
        return subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=_CHILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 124, "", f"no answer within {_CHILD_TIMEOUT_S} s")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
