from pathlib import Path

import pytest

from tests.remote.near_host import NearHost


@pytest.fixture
def near(tmp_path: Path) -> NearHost:
    return NearHost(tmp_path / "near")
