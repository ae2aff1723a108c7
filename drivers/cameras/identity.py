"""Which USB camera is which: told by its serial number or by the port it is plugged into, never by /dev/videoN.

Identities, as they stand in a rig file (numbers as the system shows them):
    serial:<vid>:<pid>:<serial>                   a camera with a serial number of its own, wherever it is plugged in
    port:<controller>/usb<version>/<path>         whatever is plugged in there
    port:<controller>/usb<version>/<path>=<vid>:<pid>[:<serial>]    there, and only this model (and camera)
Each may end in @<interface> when one USB device has several cameras. A path (/dev/v4l/by-id/...) is used as it is.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from drivers.errors import CameraMissing, CameraRefused

SYSFS, DEV = Path("/sys"), Path("/dev")
_INTERFACE = re.compile(r"@(\d+)$")


@dataclass(frozen=True)
class UsbCameraNode:
    """One camera as the system lists it. `path` its device now, `title` what it calls itself, `device` its identity.

    `port` where it is plugged in; `serial` "" when it has none. `interface` tells the cameras of one USB device apart.
    """

    path: str
    title: str
    vid: str
    pid: str
    serial: str
    port: str
    interface: int
    device: str = ""

    @property
    def model(self) -> str:
        return f"{self.vid}:{self.pid}"

    @property
    def pinned(self) -> str:
        """This very camera at this very port, as far as it can be told."""
        serial = f":{self.serial}" if self.serial else ""
        return f"port:{self.port}={self.model}{serial}@{self.interface}"


def usb_cameras(sysfs: Path = SYSFS, dev: Path = DEV) -> list[UsbCameraNode]:
    """All USB cameras, each with the best identity it has: its serial number unless another shows the same one.

    A camera has several nodes; the one with index 0 gives pictures, the others metadata.
    """
    folder = sysfs / "class" / "video4linux"
    nodes = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if _text(entry / "index") == "0":
            node = _node(entry, dev)
            if node is not None:
                nodes.append(node)
    together = Counter(node.port for node in nodes)
    twins = Counter((node.model, node.serial, node.interface) for node in nodes)
    return [_named(node, together[node.port] > 1, twins[node.model, node.serial, node.interface] > 1) for node in nodes]


def find_usb(name: str, device: str, sysfs: Path = SYSFS, dev: Path = DEV) -> UsbCameraNode:
    """The camera that `device` names, for the rig's camera `name`.

    Raises `CameraMissing` when it is not plugged in, `CameraRefused` when another one is in its place, when two fit, or
    when `device` is no identity.
    """
    nodes = usb_cameras(sysfs, dev)
    kind, _, rest = device.partition(":")
    wanted = _INTERFACE.search(rest)
    rest = _INTERFACE.sub("", rest)
    if wanted is not None:
        nodes = [node for node in nodes if node.interface == int(wanted[1])]
    if kind == "serial" and rest.count(":") >= 2:
        return _by_serial(name, nodes, *rest.split(":", 2))
    if kind == "port" and rest:
        return _by_port(name, rest, nodes)
    raise CameraRefused(
        f"Camera {name} has device = {device!r}, which names no USB camera. Give its serial number "
        "(serial:<vid>:<pid>:<serial>) or its port (port:...), as `teleop-studio setup cameras` lists them."
    )


def _by_serial(name: str, nodes: list[UsbCameraNode], vid: str, pid: str, serial: str) -> UsbCameraNode:
    found = [node for node in nodes if (node.vid, node.pid, node.serial) == (vid, pid, serial)]
    if len(found) == 1:
        return found[0]
    if found:
        raise CameraRefused(
            f"Camera {name} can not be told from its twin. {len(found)} cameras show the serial number {serial}: "
            f"{_listed(found)}. Name the port instead: device = {found[0].pinned!r}, for example."
        )
    twins = [node for node in nodes if node.model == f"{vid}:{pid}"]
    other = (
        f"Another one of the same model is, {_listed(twins)}, but is not taken in its place. "
        "If it replaces the old one, choose it on the Set-up page."
        if twins
        else f"Plugged in are: {_listed(nodes)}."
    )
    raise CameraMissing(f"Camera {name} is not plugged in. No camera {vid}:{pid} shows serial number {serial}. {other}")


def _by_port(name: str, rest: str, nodes: list[UsbCameraNode]) -> UsbCameraNode:
    port, _, model = rest.partition("=")
    there = [node for node in nodes if node.port == port]
    if not there:
        moved = [node for node in nodes if model and _is_model(node, model)]
        raise CameraMissing(
            f"Camera {name} is missing. Nothing is plugged in at {port}. "
            + (
                f"A camera like it is at another port: {_listed(moved)}. It is not taken, because it may be another "
                "one: plug it in where it was, or choose it on the Set-up page."
                if moved
                else f"Plugged in are: {_listed(nodes)}."
            )
        )
    fitting = [node for node in there if not model or _is_model(node, model)]
    if not fitting:
        raise CameraRefused(
            f"Another camera is plugged in where camera {name} was. At {port} is {_listed(there)}, the rig knows "
            f"{model}. Plug the right one in there, or choose this one on the Set-up page."
        )
    if len(fitting) > 1:
        raise CameraRefused(
            f"Camera {name} is one of several at {port}: {_listed(fitting)}. "
            f"Say which: device = {fitting[0].pinned!r}, for example."
        )
    return fitting[0]


def _is_model(node: UsbCameraNode, model: str) -> bool:
    vid, _, rest = model.partition(":")
    pid, _, serial = rest.partition(":")
    return (node.vid, node.pid) == (vid, pid) and (not serial or node.serial == serial)


def _listed(nodes: list[UsbCameraNode]) -> str:
    return ", ".join(f"{node.title} ({node.device or node.pinned})" for node in nodes) or "no cameras"


def _named(node: UsbCameraNode, several: bool, has_twin: bool) -> UsbCameraNode:
    """`several` cameras in one USB device; `has_twin`: another shows the same serial number."""
    own_serial = node.serial and not has_twin
    device = f"serial:{node.model}:{node.serial}" if own_serial else f"port:{node.port}={node.model}"
    return replace(node, device=f"{device}@{node.interface}" if several else device)


def _node(entry: Path, dev: Path) -> UsbCameraNode | None:
    """None for a device that is not on USB."""
    place = entry.resolve()
    interface = next((folder for folder in place.parents if (folder / "bInterfaceNumber").exists()), None)
    device = next((folder for folder in place.parents if (folder / "idVendor").exists()), None)
    if device is None:
        return None
    return UsbCameraNode(
        path=str(dev / entry.name),
        title=_text(entry / "name") or _text(device / "product") or "a camera without a name",
        vid=_text(device / "idVendor"),
        pid=_text(device / "idProduct"),
        serial=_text(device / "serial"),
        port=_port(device),
        interface=int(_text(interface / "bInterfaceNumber") or "0", 16) if interface is not None else 0,
    )


def _port(device: Path) -> str:
    """The controller by its place on the bus, and the way from there: bus numbers change from start to start.

    A controller has a root hub for each USB version, both of which have a port 1.
    """
    root = next((folder for folder in (device, *device.parents) if re.fullmatch(r"usb\d+", folder.name)), None)
    path = _text(device / "devpath") or device.name
    if root is None:
        return path
    version = _text(root / "version").partition(".")[0] or "2"
    return f"{root.parent.name}/usb{version}/{path}"


def _text(file: Path) -> str:
    """A file of sysfs in one line; "" when there is none, or when the device went away while it was read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
