"""Statistics of many episodes are those of all their rows together, without a look at any row again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorders.statistics import Moments, merged


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=20),
    seed=st.integers(0, 2**31),
    offset=st.sampled_from([0.0, 1e3, -1e6]),
)
def test_merged_statistics_are_those_of_all_rows(lengths: list[int], seed: int, offset: float) -> None:
    rng = np.random.default_rng(seed)
    episodes = [rng.normal(offset + rng.normal(), rng.uniform(0, 2), (length, 3)) for length in lengths]
    found = merged([Moments.of(episode).to_bytes() for episode in episodes], 3)
    rows = np.concatenate(episodes)
    assert found.count == len(rows)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.std, rows.std(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.least, rows.min(axis=0))
    np.testing.assert_array_equal(found.most, rows.max(axis=0))


def test_a_large_mean_does_not_drown_a_small_spread() -> None:
    # Sums of squares would lose all digits of the spread here.
    rows = 1e8 + np.linspace(-1e-3, 1e-3, 3000).reshape(-1, 1)
    found = merged([Moments.of(part).to_bytes() for part in np.array_split(rows, 7)], 1)
    np.testing.assert_allclose(found.std, rows.std(axis=0), rtol=1e-4)


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"need \(T, D\) with T > 0, got \(0, 3\)"):
        Moments.of(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="0 statistics can not be merged"):
        merged([], 3)
    with pytest.raises(ValueError, match="can not be merged for 4 joints"):
        merged([Moments.of(np.zeros((2, 3))).to_bytes()], 4)
