"""A studio with its processes running, shared by the tests of one module: starting them takes seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from teleop_studio.rig import CameraConfig, RigConfig
from teleop_studio.status import State
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.journeys.driving import until

# Small pictures at 15 Hz: rendering without a GPU is what takes the time.
SMALL_RIG = RigConfig(
    cameras=(CameraConfig("front", width=96, height=72, fps=15.0), CameraConfig("wrist", width=96, height=72, fps=15.0))
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(Path(tmp_path_factory.mktemp("workspace")))


@pytest.fixture(scope="module")
def studio(workspace: Workspace) -> Iterator[Studio]:
    studio = Studio(SMALL_RIG, workspace)
    studio.open()
    try:
        until(studio, lambda status: status.state is State.IDLE, "the rig to open")
        yield studio
    finally:
        studio.close()
