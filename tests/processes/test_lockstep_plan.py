"""However a lock-step job is shared among processes, the same takes come out."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.processes.lockstep_plan import SIDES, EvaluateJob, RecordJob, split

RUNS = (Path("a"), Path("b"))


def record(episodes: int, seed: int = 0) -> RecordJob:
    return RecordJob(episodes, seed, Path("episodes"), "grasp")


def takes(job: RecordJob) -> list[tuple[str, int]]:
    """(side, layout) of each demonstration when none fails."""
    return [(job.sides[k % len(job.sides)], job.seed + k * job.stride) for k in range(job.episodes)]


@given(episodes=st.integers(1, 60), seed=st.integers(0, 1000), workers=st.integers(1, 4))
def test_demonstrations_are_the_same_ones_for_any_number_of_workers(episodes: int, seed: int, workers: int) -> None:
    job = record(episodes, seed)
    parts = split(job, workers)
    assert 1 <= len(parts) <= workers
    found = []
    for part in parts:
        assert isinstance(part, RecordJob)
        assert (part.folder, part.task) == (job.folder, job.task)
        found += takes(part)
    assert sorted(found) == sorted(takes(job))


@given(episodes=st.integers(2, 60))
def test_two_workers_take_one_side_each_and_never_share_a_layout(episodes: int) -> None:
    left, right = split(record(episodes), 2)
    assert isinstance(left, RecordJob)
    assert isinstance(right, RecordJob)
    assert (left.sides, right.sides) == (SIDES[:1], SIDES[1:])
    assert 0 <= left.episodes - right.episodes <= 1
    # Also when one of them has to repeat: its further layouts are not the other's.
    layouts = [{part.seed + k * part.stride for k in range(200)} for part in (left, right)]
    assert not layouts[0] & layouts[1]


@given(trials=st.integers(1, 60), workers=st.integers(1, 4))
def test_each_run_is_tried_from_each_start_once(trials: int, workers: int) -> None:
    job = EvaluateJob(RUNS, tuple(range(1000, 1000 + trials)), None, 8, 10)
    parts = split(job, workers)
    assert 1 <= len(parts) <= workers
    seeds: list[int] = []
    for part in parts:
        assert isinstance(part, EvaluateJob)
        assert part.seeds
        assert (part.runs, part.folder, part.executed_steps, part.solver_steps) == (RUNS, None, 8, 10)
        seeds += part.seeds
    assert sorted(seeds) == list(job.seeds)


@pytest.mark.parametrize("episodes", [1, 7])
def test_one_worker_gets_the_job_as_it_is(episodes: int) -> None:
    assert split(record(episodes), 1) == [record(episodes)]


def test_pairs_stay_together_however_many_processes_share_them(tmp_path: Path) -> None:
    job = RecordJob(10, 100, tmp_path, "grasp", paired=True)
    for workers in (1, 2, 3):
        parts = [part for part in split(job, workers) if isinstance(part, RecordJob)]
        assert sum(part.episodes for part in parts) == 10
        assert all(part.paired and part.episodes % 2 == 0 for part in parts)
        layouts = [part.seed + k * part.stride for part in parts for k in range(part.episodes // 2)]
        assert sorted(layouts) == list(range(100, 105))


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="episodes = 3: both sides of every layout make an even number"):
        RecordJob(3, 0, tmp_path, "", paired=True)
