"""The serial ports of this computer: which adapter each is, and why one can not be used.

On Linux read from sysfs and /proc, which tell more than pyserial: the owner of a port, an FTDI adapter's waiting time,
and a name that survives replugging. Elsewhere pyserial's own list.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

_KINDS = ("ttyUSB*", "ttyACM*")
FTDI_WAIT_MS = 1  # what an FTDI adapter should wait before it hands bytes over; its own default is 16


@dataclass(frozen=True)
class SerialPort:
    """`path` a name that survives replugging where there is one, `device` the one it has now.

    `title` what the adapter says it is; `serial` its serial number. `problem` why it can not be opened and what to do,
    `warning` what will make it slow or unreliable. `latency_ms` of an FTDI adapter, else None.
    """

    path: str
    device: str
    title: str = ""
    serial: str = ""
    problem: str = ""
    warning: str = ""
    latency_ms: int | None = None


@dataclass(frozen=True)
class System:
    """Where the kernel tells about devices and processes, and who may open them; tests give their own."""

    devices: Path = Path("/dev")
    sysfs: Path = Path("/sys")
    processes: Path = Path("/proc")
    may_open: Callable[[str, int], bool] = os.access


HERE = System()


def find_ports(system: System = HERE) -> list[SerialPort]:
    """All USB serial ports, by path. Opens none of them."""
    if not sys.platform.startswith("linux"):
        return [SerialPort(port.device, port.device, port.description or "") for port in list_ports.comports()]
    names = sorted(path.name for kind in _KINDS for path in system.devices.glob(kind))
    if not names:
        return []
    by_id = _names_that_last(system)
    modems = _is_running("ModemManager", system)
    return sorted((_port(name, by_id, modems, system) for name in names), key=lambda port: port.path)


def latency_ms(device: str, system: System = HERE) -> int | None:
    """How long the FTDI adapter at `device` waits before it hands bytes over, ms; None for another kind."""
    try:
        text = (system.sysfs / "class/tty" / Path(device).name / "device/latency_timer").read_text(encoding="ascii")
        return int(text)
    except (OSError, ValueError):
        return None


def holders(device: str, system: System = HERE) -> list[tuple[int, str]]:
    """(process id, name) of the programs that have `device` open, ours left out; those of other users stay unseen."""
    found = []
    for folder in system.processes.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            opened = any(os.path.realpath(link) == device for link in (folder / "fd").iterdir())
        except OSError:  # of another user, or gone meanwhile
            continue
        if opened:
            found.append((int(folder.name), _name_of(folder)))
    return sorted(found)


def _port(name: str, by_id: dict[str, str], modems: bool, system: System) -> SerialPort:
    device = str(system.devices / name)
    title, serial = _adapter(name, system)
    wait_ms = latency_ms(device, system)
    warning = ""
    if wait_ms is not None and wait_ms > FTDI_WAIT_MS:
        timer = system.sysfs / "class/tty" / name / "device/latency_timer"
        warning = (
            f"The adapter waits {wait_ms} ms before it hands bytes over, which slows every exchange. It is set to 1 ms "
            f"when the port is opened; if it stays, run `echo 1 | sudo tee {timer}`."
        )
    elif modems:
        warning = (
            "ModemManager runs here and talks to new serial ports for some seconds after they are plugged in. "
            'Tell it to leave this one alone with a udev rule: ENV{ID_MM_DEVICE_IGNORE}="1".'
        )
    return SerialPort(
        path=by_id.get(os.path.realpath(device), device),
        device=device,
        title=title,
        serial=serial,
        problem=_problem(device, system),
        warning=warning,
        latency_ms=wait_ms,
    )


def _problem(device: str, system: System) -> str:
    if not system.may_open(device, os.R_OK | os.W_OK):
        return (
            f"No permission for {device}. Add yourself to the group that owns it: "
            f"`sudo usermod -aG {_group_of(device)} $USER`, then log out and in again."
        )
    using = holders(os.path.realpath(device), system)
    if not using:
        return ""
    names = ", ".join(f"{name} (process {pid})" for pid, name in using)
    if any(name == "ModemManager" for _, name in using):
        return (
            f"{names} is trying out {device} as a modem. Wait half a minute; to keep it away for good, add the udev "
            'rule `ENV{ID_MM_DEVICE_IGNORE}="1"` for this adapter.'
        )
    return f"{device} is in use by {names}. Close that program; two programs on one line disturb each other."


def _group_of(device: str) -> str:
    import grp  # no such module on Windows

    try:
        return grp.getgrgid(os.stat(device).st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _names_that_last(system: System) -> dict[str, str]:
    """{device: its name in serial/by-id}."""
    folder = system.devices / "serial" / "by-id"
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return {os.path.realpath(link): str(link) for link in links}


def _adapter(name: str, system: System) -> tuple[str, str]:
    """(title, serial number) of the USB device that the port belongs to."""
    folder = Path(os.path.realpath(system.sysfs / "class/tty" / name / "device"))
    for place in (folder, *folder.parents):
        if (place / "idVendor").is_file():
            words = [_text(place / "manufacturer"), _text(place / "product")]
            return " ".join(word for word in words if word) or f"USB {_text(place / 'idVendor')}", _text(
                place / "serial"
            )
    return "", ""


def _is_running(program: str, system: System) -> bool:
    return any(_name_of(folder) == program for folder in system.processes.iterdir() if folder.name.isdigit())


def _name_of(process: Path) -> str:
    return _text(process / "comm") or "an unknown program"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
