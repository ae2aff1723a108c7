"""A busy machine must not make the recorder fall behind its rings; and it must never keep control waiting."""

import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import wait

import pytest

from teleop_studio.processes import messages as m
from teleop_studio.processes.child import CONTROL_PRIORITY, RECORDER_PRIORITY, Child
from teleop_studio.processes.rings import RigRings
from teleop_studio.rig import CameraConfig, RigConfig

PATIENCE_S = 60.0
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="the scheduling class of another process can be asked on Linux"),
]


@pytest.fixture(params=[True, False])
def rig(request: pytest.FixtureRequest) -> RigConfig:
    return RigConfig(cameras=(CameraConfig("front", width=16, height=16),), realtime=request.param)


@pytest.fixture
def recorder(rig: RigConfig) -> Iterator[Child]:
    rings = RigRings.create("priority", rig)
    child = Child("recorder", "recorder_process", (rig, rings.specs))
    assert wait([child._connection], PATIENCE_S)
    assert child.receive()[0] == m.Ready()
    yield child
    child.stop()
    rings.close()


def test_the_recorder_goes_before_everything_but_control_unless_the_rig_forgoes_it(
    rig: RigConfig, recorder: Child
) -> None:
    assert recorder.pid is not None
    class_and_priority = os.sched_getscheduler(recorder.pid), os.sched_getparam(recorder.pid).sched_priority
    if rig.realtime and _may_be_realtime():
        assert class_and_priority == (os.SCHED_FIFO, RECORDER_PRIORITY)
        assert RECORDER_PRIORITY < CONTROL_PRIORITY
    else:
        assert class_and_priority == (os.SCHED_OTHER, 0)


def _may_be_realtime() -> bool:
    """Asked of a process of its own, which ends at once."""
    ask = f"import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({RECORDER_PRIORITY}))"
    return subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False).returncode == 0
