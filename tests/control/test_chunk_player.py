"""Chunks are played by time: late answers skip, missing ones are counted, each is asked for once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_link import ChunkLink
from teleop_studio.control.chunk_player import ChunkPlayer
from tests.control.arms import HOME, D, reading

H, DT_NS = 16, 50_000_000
AT_HOME = reading(HOME, 0)


def chunk(start_ns: int = 0, horizon: int = H, offset: float = 0.0) -> ActionChunk:
    """Goal k is k + offset."""
    return ActionChunk(start_ns, DT_NS * 1e-9, (np.arange(horizon)[:, None] + offset) * np.ones(D))


def goal(player: ChunkPlayer, now_ns: int) -> float:
    action = player.action(now_ns, AT_HOME, AT_HOME)
    assert action is not None
    return float(action[0])


def playing(executed_steps: int = 8, horizon: int = H) -> ChunkPlayer:
    player = ChunkPlayer(executed_steps)
    assert player.wants_chunk(0)
    player.accept(chunk(horizon=horizon), 0)
    return player


class TestPlayer:
    def test_before_the_first_chunk_it_holds_and_is_not_starved(self):
        player = ChunkPlayer()
        assert player.action(0, AT_HOME, AT_HOME) is None
        assert player.starved_ticks == 0

    def test_it_interpolates_by_time_and_not_by_ticks(self):
        player = playing()
        assert goal(player, DT_NS * 5 // 2) == pytest.approx(2.5)
        assert goal(player, DT_NS // 2) == pytest.approx(0.5)
        assert goal(player, DT_NS * 7) == pytest.approx(7)

    def test_a_chunk_is_wanted_once_when_its_steps_have_run(self):
        player = playing(executed_steps=8)
        assert not player.wants_chunk(8 * DT_NS - 1)
        assert player.wants_chunk(8 * DT_NS)
        assert not any(player.wants_chunk(8 * DT_NS + k) for k in range(1000))

    @pytest.mark.parametrize("executed_steps", [15, 16, 99])
    def test_at_most_all_steps_but_the_last_run_open_loop(self, executed_steps):
        player = playing(executed_steps)
        assert not player.wants_chunk((H - 1) * DT_NS - 1)
        assert player.wants_chunk((H - 1) * DT_NS)

    def test_a_chunk_of_one_goal_asks_for_the_next_at_once(self):
        assert playing(horizon=1).wants_chunk(0)

    def test_after_a_failure_it_asks_again(self):
        player = playing()
        assert player.wants_chunk(8 * DT_NS)
        player.request_failed()
        assert player.wants_chunk(8 * DT_NS)

    def test_meanwhile_the_old_chunk_goes_on_to_its_end_then_its_last_goal_holds_and_ticks_starve(self):
        player = playing()
        assert goal(player, 12 * DT_NS) == pytest.approx(12)
        assert goal(player, (H - 1) * DT_NS) == H - 1
        assert player.starved_ticks == 0
        assert [goal(player, (H + k) * DT_NS) for k in range(3)] == [H - 1] * 3
        assert player.starved_ticks == 3

    def test_a_late_answer_is_entered_where_it_is_due(self):
        player = playing()
        player.wants_chunk(8 * DT_NS)
        player.accept(chunk(start_ns=8 * DT_NS, offset=100), 10 * DT_NS)
        assert goal(player, 11 * DT_NS) == pytest.approx(103)

    def test_the_first_chunk_begins_when_it_arrives_for_until_then_the_arm_held(self):
        player = ChunkPlayer()
        player.accept(chunk(start_ns=0), 3 * DT_NS)
        assert goal(player, 3 * DT_NS) == 0
        assert goal(player, 5 * DT_NS) == pytest.approx(2)

    def test_after_starving_the_next_chunk_begins_when_it_arrives(self):
        player = playing()
        player.accept(chunk(start_ns=8 * DT_NS, offset=100), 20 * DT_NS)
        assert goal(player, 20 * DT_NS) == 100

    def test_an_answer_that_is_over_already_starves_and_is_followed_by_a_new_question(self):
        player = playing()
        player.accept(chunk(), DT_NS)
        assert goal(player, 20 * DT_NS) == H - 1
        assert player.starved_ticks == 1
        assert player.wants_chunk(20 * DT_NS)

    def test_a_second_after_its_end_an_old_plan_asks_for_nothing_any_more(self):
        player = playing()
        end_ns = (H - 1) * DT_NS
        assert goal(player, end_ns + 1_000_000_000) == H - 1
        assert player.action(end_ns + 1_000_000_001, AT_HOME, AT_HOME) is None
        player.accept(chunk(start_ns=end_ns + 1_200_000_000, offset=100), end_ns + 1_300_000_000)
        assert goal(player, end_ns + 1_300_000_000) == 100

    @pytest.mark.parametrize("age_s", [2.6, 60.0, -0.6])
    def test_a_chunk_from_an_old_picture_or_from_the_future_is_not_entered_and_asked_for_again(self, age_s):
        player = playing()
        now_ns = 8 * DT_NS + 100_000_000_000
        assert player.wants_chunk(now_ns)
        player.accept(chunk(start_ns=now_ns - round(age_s * 1e9), offset=100), now_ns)
        assert (player.chunks, player.stale_chunks) == (1, 1)
        assert player.wants_chunk(now_ns)

    def test_fewer_steps_from_the_window_take_effect_at_once(self):
        player = playing(executed_steps=12)
        player.executed_steps = 2
        assert player.wants_chunk(2 * DT_NS)

    def test_no_step_at_all_is_refused(self):
        with pytest.raises(ValueError, match="executed_steps = 0: at least one"):
            ChunkPlayer(0)


class Service:
    """Keeps the questions; answers what is put into `ready`."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.ready: list[tuple[int, ActionChunk | None]] = []

    def ask(self, request: int, now_ns: int) -> None:
        self.asked.append((request, now_ns))

    def answers(self) -> list[tuple[int, ActionChunk | None]]:
        ready, self.ready = self.ready, []
        return ready


