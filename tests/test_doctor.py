"""The doctor finds a machine that is ready ready, and says what to do about one that is not."""

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from teleop_studio import doctor

ROOT = Path(__file__).parents[1]


@pytest.mark.alone
def test_every_finding_is_either_fine_or_comes_with_a_remedy(tmp_path: Path) -> None:
    checks = doctor.run_checks(tmp_path / "new")
    assert len({check.name for check in checks}) == len(checks) >= 9
    for check in checks:
        assert check.text
        assert bool(check.remedy) != check.ok, f"{check.name}: {check.text}"
    assert [check for check in checks if check.needed and not check.ok] == []
    assert not (tmp_path / "new").exists(), "looking must not make the workspace"


def test_looking_loads_nothing_heavy() -> None:
    code = "import sys, teleop_studio.doctor; print(*({'torch', 'mujoco', 'PySide6', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_stranger_called_ui_is_named(tmp_path: Path) -> None:
    (tmp_path / "ui").mkdir()
    (tmp_path / "ui" / "__init__.py").touch()
    stranger = f"import sys; sys.path.insert(0, {str(tmp_path)!r})"
    code = f"{stranger}\nfrom teleop_studio import doctor\nprint(doctor.check_packages())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "ok=False" in done.stdout
    assert f"'ui' comes from {tmp_path}" in done.stdout
    assert "environment of its own" in done.stdout


def install(folder: Path, content: bytes) -> Path:
    """A folder that looks like an environment with the wheel installed; returns its one recorded file."""
    module = folder / "drivers" / "clock.py"
    module.parent.mkdir()
    module.write_bytes(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    record = folder / "teleop_studio-9.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: teleop-studio\nVersion: 9\n")
    (record / "RECORD").write_text(f"drivers/clock.py,sha256={digest},{len(content)}\n")
    return module


def test_a_changed_file_of_an_installed_wheel_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(tmp_path, b"TICK = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert doctor.check_files().text == "all 1 installed files are as built"
    module.write_bytes(b"TICK = 2\n")
    assert "1 of 1 installed files are missing or changed, first drivers/clock.py" in doctor.check_files().text
    module.unlink()
    assert not doctor.check_files().ok


def test_a_torch_that_does_not_load_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libgomp is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = doctor.check_torch()
    assert (found.ok, found.text) == (False, "ImportError: libgomp is missing")


def test_a_torch_that_takes_more_threads_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '2.11'\ndef get_num_threads(): return 8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "torch 2.11 uses 8 threads although one was asked for" in doctor.check_torch().text


def test_two_mixed_versions_of_mujoco_get_their_own_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mujoco.py").write_text("raise OSError('libmujoco.so.4.0.0: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = doctor.check_rendering()
    assert not found.ok
    assert "uninstall -y mujoco mujoco-core mujoco-studio" in found.remedy


@pytest.mark.skipif(sys.platform != "linux", reason="the drawing back end can only be chosen on Linux")
def test_a_machine_that_can_not_draw_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "nothing")
    found = doctor.check_rendering()
    assert not found.ok
    assert "MuJoCo can not draw: " in found.text
    assert "make setup" in found.remedy


def test_a_qt_that_can_not_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PySide6.py").write_text("raise ImportError('libEGL.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = doctor.check_window()
    assert not found.ok
    assert "Qt can not start: " in found.text


def test_too_little_shared_memory_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_shared_memory(tmp_path).ok
    monkeypatch.setattr(doctor, "SHARED_MEMORY_MIB", 2**40)
    assert "MiB are needed" in doctor.check_shared_memory(tmp_path).text
    assert doctor.check_shared_memory(tmp_path / "none").ok


def test_a_workspace_that_can_not_be_used_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_workspace(tmp_path / "a" / "b").ok
    (tmp_path / "file").touch()
    assert doctor.check_workspace(tmp_path / "file").text == f"{tmp_path / 'file'} is not a folder."
    assert doctor.check_workspace(tmp_path / "file" / "below").text == f"{tmp_path / 'file'} is not a folder."
    monkeypatch.setattr(doctor, "WORKSPACE_GIB", 2**40)
    assert "GiB free; an hour of demonstrations" in doctor.check_workspace(tmp_path).text
