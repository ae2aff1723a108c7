"""A chunk is a path in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teleop_studio.chunk import ActionChunk

START_NS, DT_S = 7_000_000_000, 1 / 15
chunks = st.integers(1, 20).flatmap(
    lambda horizon: arrays(np.float64, (horizon, 3), elements=st.floats(-4, 4)).map(
        lambda actions: ActionChunk(START_NS, DT_S, actions)
    )
)


def stamp(k: float) -> int:
    return START_NS + round(k * DT_S * 1e9)


@given(chunk=chunks)
def test_it_passes_through_its_goals(chunk):
    for k, goal in enumerate(chunk.actions):
        np.testing.assert_allclose(chunk.at(stamp(k)), goal, atol=1e-6)


@given(chunk=chunks, k=st.floats(-30, 50))
def test_it_stays_between_neighbours_and_holds_at_its_ends(chunk, k):
    last = len(chunk.actions) - 1
    low, high = int(np.clip(np.floor(k), 0, last)), int(np.clip(np.ceil(k), 0, last))
    pair = chunk.actions[[low, high]]
    goal = chunk.at(stamp(k))
    assert np.all(goal >= pair.min(axis=0) - 1e-6)
    assert np.all(goal <= pair.max(axis=0) + 1e-6)


def test_between_two_goals_it_is_linear():
    chunk = ActionChunk(START_NS, DT_S, np.array([[0.0, 10.0], [1.0, 20.0], [5.0, 0.0]]))
    np.testing.assert_allclose(chunk.at(stamp(0.25)), [0.25, 12.5], atol=1e-6)
    np.testing.assert_allclose(chunk.at(stamp(1.5)), [3.0, 10.0], atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 7), (7,), (4, 0), (2, 3, 7)])
def test_goals_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(H, D\) goals, at least one"):
        ActionChunk(0, DT_S, np.zeros(shape))


@pytest.mark.parametrize("dt_s", [0.0, -1.0, np.nan, np.inf])
def test_goals_without_time_between_them_are_refused(dt_s):
    with pytest.raises(ValueError, match="dt_s = "):
        ActionChunk(0, dt_s, np.zeros((2, 7)))
