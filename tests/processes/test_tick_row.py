"""A tick survives its row in shared memory field by field."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drivers.samples import JointState
from teleop_studio.control.first_motion import Waiting
from teleop_studio.control.loop import Tick
from teleop_studio.processes.shared_ring import SharedRing
from teleop_studio.processes.tick_row import SOURCES, TickRow, tick_dtype

D = 7
stamps = st.integers(0, 2**62)
vectors = arrays(np.float64, D, elements=st.floats(allow_nan=True, width=64))
states = st.builds(
    JointState,
    stamp_ns=stamps,
    position=vectors,
    velocity=vectors,
    effort=vectors,
    effort_unit=st.just(("mA",) * D),
    age_ns=arrays(np.int64, D, elements=stamps),
    alert=arrays(np.bool_, D),
)
ticks = st.builds(
    Tick,
    index=stamps,
    stamp_ns=stamps,
    leader=states,
    follower=states,
    requested=vectors,
    action=vectors,
    source=st.sampled_from(SOURCES),
    aligning=st.booleans(),
    gap=st.floats(0, 10),
    reason=st.text(max_size=5),
    late_ns=stamps,
    missed_deadlines=stamps,
    waiting=st.sampled_from(Waiting),
)


@settings(deadline=None, max_examples=40)
@given(tick=ticks, retries=stamps)
def test_every_field_comes_back(tick: Tick, retries: int) -> None:
    ring = SharedRing.create("tick_row", 2, (), tick_dtype(D))
    try:
        ring.push(TickRow(D).fill(tick, retries), tick.stamp_ns)
        found = ring.read(0)
        assert found is not None
        row = found[1]
        for name in ("index", "stamp_ns", "aligning", "gap", "waiting", "late_ns", "missed_deadlines"):
            assert row[name] == getattr(tick, name)
        for name in ("requested", "action"):
            np.testing.assert_array_equal(row[name], getattr(tick, name))
        for side in ("leader", "follower"):
            state = getattr(tick, side)
            assert row[f"{side}_stamp_ns"] == state.stamp_ns
            for name in ("position", "velocity", "effort"):
                np.testing.assert_array_equal(row[f"{side}_{name}"], getattr(state, name))
            np.testing.assert_array_equal(row[f"{side}_old"], state.age_ns > 0)
        np.testing.assert_array_equal(row["alert"], tick.follower.alert)
        assert SOURCES[int(row["source"])] == tick.source
        assert row["bus_retries"] == retries
    finally:
        ring.close()


def test_the_row_names_no_field_twice_and_all_of_them_are_filled() -> None:
    names = [field[0] for field in tick_dtype(D)]
    assert len(set(names)) == len(names)
    ones, alert = np.ones(D), np.ones(D, np.bool_)
    state = JointState(1, ones, ones, ones, ("mA",) * D, np.ones(D, np.int64), alert)
    tick = Tick(1, 1, state, state, ones, ones, SOURCES[1], True, 1.0, "", 1, 1, Waiting.BOX)
    row = TickRow(D).fill(tick, 1)
    assert all(np.all(row[name]) for name in names)


def test_a_vector_of_another_arm_does_not_fit() -> None:
    ones = np.ones(D)
    state = JointState(1, np.ones(D + 1), ones, ones, ("mA",) * D, np.ones(D, np.int64), np.ones(D, np.bool_))
    tick = Tick(1, 1, state, state, ones, ones, SOURCES[0], False, 0.0, "", 0, 0)
    with pytest.raises(ValueError, match="broadcast"):
        TickRow(D).fill(tick)
