"""A process gets what it says it got, whatever the system allows."""

import subprocess
import sys

import pytest

ASK = """
import os, sys
from teleop_studio.processes.child import raise_share
said = raise_share(sys.argv[1] == "allowed")
print(said, os.getpriority(os.PRIO_PROCESS, 0), sep=",")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no nice values")
@pytest.mark.parametrize("wish", ["allowed", "refused"])
def test_a_larger_share_of_the_processor_is_taken_where_it_may_be(wish: str) -> None:
    before = subprocess.run(["nice"], capture_output=True, text=True, check=True).stdout.strip()
    answer = subprocess.run([sys.executable, "-c", ASK, wish], capture_output=True, text=True, check=True).stdout
    said, nice = answer.strip().split(",")
    assert (said, nice) in ({("nice -10", "-10"), ("normal", before)} if wish == "allowed" else {("normal", before)})
