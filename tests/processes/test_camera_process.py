"""The cameras' process with cameras on a real network: each fault is said, and touches no other camera."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from teleop_studio.processes.child import Child
from teleop_studio.processes.messages import CameraState, Ready, Warned
from teleop_studio.processes.rings import RigRings, encoded_of
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from tests.processes.sending_camera import FPS, SendingCamera

pytestmark = pytest.mark.alone

PATIENCE_S = 20.0


class Cameras:
    """The process, two network cameras, and what it has said."""

    def __init__(self, folder: Path) -> None:
        self.senders = {name: SendingCamera() for name in ("front", "wrist")}
        cameras = tuple(
            CameraConfig(name, "network", 64, 48, FPS, device=sender.server.address)
            for name, sender in self.senders.items()
        )
        arms = ArmConfig("studio-leader", "/dev/leader"), ArmConfig("studio-follower", "/dev/follower")
        self.rig = RigConfig("bench", *arms, cameras=cameras)
        self.rings = RigRings.create("cameras", self.rig)
        for sender in self.senders.values():
            sender.start()
        self.child = Child("cameras", "camera_process", (self.rig, self.rings.specs), folder / "cameras.log")
        self.said: list[Any] = []
        self._unheard: deque[Any] = deque()

    def wait_for(self, wanted: Callable[[Any], bool]) -> Any:
        """The first message for which `wanted` holds, of those not waited for before."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            self._unheard += self.child.receive()
            while self._unheard:
                self.said.append(self._unheard.popleft())
                if wanted(self.said[-1]):
                    return self.said[-1]
            self.child._connection.poll(0.1)
        raise AssertionError(f"not said within {PATIENCE_S:.0f} s; said was {self.said}")

    def wait_for_state(self, camera: str, state: str) -> CameraState:
        found: CameraState = self.wait_for(
            lambda message: isinstance(message, CameraState) and (message.camera, message.state) == (camera, state)
        )
        return found

    def stop(self) -> None:
        self.child.stop()
        for sender in self.senders.values():
            sender.stop()
        self.rings.close()


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[Cameras]:
    cameras = Cameras(tmp_path)
    yield cameras
    cameras.stop()


def test_a_camera_that_is_lost_comes_back_by_itself_and_the_other_never_notices(cameras: Cameras) -> None:
    cameras.wait_for_state("wrist", "ok")
    wrist = cameras.senders["wrist"].server
    wrist.stop()
    lost = cameras.wait_for_state("wrist", "lost")
    assert lost.notice.startswith("Camera wrist stopped giving pictures after ")
    written, front = cameras.rings.frames["wrist"].written, cameras.rings.frames["front"].written
    wrist.start()
    back = cameras.wait_for_state("wrist", "ok")
    assert back.notice.startswith("Camera wrist is back after ")
    assert cameras.rings.frames["wrist"].written > written
    assert cameras.rings.frames["front"].written > front
    newest = cameras.rings.frames["wrist"].latest()
    assert newest is not None
    assert encoded_of(newest[2]).startswith(b"\xff\xd8")
    told = [m for m in cameras.said if isinstance(m, CameraState) and m.camera == "front"]
    assert {state.state for state in told} <= {"ok", "slow"}  # slow, when the machine did not come to send
    assert [m for m in cameras.said if isinstance(m, Ready)] == [Ready()]


def test_frozen_black_and_stalled_pictures_are_said_and_their_end_too(cameras: Cameras) -> None:
    cameras.wait_for_state("front", "ok")
    front = cameras.senders["front"]
    front.level = 90
    assert cameras.wait_for_state("front", "frozen").notice.startswith("Camera front is frozen. ")
    front.level = None
    assert cameras.wait_for_state("front", "ok").notice == "Camera front is well again."
    front.level = 0
    assert cameras.wait_for_state("front", "black").notice.startswith("Camera front is black. ")
    front.level = None
    cameras.wait_for_state("front", "ok")
    front.silent.set()
    assert cameras.wait_for_state("front", "lost").notice.startswith("Camera front gives no picture any more. ")
    front.silent.clear()
    cameras.wait_for_state("front", "ok")
    assert not [
        m for m in cameras.said if isinstance(m, CameraState) and m.camera == "wrist" and m.state not in ("ok", "slow")
    ]
    assert not [m for m in cameras.said if isinstance(m, Warned)]


def test_a_rig_opens_with_a_camera_missing_and_says_which(tmp_path: Path) -> None:
    cameras = Cameras(tmp_path)
    try:
        cameras.senders["wrist"].server.stop()
        lost = cameras.wait_for_state("wrist", "lost")
        assert lost.notice.startswith("Camera wrist ")
        if not any(isinstance(message, Ready) for message in cameras.said):
            cameras.wait_for(lambda message: isinstance(message, Ready))
        assert cameras.child.alive
    finally:
        cameras.stop()
