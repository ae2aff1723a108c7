import json
from pathlib import Path

import pytest

from teleop_studio.policies.checkpoint_folder import checkpoints, choose_best, read_best
from teleop_studio.remote.errors import HostRefused
from teleop_studio.remote.mirror import Mirror, publish
from tests.remote.near_host import NearHost


def checkpoint(run: Path, step: int, weights: bytes = b"weights") -> dict[str, int]:
    folder = run / "checkpoints" / f"{step:08d}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "trainer.safetensors").write_bytes(b"raw")
    (folder / "checkpoint.json").write_text(json.dumps({"step": step, "settings": {"backbone": "/there/b"}}))
    return {name: (folder / name).stat().st_size for name in ("model.safetensors", "checkpoint.json")}


@pytest.fixture
def there(near: NearHost) -> Path:
    run = near.home / "it's a run"
    run.mkdir()
    return run


@pytest.fixture
def here(tmp_path: Path) -> Path:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text("ours")
    (run / "trainer.log").write_text("ours\n")
    return run


@pytest.fixture
def mirror(near: NearHost, there: Path, here: Path) -> Mirror:
    def translated(said: dict[str, object]) -> dict[str, object]:
        return json.loads(json.dumps(said).replace("/there/", "/here/"))  # type: ignore[no-any-return]

    return Mirror(near.link, str(there), here, translated)


def fetched(mirror: Mirror, known: dict[str, dict[str, int]]) -> int:
    calls = 1
    while not mirror.fetch_checkpoint(known):
        calls += 1
    return calls


def test_a_file_that_grew_grows_and_one_that_changed_is_replaced(tmp_path: Path) -> None:
    copy, goal = tmp_path / "copy", tmp_path / "goal"
    copy.write_text("a\n")
    publish(copy, goal)
    inode = goal.stat().st_ino
    copy.write_text("a\nb\n")
    publish(copy, goal)
    assert (goal.read_text(), goal.stat().st_ino) == ("a\nb\n", inode)
    copy.write_text("c\n")  # a run that went back to its checkpoint writes fewer lines
    publish(copy, goal)
    assert goal.read_text() == "c\n"
    assert goal.stat().st_ino != inode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "goal"]


def test_the_files_of_a_run_come_here_but_not_what_is_ours_or_unfinished(
    mirror: Mirror, there: Path, here: Path
) -> None:
    for name in (
        "config.json",
        "status.json",
        "stop",
        "pause",
        ".launched.json",
        "metrics.jsonl.4711",
        "episodes.json",
    ):
        (there / name).write_text("theirs")
    (there / "trainer.log").write_text("theirs\n")
    (there / "metrics.jsonl").write_text('{"step": 1}\n')
    (there / "tensorboard").mkdir()
    (there / "tensorboard" / "events.out.tfevents.1.box.2.0").write_bytes(b"curves")
    mirror.fetch_files()
    assert sorted(path.name for path in here.iterdir() if not path.name.startswith(".")) == [
        "config.json", "episodes.json", "host.log", "metrics.jsonl", "tensorboard", "trainer.log"
    ]  # fmt: skip
    assert (here / "config.json").read_text() == "ours"
    assert ((here / "trainer.log").read_text(), (here / "host.log").read_text()) == ("ours\n", "theirs\n")
    assert (here / "tensorboard" / "events.out.tfevents.1.box.2.0").read_bytes() == b"curves"
    mirror.tidy()
    assert not (here / ".remote").exists()


def test_checkpoints_come_newest_first_without_what_only_the_trainer_needs(
    mirror: Mirror, there: Path, here: Path
) -> None:
    known = {f"{step:08d}": checkpoint(there, step) for step in (100, 200)}
    seen = []
    while not mirror.fetch_checkpoint(known):
        seen.append([int(found.name) for found in checkpoints(here)])
    assert [200] in seen
    assert [int(found.name) for found in checkpoints(here)] == [100, 200]
    newest = checkpoints(here)[-1]
    assert sorted(path.name for path in newest.iterdir()) == ["checkpoint.json", "model.safetensors"]
    assert json.loads((newest / "checkpoint.json").read_text())["settings"] == {"backbone": "/here/b"}
    assert fetched(mirror, known) == 1  # nothing is left to bring


def test_a_checkpoint_that_did_not_arrive_whole_is_never_seen(mirror: Mirror, there: Path, here: Path) -> None:
    sizes = checkpoint(there, 100)
    known = {"00000100": {**sizes, "model.safetensors": sizes["model.safetensors"] + 1}}
    with pytest.raises(HostRefused, match="Checkpoint 00000100 of box changed while it was copied"):
        fetched(mirror, known)
    assert checkpoints(here) == []
    fetched(mirror, {"00000100": sizes})  # the next time brings it
    assert len(checkpoints(here)) == 1


def test_the_best_checkpoint_is_chosen_once_it_is_here_and_trials_made_here_count_more(
    mirror: Mirror, there: Path, here: Path
) -> None:
    known = {f"{step:08d}": checkpoint(there, step) for step in (100, 200)}
    (there / "best.json").write_text('{"step": 100, "by": "held-out error", "value": 0.1}')
    mirror.fetch_files()
    assert read_best(here) is None
    fetched(mirror, known)
    best = read_best(here)
    assert best is not None
    assert (best.step, best.by) == (100, "held-out error")
    choose_best(here, 200, "trials", 0.9)
    (there / "best.json").write_text('{"step": 100, "by": "held-out error", "value": 0.05}')
    mirror.fetch_files()
    fetched(mirror, known)
    best = read_best(here)
    assert best is not None
    assert (best.step, best.by) == (200, "trials")
