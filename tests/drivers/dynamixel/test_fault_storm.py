"""Whatever happens on the line, a reading that calls itself fresh is what the joints were doing in that exchange."""

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis.strategies import SearchStrategy, binary, floats, integers, just, lists, sampled_from, tuples

from drivers.errors import DriverError
from drivers.sim.faults import FaultScript
from tests.drivers.conftest import Bench, MakeBench

TICK_NS = 10_000_000
servo_ids = integers(1, 7)
# (name of a FaultScript method, its arguments)
faults: SearchStrategy[tuple[str, tuple[object, ...]]] = (
    tuples(
        sampled_from(["drop_replies", "corrupt_replies", "repeat_replies", "mishear", "cut_replies"]),
        tuples(servo_ids, integers(1, 3)),
    )
    | tuples(just("delay_replies"), tuples(servo_ids, floats(0, 60), integers(1, 3)))
    | tuples(
        just("precede_replies"), tuples(servo_ids, binary(max_size=12) | just(b"\xff\xff\xfd\x00\xfe\x63\x00\x55"))
    )
    | tuples(sampled_from(["silence", "revive"]), tuples(servo_ids))
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(storm=lists(lists(faults, max_size=2), min_size=1, max_size=12), reply_timeout_ms=sampled_from([3.0, 20.0]))
@example(  # an answer so late that eight requests were given up before it came
    storm=[
        [("delay_replies", (2, 46.0, 3))],
        [("delay_replies", (1, 46.0, 1)), ("delay_replies", (2, 5.0, 3))],
        *[[], []],
        [("drop_replies", (1, 1)), ("drop_replies", (1, 3))],
    ],
    reply_timeout_ms=3.0,
)
def test_a_fresh_value_is_never_an_old_one_nor_another_joints(
    make_bench: MakeBench, storm: list[list[tuple[str, tuple[object, ...]]]], reply_timeout_ms: float
) -> None:
    bench = make_bench(wire_time=True, reply_timeout_ms=reply_timeout_ms)
    bench.arm.connect()
    for k, happening in enumerate([*storm, [], []]):
        for name, arguments in happening:
            getattr(bench.line.faults, name)(*arguments)
        _check_tick(bench, 0.03 * k)


def test_after_the_storm_the_arm_reads_as_before(bench: Bench) -> None:
    script: FaultScript = bench.line.faults
    for servo_id in range(1, 8):
        script.drop_replies(servo_id)
        script.corrupt_replies(servo_id)
        script.delay_replies(servo_id, 30.0)
    for k in range(40):
        _check_tick(bench, 0.03 * k)
    assert not bench.arm.read().age_ns.any()


def _check_tick(bench: Bench, position: float) -> None:
    bench.clock.advance_ns(TICK_NS)
    truth = position + 0.01 * np.arange(7)
    bench.put(truth)
    try:
        state = bench.arm.read()
    except DriverError:
        return
    finally:
        bench.arm.slow_read()
    fresh = state.age_ns == 0
    np.testing.assert_allclose(state.position[fresh], truth[fresh], atol=1e-3)
