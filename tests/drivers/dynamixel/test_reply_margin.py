from hypothesis import given
from hypothesis.strategies import integers, lists

from drivers.dynamixel.reply_margin import SHORTEST_NS, ReplyMargin

LONGEST_NS = 20_000_000
MS = 1_000_000


def after(margin: ReplyMargin, late_ns: int, answers: int) -> int:
    for _ in range(answers):
        margin.saw(late_ns)
    return margin.ns


def test_an_unknown_line_gets_the_longest_wait_and_a_quick_one_soon_the_shortest() -> None:
    margin = ReplyMargin(LONGEST_NS)
    assert margin.ns == LONGEST_NS
    assert after(margin, 100_000, 128) == SHORTEST_NS


def test_a_slow_adapter_gets_twice_what_it_needs() -> None:
    assert after(ReplyMargin(LONGEST_NS), 4 * MS, 128) == 8 * MS
    assert after(ReplyMargin(LONGEST_NS), 16 * MS, 128) == LONGEST_NS


def test_one_slow_answer_is_remembered_for_a_while() -> None:
    margin = ReplyMargin(LONGEST_NS)
    after(margin, 100_000, 128)
    margin.saw(5 * MS)
    assert after(margin, 100_000, 63) == 10 * MS
    assert after(margin, 100_000, 64) == 10 * MS
    assert after(margin, 100_000, 64) == SHORTEST_NS


def test_an_answer_that_was_not_waited_for_doubles_the_wait_at_once() -> None:
    margin = ReplyMargin(LONGEST_NS)
    after(margin, 100_000, 128)
    for expected_ms in (6, 12, 20, 20):
        margin.too_short()
        assert margin.ns == expected_ms * MS
    assert after(margin, 100_000, 64) == LONGEST_NS
    assert after(margin, 100_000, 128) == SHORTEST_NS


def test_a_wait_that_may_not_even_be_the_shortest_stays_what_it_is() -> None:
    margin = ReplyMargin(MS)
    margin.too_short()
    assert after(margin, 5 * MS, 200) == MS


@given(answers=lists(integers(-MS, 60 * MS), max_size=300))
def test_whatever_comes_the_wait_stays_within_its_bounds(answers: list[int]) -> None:
    margin = ReplyMargin(LONGEST_NS)
    for late_ns in answers:
        margin.saw(late_ns)
        if late_ns > margin.ns:
            margin.too_short()
        assert SHORTEST_NS <= margin.ns <= LONGEST_NS
