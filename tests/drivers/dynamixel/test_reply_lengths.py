from drivers.clock import ManualClock
from drivers.dynamixel.reply_lengths import ReplyLengths

MS = 1_000_000


def test_each_request_that_is_given_up_makes_way_for_another_length() -> None:
    lengths = ReplyLengths(ManualClock())
    seen = []
    while not lengths.doubtful:
        seen.append(lengths.extra)
        lengths.give_up([3])
    assert seen == list(range(8))


def test_only_those_that_did_not_answer_are_in_doubt() -> None:
    clock = ManualClock()
    lengths = ReplyLengths(clock)
    for k in range(8):
        lengths.give_up([3] if k else [3, 5])
    assert lengths.doubtful == {3, 5}
    lengths.give_up([7])
    assert lengths.doubtful == {3}
    for _ in range(7):
        lengths.give_up([])
    assert lengths.doubtful == {3, 5, 7}


def test_a_length_is_free_again_when_no_answer_of_it_can_come_any_more() -> None:
    clock = ManualClock()
    lengths = ReplyLengths(clock)
    for _ in range(8):
        lengths.give_up([3])
        clock.advance_ns(10 * MS)
    assert lengths.doubtful  # the first was given up 80 ms ago
    clock.advance_ns(20 * MS)
    assert not lengths.doubtful
    lengths.give_up([4])
    assert lengths.doubtful == {3}
    clock.advance_ns(10 * MS)
    assert not lengths.doubtful
