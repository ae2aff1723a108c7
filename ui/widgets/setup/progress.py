"""How far the set-up is, part by part: what the list at the left of the page shows."""

from dataclasses import dataclass

from teleop_studio.setup_status import ArmChoice, FoundPort, SetupStatus
from ui.widgets.wording import count

PORTS, ROLES, IDS, CALIBRATION, CAMERAS, SAVE = range(6)
TITLES = ("Ports", "Leader and follower", "Ids and baud rates", "Calibration", "Cameras", "Save")


@dataclass(frozen=True)
class Part:
    """`mark`: "todo", "done" or "look" where something is odd."""

    title: str
    summary: str
    mark: str


def parts(status: SetupStatus) -> tuple[Part, ...]:
    said = (_ports(status), _roles(status), _ids(status), _calibration(status), _cameras(status), _save(status))
    return tuple(Part(title, summary, mark) for title, (summary, mark) in zip(TITLES, said, strict=True))


def answering(status: SetupStatus) -> tuple[FoundPort, ...]:
    """The ports on which servos answered."""
    return tuple(port for port in status.ports if port.servos)


def guides(status: SetupStatus, part: int) -> bool:
    """Whether the part is being gone through step by step."""
    running = status.calibration
    return running is not None and not running.finished and part == (IDS if running.kind == "servos" else CALIBRATION)


def _ports(status: SetupStatus) -> tuple[str, str]:
    found = answering(status)
    if found:
        servos = sum(len(port.servos) for port in found)
        return f"{count(len(found), 'port')}, {count(servos, 'servo')}", "done"
    if any(port.problem for port in status.ports):
        return f"{count(len(status.ports), 'port')}, none can be used", "look"
    if any(port.scanned for port in status.ports):
        return "nothing answered", "look"
    return (f"{count(len(status.ports), 'port')}, not scanned" if status.ports else "not looked for yet"), "todo"


def _roles(status: SetupStatus) -> tuple[str, str]:
    missing = [role for role, arm in roles(status) if not (arm.arm and arm.port)]
    if not missing:
        return f"{status.leader.arm} leads {status.follower.arm}", "done"
    return f"{' and '.join(missing)} not chosen", "todo"


def roles(status: SetupStatus) -> tuple[tuple[str, ArmChoice], ...]:
    return ("leader", status.leader), ("follower", status.follower)


def _ids(status: SetupStatus) -> tuple[str, str]:
    running = status.calibration
    if guides(status, IDS) and running is not None:
        return f"{running.role}: servo {running.number} of {running.of}", "look"
    odd = sum(len(port.notes) + sum(servo.note != "" for servo in port.servos) for port in status.ports)
    if odd:
        return f"{count(odd, 'thing')} to look at", "look"
    return ("nothing to do", "done") if answering(status) else ("after the scan", "todo")


def _calibration(status: SetupStatus) -> tuple[str, str]:
    running = status.calibration
    if guides(status, CALIBRATION) and running is not None:
        return f"{running.role}: step {running.number} of {running.of}", "look"
    done = [role for role, arm in roles(status) if arm.calibration]
    if len(done) == 2:
        return "leader and follower", "done"
    if all(arm.port for _, arm in roles(status)) and not status.missing:
        return "not needed" if not done else f"the {done[0]}; the other needs none", "done"
    return (f"only the {done[0]}" if done else "none yet"), "todo"


def _cameras(status: SetupStatus) -> tuple[str, str]:
    if status.chosen_cameras:
        return ", ".join(camera.name for camera in status.chosen_cameras), "done"
    return (f"{len(status.cameras)} found, none used" if status.cameras else "none used yet"), "todo"


def _save(status: SetupStatus) -> tuple[str, str]:
    if status.missing:
        return f"{count(len(status.missing), 'thing')} missing", "todo"
    return "ready to be saved", "done"
