import pytest

from teleop_studio.training.errors import TrainingError
from teleop_studio.training.split import Member, held_out


def members(numbers: list[int], **said: str) -> list[Member]:
    """`said` "number_12" -> what the operator said of number 12."""
    return [Member(f"{k:06d}.h5", f"uuid-{k}", k, said.get(f"number_{k}", "")) for k in numbers]


def aside(episodes: list[Member]) -> list[int]:
    return [episode.number for episode, held in zip(episodes, held_out(episodes), strict=True) if held]


def test_every_eleventh_is_held_out_from_the_first_on() -> None:
    assert aside(members(list(range(1, 45)))) == [1, 12, 23, 34]


def test_recording_more_and_binning_some_moves_no_other_episode() -> None:
    recorded = list(range(1, 30))
    before = aside(members(recorded))
    for more in (recorded + [30, 31], [k for k in recorded if k not in (2, 3, 17, 23)], recorded[5:]):
        assert [k for k in aside(members(more)) if k in recorded] == [k for k in before if k in more]
    assert aside(members([1, 2])) == aside(members(list(range(1, 12)))) == [1]  # nor before the eleventh


def test_the_operators_word_counts_and_the_rest_follows_the_rule() -> None:
    assert aside(members(list(range(1, 14)), number_1="train", number_5="held_out")) == [5, 12]


def test_when_the_rule_keeps_none_aside_the_lowest_number_left_open_is() -> None:
    assert aside(members([7, 5, 9])) == [5]
    assert aside(members([7, 5, 9], number_5="train")) == [7]


def test_when_the_rule_keeps_all_aside_the_others_are_learnt_from() -> None:
    assert aside(members([12, 1])) == [1]
    assert aside(members([12, 1], number_12="held_out")) == [12]


def test_files_without_a_number_are_told_apart_by_their_uuid() -> None:
    foreign = [Member(f"take-{k}.h5", f"uuid-{k}", 0, "") for k in range(400)]
    sides = held_out(foreign)
    assert 20 < sum(sides) < 60
    assert held_out(foreign[200:]) == sides[200:]


@pytest.mark.parametrize(
    ("split", "says"),
    [
        ("train", r"All 2 episodes are marked for training\. Mark at least one to measure the error with"),
        ("held_out", r"All 2 episodes are marked held out\. Mark at least one to learn from"),
    ],
)
def test_marks_that_leave_one_side_empty_are_refused(split: str, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        held_out(members([1, 2], number_1=split, number_2=split))
