"""How much a demonstration run does: what is asked for, else what fits its time."""

from pathlib import Path

from teleop_studio.demo import DemoPlan


def test_what_is_asked_for_is_taken_and_the_rest_fits_the_time() -> None:
    slow, fast = (DemoPlan.of(Path("demo"), fast, None, None, 30) for fast in (False, True))
    assert min(slow.demonstrations, fast.demonstrations) >= 40
    assert min(slow.trials, fast.trials) >= 30
    asked = DemoPlan.of(Path("demo"), True, 2, 5, 1)
    assert (asked.demonstrations, asked.steps, asked.trials) == (2, 5, 1)
    assert asked.workspace == Path("demo/workspace")