class TestLink:
    def test_it_asks_once_and_gives_the_answer_to_the_player(self):
        service, player = Service(), ChunkPlayer()
        link = ChunkLink(service, first_request=41)
        for k in range(5):
            link.step(player, k)
        assert service.asked == [(42, 0)]
        answer = chunk()
        service.ready = [(42, answer)]
        link.step(player, 5)
        assert player.chunk is not None
        assert player.chunk.actions is answer.actions
        assert len(service.asked) == 1

    def test_a_failure_is_followed_by_a_new_question(self):
        service, player = Service(), ChunkPlayer()
        link = ChunkLink(service)
        link.step(player, 0)
        service.ready = [(1, None)]
        link.step(player, 1)
        assert service.asked == [(1, 0), (2, 1)]
        assert player.chunk is None

    def test_silence_for_two_seconds_is_a_failure_and_the_old_answer_is_not_taken_any_more(self):
        service, player = Service(), ChunkPlayer()
        link = ChunkLink(service)
        link.step(player, 0)
        link.step(player, 2_000_000_000)
        assert len(service.asked) == 1
        link.step(player, 2_000_000_001)
        assert service.asked[1:] == [(2, 2_000_000_001)]
        service.ready = [(1, chunk())]
        link.step(player, 2_000_000_002)
        assert player.chunk is None
        service.ready = [(2, chunk())]
        link.step(player, 2_000_000_003)
        assert player.chunks == 1

    def test_a_new_player_does_not_get_the_answers_to_the_last_one(self):
        service, first, second = Service(), ChunkPlayer(), ChunkPlayer()
        link = ChunkLink(service)
        link.step(first, 0)
        service.ready = [(1, chunk())]
        link.begin()
        service.ready = [(1, chunk())]  # on its way while the players changed
        link.step(second, 1)
        assert second.chunk is None
        assert service.asked == [(1, 0), (2, 1)]

    def test_an_answer_given_twice_is_taken_once(self):
        service, player = Service(), ChunkPlayer()
        link = ChunkLink(service)
        link.step(player, 0)
        service.ready = [(1, chunk()), (1, chunk(offset=100))]
        link.step(player, 1)
        assert player.chunks == 1
        assert goal(player, 0) == 0

    @given(
        events=st.lists(
            st.tuples(st.sampled_from(["answer", "fail", "nothing", "stray"]), st.integers(0, 900_000_000)), max_size=60
        )
    )
    def test_there_is_never_more_than_one_open_question(self, events):
        service, player = Service(), ChunkPlayer()
        link = ChunkLink(service)
        now_ns, open_since = 0, None
        for event, wait_ns in events:
            now_ns += wait_ns
            newest = service.asked[-1][0] if service.asked else 0
            if event in ("answer", "fail") and open_since is not None:
                service.ready = [(newest, chunk(now_ns) if event == "answer" else None)]
                open_since = None
            elif event == "stray":
                service.ready = [(newest - 1, chunk(now_ns))]
            before = len(service.asked)
            link.step(player, now_ns)
            if len(service.asked) > before:
                assert open_since is None or now_ns - open_since > 2_000_000_000
                assert len(service.asked) == before + 1
                open_since = now_ns
