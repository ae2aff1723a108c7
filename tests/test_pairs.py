"""Both sides of every layout, by hand: the operator is led from side to side and mark to mark."""

import pytest

from teleop_studio.pairs import Pairs


def sides(pairs: Pairs, takes: int) -> list[tuple[int, str]]:
    seen = []
    for _ in range(takes):
        prompt = pairs.prompt()
        assert prompt is not None
        seen.append((prompt.layout, prompt.side))
        pairs.kept()
    return seen


def test_every_layout_is_asked_for_from_the_left_and_then_from_the_right() -> None:
    pairs = Pairs(2)
    assert sides(pairs, 4) == [(1, "left"), (1, "right"), (2, "left"), (2, "right")]
    assert pairs.finished
    assert pairs.prompt() is None


def test_both_takes_of_a_layout_carry_one_pair_and_their_own_side_and_the_next_layout_another() -> None:
    pairs = Pairs(2)
    first = pairs.said()
    pairs.kept()
    second = pairs.said()
    pairs.kept()
    third = pairs.said()
    assert first["pair"] == second["pair"] != third["pair"]
    assert [said["operator_side"] for said in (first, second, third)] == ["left", "right", "left"]
    assert [said["layout"] for said in (first, second, third)] == [1, 1, 2]


def test_a_take_that_was_not_kept_leaves_everything_as_it_was() -> None:
    pairs = Pairs(1)
    pairs.kept()
    assert pairs.prompt() == pairs.prompt()
    assert pairs.said() == pairs.said()
    assert pairs.half_done


def test_the_words_tell_a_person_where_things_go_and_which_way_to_grasp() -> None:
    pairs = Pairs(40)
    first = pairs.prompt()
    pairs.kept()
    second = pairs.prompt()
    assert first is not None
    assert second is not None
    assert first.todo == "Put everything on the tape marks, then press Space."
    assert second.todo == "Put everything back on the same marks, then press Space."
    assert (first.second, second.second) == (False, True)


def test_the_simulated_scene_gets_the_same_layout_for_both_sides() -> None:
    pairs = Pairs(2, first_seed=70)
    seeds = []
    while not pairs.finished:
        seeds.append((pairs.seed, pairs.said()["seed"]))
        pairs.kept()
    assert seeds == [(70, 70), (70, 70), (71, 71), (71, 71)]


def test_no_layout_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="layouts = 0: record at least one"):
        Pairs(0)
