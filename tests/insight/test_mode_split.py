"""Left and right, from tip paths alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from teleop_studio.insight.mode_split import DEAD_BAND_M, side_of_demonstration, split

H, K = 16, 8
START = np.array([0.20, 0.0, 0.20])


def bundle(count: int, end_y: float, noise_m: float = 0.004, seed: int = 0) -> NDArray[np.float64]:
    """(count, H, 3) straight chunks from the start to about (0.27, end_y)."""
    ends = np.array([0.27, end_y, 0.16]) + np.random.default_rng(seed).normal(0, noise_m, (count, 3))
    paths: NDArray[np.float64] = START + np.linspace(0, 1, H)[None, :, None] * (ends - START)[:, None, :]
    return paths


def grasp(side: float, bottle_y: float = 0.0) -> NDArray[np.float64]:
    """(T, 3) an approach that swings out by `side` m, goes down to the bottle, closes and lifts."""
    bottle = np.array([0.29, bottle_y, 0.06])
    via = START + 0.8 * (bottle - START) + np.array([-0.01, side, 0.11])
    corners = [START, via, bottle, bottle, bottle + np.array([-0.02, np.sign(side) * 0.02, 0.1])]
    times = np.arange(len(corners))
    at = np.linspace(0, len(corners) - 1, 400)
    return np.stack([np.interp(at, times, np.array(corners)[:, axis]) for axis in range(3)], axis=1)


def test_two_even_bundles_are_half_left_and_half_right() -> None:
    found = split(np.concatenate([bundle(16, 0.06), bundle(16, -0.06, seed=1)]), K)
    assert (found.left_share, found.right_share, found.bundles) == (0.5, 0.5, 2)


def test_the_middle_moves_with_the_bundles_so_a_bottle_off_the_axis_changes_no_share() -> None:
    # Both ends lie left of straight ahead; they still part to the left and to the right of the bottle.
    found = split(np.concatenate([bundle(8, 0.10), bundle(24, 0.02, seed=1)]), K)
    assert (found.left_share, found.right_share) == (0.25, 0.75)


def test_a_small_bundle_is_not_swallowed_by_the_large_one() -> None:
    found = split(np.concatenate([bundle(30, 0.06), bundle(2, -0.06, seed=1)]), K)
    assert (found.left_share, found.right_share) == (30 / 32, 2 / 32)


def test_one_bundle_to_the_left_is_all_left() -> None:
    found = split(bundle(32, 0.06), K)
    assert (found.left_share, found.right_share, found.bundles) == (1.0, 0.0, 1)


def test_one_bundle_straight_ahead_goes_neither_way() -> None:
    found = split(bundle(32, 0.0, noise_m=0.003), K)
    assert (found.left_share, found.right_share, found.bundles) == (0.0, 0.0, 1)


def test_a_wide_smear_is_not_called_two_bundles() -> None:
    ends = np.linspace(-0.04, 0.04, 32)
    smear = np.concatenate([bundle(1, y, noise_m=0.0) for y in ends])
    assert split(smear, K).bundles == 1


def test_what_counts_as_straight_ahead_can_be_turned() -> None:
    turned = 0.5
    rotation = np.array([[np.cos(turned), -np.sin(turned), 0], [np.sin(turned), np.cos(turned), 0], [0, 0, 1]])
    paths = bundle(32, -0.06) @ rotation.T
    assert split(paths, K).left_share == 1.0
    assert split(paths, K, straight_ahead_rad=turned).right_share == 1.0


def test_spread_is_measured_inside_each_bundle_not_between_them() -> None:
    torn = split(np.concatenate([bundle(16, 0.06), bundle(16, -0.06, seed=1)]), K)
    decided = split(bundle(32, 0.06), K)
    assert 0.5 * decided.spread_mm < torn.spread_mm < 2 * decided.spread_mm


def test_spread_is_the_mean_distance_at_step_k_in_mm() -> None:
    paths = np.zeros((2, H, 3))
    paths[0, K], paths[1, K] = [0.3, 0.004, 0.1], [0.3, -0.004, 0.1]
    assert split(paths, K).spread_mm == pytest.approx(4.0)


def test_a_single_sample_has_a_side_and_no_spread() -> None:
    found = split(bundle(1, -0.06, noise_m=0.0), H)
    assert (found.right_share, found.spread_mm) == (1.0, 0.0)


@given(st.integers(1, 40), st.integers(1, H), st.integers(0, 2**32 - 1))
def test_shares_add_up_to_at_most_one_and_mirror(count: int, executed: int, seed: int) -> None:
    paths = np.random.default_rng(seed).normal(0, 0.05, (count, H, 3))
    found, mirrored = split(paths, executed), split(paths * [1, -1, 1], executed)
    assert 0 <= found.left_share + found.right_share <= 1
    assert (found.left_share, found.right_share) == (mirrored.right_share, mirrored.left_share)
    assert found.spread_mm == pytest.approx(mirrored.spread_mm)


@pytest.mark.parametrize(
    ("paths", "executed", "message"),
    [
        (np.zeros((0, H, 3)), K, r"got \(0, 16, 3\)"),
        (np.zeros((4, 3)), K, r"got \(4, 3\)"),
        (np.zeros((4, H, 3)), 17, "executed_steps = 17"),
        (np.zeros((4, H, 3)), 0, "executed_steps = 0"),
        (np.full((4, H, 3), np.nan), K, "192 values that are not finite"),
    ],
)
def test_samples_that_make_no_sense_are_refused(paths: NDArray[np.float64], executed: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(paths, executed)


@pytest.mark.parametrize("bottle_y", [-0.03, 0.0, 0.03])
def test_a_demonstration_has_the_side_it_swings_to_wherever_the_bottle_stands(bottle_y: float) -> None:
    assert side_of_demonstration(grasp(0.05, bottle_y)) == "left"
    assert side_of_demonstration(grasp(-0.05, bottle_y)) == "right"


@pytest.mark.parametrize("bottle_y", [-0.03, 0.0, 0.03])
def test_a_straight_approach_goes_neither_way(bottle_y: float) -> None:
    assert side_of_demonstration(grasp(0.0, bottle_y)) == "neither"


def test_what_happens_after_the_grasp_does_not_count() -> None:
    carried = np.concatenate([grasp(0.05), grasp(0.05)[-1] + np.linspace(0, 1, 50)[:, None] * [0.0, -0.3, 0.0]])
    assert side_of_demonstration(carried) == "left"


@pytest.mark.parametrize("side", [-1, 1])
def test_passing_the_obstacle_lower_than_the_grasp_changes_nothing(side: int) -> None:
    beside, bottle = [0.235, 0.085 * side, 0.094], [0.365, 0.0, 0.097]
    corners = np.array([[0.17, 0, 0.21], [0.23, 0, 0.11], beside, bottle, [0.36, 0.02 * side, 0.2]])
    assert side_of_demonstration(corners) == ("left" if side > 0 else "right")


def test_an_arm_that_only_sank_a_little_goes_neither_way() -> None:
    path = np.tile(START, (20, 1)) - np.linspace(0, 0.02, 20)[:, None] * [0, 0, 1]
    assert side_of_demonstration(path) == "neither"


def test_the_dead_band_is_the_limit() -> None:
    path = np.array([[0.2, 0.0, 0.2], [0.25, 0.0, 0.15], [0.3, 0.0, 0.05]])
    for offset, expected in ((DEAD_BAND_M - 1e-6, "neither"), (DEAD_BAND_M + 1e-6, "left")):
        path[1, 1] = offset
        assert side_of_demonstration(path) == expected


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(T, 3\) with T > 0, got \(0, 3\)"):
        side_of_demonstration(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="1 values that are not finite"):
        side_of_demonstration(np.array([[0.2, np.inf, 0.1]]))
