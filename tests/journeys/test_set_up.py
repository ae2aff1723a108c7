"""From two unknown ports to a rig that opens: through the real set-up process, on arms that only a hand can move."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.sim.fault_rules import FaultEvent
from teleop_studio.processes.child import Child
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.pair_plan import EventHappened, PairPlan
from teleop_studio.rig import RigConfig
from teleop_studio.rig_file import load_rig
from teleop_studio.session import StudioError
from teleop_studio.setup_status import SetupStatus
from teleop_studio.status import State, StudioStatus
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.driving import until

pytestmark = pytest.mark.alone

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")


class Arms:
    """A Koch pair on two ptys, each with its horns put on anyhow, and the hands that move it."""

    def __init__(self, folder: Path) -> None:
        plan = PairPlan({"leader": "koch-leader", "follower": "koch-follower"}, folder)
        self._child = Child("arms", "pair_process", (plan, False))
        self.ports: dict[str, str] = {}
        while not self.ports:
            for message in self._child.receive():
                assert isinstance(message, Ready)
                self.ports = dict(line.split(" ", 1) for line in message.note.split("\n"))

    def hold(self, role: str, joint: str, value: float) -> None:
        """A hand brings a joint there and keeps it; returns when it is there."""
        self._child.send(FaultEvent("hold", port=role, joint=joint, value=value))
        while not (answers := self._child.receive()):
            pass
        assert answers == [EventHappened("hold")]

    def close(self) -> None:
        self._child.kill()


@pytest.fixture
def arms(tmp_path: Path) -> Iterator[Arms]:
    made = Arms(tmp_path)
    yield made
    made.close()


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("HF_LEROBOT_CALIBRATION", str(tmp_path / "none"))
    made = Studio(RigConfig(), Workspace.create(tmp_path / "workspace"))
    yield made
    made.close()


def settled(studio: Studio, what: str) -> SetupStatus:
    """Wait until the set-up has done what it was asked for."""
    until(studio, lambda _: studio.setup.status.running and not studio.setup.status.busy, what)
    assert studio.setup.status.problem == ""
    return studio.setup.status


def swept(studio: Studio, joint: str) -> int:
    """Ticks between the extremes at which the running calibration has seen a joint."""
    view = studio.setup.status.calibration
    look = next((look for look in view.joints if look.joint == joint), None) if view is not None else None
    return 0 if look is None else look.highest - look.lowest


def at_step(studio: Studio, number: int) -> None:
    def there(_status: StudioStatus) -> bool:
        assert studio.setup.status.problem == ""
        view = studio.setup.status.calibration
        return view is not None and view.number == number

    until(studio, there, f"step {number} of the calibration")


def calibrate(studio: Studio, arms: Arms, role: str) -> None:
    setup = studio.setup
    middles = {joint: 0.5 if joint == "gripper" else 0.3 for joint in JOINTS}
    for joint, middle in middles.items():
        arms.hold(role, joint, middle)
    setup.start_calibration(role)
    at_step(studio, 1)
    setup.next_step()
    at_step(studio, 2)
    for joint, middle in middles.items():
        reach, ticks = (0.45, 250) if joint == "gripper" else (1.0, 500)
        for side in (-1, 1):
            arms.hold(role, joint, middle + side * reach)
            seen = ticks * (2 if side > 0 else 1)
            until(studio, lambda _, joint=joint, seen=seen: swept(studio, joint) > seen, f"{joint} at its end")
        arms.hold(role, joint, middle)
    setup.next_step()
    at_step(studio, 3)
    settled(studio, "the middle pose")
    view = setup.status.calibration
    assert view is not None
    assert [joint.value for joint in view.joints[:5]] == pytest.approx([0.0] * 5, abs=0.01)
    setup.next_step()
    until(studio, lambda _: getattr(setup.status, role).calibration != "", f"the {role} as it is now")


def test_two_unknown_ports_become_a_rig_that_opens_and_refuses_swapped_arms(studio: Studio, arms: Arms) -> None:
    setup, ports = studio.setup, arms.ports
    setup.begin()
    with pytest.raises(StudioError, match="set-up still has the ports"):
        studio.open()
    setup.scan(tuple(ports.values()))
    until(studio, lambda _: len(setup.status.ports) == 2 and not setup.status.busy, "the scan")
    assert [port.fits for port in setup.status.ports] == [("koch-leader",), ("koch-follower",)]

    setup.identify(True)
    until(studio, lambda _: setup.status.identifying and not setup.status.busy, "the arms to be limp")
    arms.hold("leader", "shoulder_pan", 1.0)
    until(studio, lambda _: setup.status.ports[0].moved > 0.1, "the moved arm")
    assert setup.status.ports[1].moved < 0.01

    for role in ("leader", "follower"):
        setup.choose_port(role, ports[role])
        setup.choose_arm(role, f"koch-{role}")
        until(studio, lambda _, role=role: getattr(setup.status, role).fingerprint != "", f"the {role}")
    assert setup.status.missing == tuple(
        f"Calibrate the {role}, or choose its calibration file." for role in ("leader", "follower")
    )
    for role in ("leader", "follower"):
        calibrate(studio, arms, role)
    assert setup.status.missing == ()
    path = setup.save("koch")
    assert "no camera" in setup.status.said[-1]

    setup.end()
    until(studio, lambda _: not setup.status.running, "the ports to be free")
    rig = load_rig(path)
    assert rig.follower.calibration.endswith(".json")
    studio.use_rig(rig)
    studio.open()
    until(studio, lambda status: status.state is State.IDLE, f"the rig to open; {studio.status.notices}")
    with pytest.raises(StudioError, match="The rig is open and has the ports"):
        setup.begin()
    studio.close_rig()
    until(studio, lambda _: not studio.closing, "the rig to close")

    swapped = RigConfig(
        name="swapped",
        leader=replace(rig.leader, port=rig.follower.port),
        follower=replace(rig.follower, port=rig.leader.port),
        cameras=(),
    )
    studio.use_rig(swapped)
    studio.open()
    status = until(studio, lambda status: bool(status.notices), "the refusal")
    assert "servo 1 (shoulder_pan)" in status.notices[-1]
    assert "Check that this is the right arm" in status.notices[-1]
