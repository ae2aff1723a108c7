"""An export is there whole or not at all, and what can not be exported is refused with the reason."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import pytest

from recorders.aside import made_aside
from recorders.episode_builder import build_episode
from recorders.episode_writer import CameraDescription, EpisodeWriter
from recorders.errors import EpisodeCorrupt, EpisodeMissing, TransferCancelled, TransferRefused
from recorders.exporters import Exporter
from recorders.exporters.export import export
from recorders.exporters.hdf5_content import Checksums, check_file, write_array
from tests.recorders.takes import CAMERAS, add_second, description, recorded

PATIENCE_S = 60.0
ROOT = Path(__file__).parents[3]
# Exports with a word of progress on stdout before each picture that is told, then waits for ever at the wished one.
CHILD = """
import sys, threading
from pathlib import Path
from recorders.exporters.export import export
def progress(done, total, detail):
    print(detail, flush=True)
    if detail.startswith("Episode 2"):
        threading.Event().wait()
export(sys.argv[1], [Path(path) for path in sys.argv[3:]], Path(sys.argv[2]), progress=progress)
"""


@pytest.fixture
def episodes(tmp_path: Path) -> list[Path]:
    return [build_episode(recorded(tmp_path / "episodes", seconds)) for seconds in (1, 1)]


def beside(out: Path) -> list[str]:
    """Everything in the folder of the export but the episodes."""
    return sorted(path.name for path in out.parent.iterdir() if path.name != "episodes")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joint_names": ("a", "b", "c", "d", "e", "f", "grip")}, r"joints a, b, c, d, e, f, grip and pan, lift"),
        ({"position_unit": "percent"}, "position unit percent and rad"),
        ({"effort_units": ("%",) * 7}, "effort units %, %"),
        (
            {"cameras": (CAMERAS[0], CameraDescription("wrist", 64, 48, 30.0))},
            "cameras front 64x48, wrist 64x48 and front 64x48, wrist 32x24",
        ),
    ],
)
def test_episodes_of_different_rigs_are_refused_with_the_difference(
    changes: dict[str, Any], words: str, tmp_path: Path, episodes: list[Path]
) -> None:
    writer = EpisodeWriter(tmp_path / "episodes", description(**changes))
    cameras = changes.get("cameras", CAMERAS)
    add_second(writer, 0, cameras)
    odd = build_episode(writer.finish("success"))
    with pytest.raises(TransferRefused, match=words) as refusal:
        export("act", [*episodes, odd], tmp_path / "out")
    assert odd.name in str(refusal.value)
    assert beside(tmp_path / "out") == []


def test_what_can_not_be_exported_is_refused_before_anything_is_written(tmp_path: Path, episodes: list[Path]) -> None:
    out = tmp_path / "out"
    with pytest.raises(TransferRefused, match=r"no export format 'mat'. Known formats: lerobot"):
        export("mat", episodes, out)
    with pytest.raises(TransferRefused, match="no episode to export"):
        export("act", [], out)
    with pytest.raises(TransferRefused, match="1000 rows per second"):
        export("act", episodes, out, fps=1000)
    with pytest.raises(EpisodeMissing, match=r"There is no episode file .*gone\.h5"):
        export("act", [*episodes, tmp_path / "gone.h5"], out)
    assert beside(out) == []
    out.mkdir()
    with pytest.raises(TransferRefused, match=r"There is a file or folder .*out already"):
        export("act", episodes, out)
    assert list(out.iterdir()) == []


def test_a_format_says_what_has_to_be_installed_for_it() -> None:
    entry = Exporter("Title", "Description.", "no.such.module", ("json", "no_such_package"))
    assert entry.missing() == "Install no_such_package: pip install 'teleop-studio[lerobot]'"


@pytest.mark.parametrize("name", ["act", "act-jpeg", "robomimic", "plain"])
def test_a_cancelled_export_leaves_nothing(name: str, tmp_path: Path, episodes: list[Path]) -> None:
    said: list[str] = []
    out = tmp_path / "deeper" / "out"
    with pytest.raises(TransferCancelled, match="Nothing of it was kept"):
        export(
            name,
            episodes,
            out,
            progress=lambda done, total, detail: said.append(detail),
            cancelled=lambda: any(detail.startswith("Episode 2") for detail in said),
        )
    assert list(out.parent.iterdir()) == []


@pytest.mark.alone
def test_a_killed_export_leaves_nothing_under_its_name_and_the_next_one_tidies_up(
    tmp_path: Path, episodes: list[Path]
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", CHILD, "act", str(out), *map(str, episodes)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        while not child.stdout.readline().startswith("Episode 2"):
            assert child.poll() is None
        with pytest.raises(TransferRefused, match=r"Another export to .*out is running"):
            export("act", episodes, out)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert beside(out) == [".out.partial"]
    assert export("act", episodes, out).episodes == 2
    assert beside(out) == ["out"]


@pytest.mark.alone
def test_a_full_disk_ends_an_export_with_a_sentence_and_without_a_trace(tmp_path: Path, episodes: list[Path]) -> None:
    # A limit on the size of files looks to the writer as a full disk does.
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from recorders.errors import RecorderError; from recorders.exporters.export import export\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try: export('plain', [Path(path) for path in sys.argv[2:]], Path(sys.argv[1]))\n"
        "except RecorderError as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out"), *map(str, episodes)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout.startswith("DiskFull The disk is full. The app could not write the export"), done.stderr
    assert beside(tmp_path / "out") == []


def test_a_byte_that_changed_on_the_way_to_the_disk_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file.hdf5"
    sums: Checksums = {}
    with h5py.File(path, "w") as file:
        write_array(file, "inside/action", [[1.0, 2.0]], sums)
        write_array(file, "other", [3], sums)
    check_file(path, sums)
    with h5py.File(path, "r+") as file:
        file["inside/action"][0, 1] = 2.5
    with pytest.raises(EpisodeCorrupt, match=r"The array /inside/action of file\.hdf5 is not the one"):
        check_file(path, sums)


def _hold(path: str, ready: Any, release: Any) -> None:
    with made_aside(Path(path), "busy"):
        ready.set()
        release.wait(PATIENCE_S)


@pytest.mark.alone
def test_only_one_process_works_aside_at_a_time(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, release = spawn.Event(), spawn.Event()
    holder = spawn.Process(target=_hold, args=(str(tmp_path / "aside"), ready, release))
    holder.start()
    try:
        assert ready.wait(PATIENCE_S)
        with pytest.raises(TransferRefused, match="busy"), made_aside(tmp_path / "aside", "busy"):
            pass
    finally:
        release.set()
        holder.join(PATIENCE_S)
    with made_aside(tmp_path / "aside", "busy") as folder:
        assert list(folder.iterdir()) == []
    assert not (tmp_path / "aside").exists()
