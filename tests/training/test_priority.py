"""A trainer steps back as a process and, where the system weighs sessions, with its whole session."""

import subprocess
import sys
from pathlib import Path

import pytest

STEP_BACK = (
    "from teleop_studio.training.priority import step_back; step_back(); "
    "import os; print(os.nice(0), *open('/proc/self/autogroup').read().split()[-1:])"  # nothing: in no session's group
)


def stepped_back(new_session: bool) -> list[str]:
    command = [sys.executable, "-c", STEP_BACK]
    done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=new_session)
    return done.stdout.split()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this system does not weigh sessions")
def test_the_leader_of_a_session_takes_the_whole_session_back_and_nobody_elses() -> None:
    assert stepped_back(new_session=True) == ["19", "19"]
    ours = Path("/proc/self/autogroup").read_text()
    assert stepped_back(new_session=False)[0] == "19"
    assert Path("/proc/self/autogroup").read_text() == ours
