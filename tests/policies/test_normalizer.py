import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_studio.policies.normalizer import STATE_STD_FLOOR, Normalizer
from teleop_studio.policies.policy import Statistics
from tests.policies.toy_task import GRIPPER, TOY, unit_statistics


def fitted(seed: int) -> Normalizer:
    generator = torch.Generator().manual_seed(seed)

    def draw(size: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.randn(size, generator=generator), torch.rand(size, generator=generator) + 0.1

    normalizer = Normalizer(TOY)
    normalizer.fit(Statistics(*draw(7), *draw(7), *draw(6)))
    return normalizer


@given(seed=st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_actions_is_the_inverse_of_chunk(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    actions, measured = torch.randn(5, 16, 7, generator=generator), torch.randn(5, 7, generator=generator)
    normalizer = fitted(seed)
    back = normalizer.actions(normalizer.chunk(actions, measured), measured)
    torch.testing.assert_close(back, actions, atol=1e-5, rtol=1e-5)


def test_joints_are_learnt_relative_to_the_measured_pose_and_the_gripper_as_it_is() -> None:
    normalizer = Normalizer(TOY)
    normalizer.fit(unit_statistics())
    chunk = normalizer.chunk(torch.full((1, 16, 7), 0.8), torch.full((1, 7), 0.5))
    torch.testing.assert_close(chunk[..., :GRIPPER], torch.full((1, 16, 6), 0.3))
    torch.testing.assert_close(chunk[..., GRIPPER], torch.full((1, 16), 0.8))


def test_a_joint_that_never_moved_is_not_blown_up() -> None:
    normalizer = Normalizer(TOY)
    still = unit_statistics()
    still.chunk_std.zero_()
    still.state_std.zero_()
    normalizer.fit(still)
    assert float(normalizer.state(torch.full((1, 7), STATE_STD_FLOOR)).max()) <= 1.0 + 1e-6
    assert torch.isfinite(normalizer.chunk(torch.zeros(1, 16, 7), torch.zeros(1, 7))).all()


def test_the_numbers_travel_with_the_weights() -> None:
    first, second = fitted(3), Normalizer(TOY)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(second.chunk_std, first.chunk_std)
    torch.testing.assert_close(second.state_mean, first.state_mean)
