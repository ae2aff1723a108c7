"""A rig with real cameras, as far as a network can be one: recorded while a camera is lost and comes back."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from recorders.episode_reader import EpisodeReader
from recorders.verify import verify
from teleop_studio.processes.child import Child
from teleop_studio.processes.messages import Ready
from teleop_studio.processes.pair_plan import PairPlan
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.driving import until
from tests.processes.sending_camera import FPS, SendingCamera

GOING = ("ok", "slow")  # a loaded machine may not come to send as many as it should
pytestmark = [pytest.mark.alone, pytest.mark.slow]


@pytest.fixture
def senders() -> Iterator[dict[str, SendingCamera]]:
    senders = {name: SendingCamera() for name in ("front", "wrist")}
    for sender in senders.values():
        sender.start()
    yield senders
    for sender in senders.values():
        sender.stop()


@pytest.fixture
def studio(tmp_path: Path, senders: dict[str, SendingCamera]) -> Iterator[Studio]:
    arms = Child(
        "arms", "pair_process", (PairPlan({"leader": "studio-leader", "follower": "studio-follower"}, None), False)
    )
    ports: dict[str, str] = {}
    while not ports:
        for message in arms.receive():
            assert isinstance(message, Ready)
            ports = dict(line.split(" ", 1) for line in message.note.split("\n"))
    rig = RigConfig(
        "desk",
        ArmConfig("studio-leader", ports["leader"]),
        ArmConfig("studio-follower", ports["follower"]),
        tuple(CameraConfig(n, "network", 64, 48, FPS, device=s.server.address) for n, s in senders.items()),
    )
    studio = Studio(rig, Workspace.create(tmp_path / "workspace"))
    yield studio
    studio.close()
    arms.kill()


def test_a_take_goes_on_while_a_camera_is_away_and_says_what_is_missing(
    studio: Studio, senders: dict[str, SendingCamera]
) -> None:
    studio.open()
    status = until(studio, lambda status: status.state is State.IDLE, "the rig to open")
    until(studio, lambda status: all(c.state in GOING for c in status.cameras.values()), "both cameras")
    studio.record("wave")
    until(studio, lambda status: status.recorder.frames_written > 150, "the take to run")
    senders["wrist"].server.stop()
    status = until(studio, lambda status: status.cameras["wrist"].state == "lost", "the loss to be told")
    assert status.state is State.RECORDING
    assert status.cameras["front"].state in GOING
    assert any(notice.startswith("Camera wrist stopped giving pictures") for notice in status.notices)
    senders["wrist"].server.start()
    status = until(studio, lambda status: status.cameras["wrist"].state in GOING, "the camera to come back")
    assert any(notice.startswith("Camera wrist is back after") for notice in status.notices)
    back = status.recorder.pictures["wrist"][0]
    until(studio, lambda status: status.recorder.pictures["wrist"][0] > back + FPS, "pictures after that")
    studio.accept("success")
    until(studio, lambda _: len(studio.episodes()) == 1, "the episode")
    path = studio.episodes()[0].path
    assert verify(path) == []
    with EpisodeReader(path) as reader:
        assert all(camera.passthrough for camera in reader.description.cameras)
        assert reader.info.extra["stamps"] == {"front": "arrival", "wrist": "arrival"}
        assert reader.images("wrist").encoded(-1) in senders["wrist"].sent
        lost = [gap for gap in reader.gaps() if gap.stream == "wrist"]
        stamps = np.asarray(reader.images("wrist").stamp_ns)
        pause = int(np.diff(stamps).argmax())
        (gap,) = [gap for gap in lost if gap.t0_ns == stamps[pause]]
        assert gap.count == pytest.approx((stamps[pause + 1] - stamps[pause]) * FPS / 1e9, abs=1.5)
        assert np.diff(reader.frames.stamp_ns).max() < 500_000_000
