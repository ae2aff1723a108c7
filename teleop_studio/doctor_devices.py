"""Are the arms' ports and the cameras ready? And what hangs on a port, by baud rate."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.arms import ARMS
from drivers.cameras import FoundCameras, find_cameras
from drivers.clock import Clock, MonotonicClock
from drivers.dynamixel.identify import fits, nearest, oddities
from drivers.dynamixel.scan import ScannedServo, scan_line
from drivers.dynamixel.transport import Transport, open_transport
from drivers.serial_ports import HERE, System, find_ports

OpenLine = Callable[[str, int], Transport]


@dataclass(frozen=True)
class Check:
    """One finding. `remedy` is empty when `ok`. `needed` False: the app runs without it, only not as well."""

    name: str
    ok: bool
    text: str
    remedy: str = ""
    needed: bool = True


def check_serial_ports(system: System = HERE) -> Check:
    """USB serial ports: may they be opened, are they free, and do they hand bytes over at once?

    FTDI adapters wait 16 ms for more bytes before they report any, which halves the rate of the control loop.
    """
    name = "Serial ports"
    ports = find_ports(system)
    if not ports:
        return Check(name, True, "none found: only the simulated rig can be opened")
    for remark in ("problem", "warning"):
        odd = [port for port in ports if getattr(port, remark)]
        if odd:
            text, _, remedy = getattr(odd[0], remark).partition(". ")
            others = f" ({len(odd)} ports)" if len(odd) > 1 else ""
            return Check(name, False, f"{odd[0].path}: {text}.{others}", remedy, needed=False)
    return Check(name, True, f"{', '.join(port.path for port in ports)} can be opened")


def check_cameras(find: Callable[[], FoundCameras] = find_cameras) -> Check:
    """USB cameras: which there are, and may they be asked?"""
    name = "Cameras"
    found = find()
    if not found:
        return Check(name, True, "no USB camera found")
    closed = [problem for _, _, problem in found if problem]
    if closed:
        text, _, remedy = closed[0].partition(". ")
        return Check(name, False, f"{text}.", remedy, needed=False)
    return Check(name, True, ", ".join(f"{node.title} ({node.device}, {len(modes)} modes)" for node, modes, _ in found))


def servos_on(
    port: str, open_line: OpenLine | None = None, clock: Clock | None = None
) -> tuple[list[ScannedServo], list[str]]:
    """(servos, sentences about them) of one port, every baud rate and id tried. Raises a `BusError`."""
    time = clock or MonotonicClock()
    opened = open_line or (lambda path, baud: open_transport(path, baud, time))
    servos: list[ScannedServo] = []
    said = []
    for baud, found in scan_line(lambda baud: opened(port, baud), time, all_ids=True):
        servos += found
        if found:
            said.append(f"{baud} baud: {', '.join(f'{servo.servo_id} {servo.model}' for servo in found)}")
        if "://" in port:
            break  # an address has no baud rate of its own
    fitting = [model.title or name for name, model in ARMS.items() if fits(model, servos)]
    if fitting:
        said.append(f"This is {' or '.join(fitting)}.")
    said += oddities(None if fitting else nearest(ARMS.values(), servos), servos)
    if not servos:
        said.append(f"Nothing answers on {port} at any baud rate. Check the power of the arm and its cables.")
    return servos, said
