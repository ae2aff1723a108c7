"""Whatever happens on the line, a reading that calls itself fresh is what the joints were doing in that exchange."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy, binary, floats, integers, just, lists, sampled_from, tuples

from drivers.errors import DriverError
from drivers.sim.faults import FaultScript
from tests.drivers.conftest import Bench, MakeBench

TICK_NS = 10_000_000
servo_ids = integers(1, 7)
# (name of a FaultScript method, its arguments)
faults: SearchStrategy[tuple[str, tuple[object, ...]]] = (
    tuples(
        sampled_from(["drop_replies", "corrupt_replies", "repeat_replies", "mishear"]),
        tuples(servo_ids, integers(1, 3)),
    )
    | tuples(just("delay_replies"), tuples(servo_ids, floats(0, 60), integers(1, 3)))
    | tuples(
        just("precede_replies"), tuples(servo_ids, binary(max_size=12) | just(b"\xff\xff\xfd\x00\xfe\x63\x00\x55"))
    )
    | tuples(sampled_from(["silence", "revive"]), tuples(servo_ids))
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(storm=lists(lists(faults, max_size=2), min_size=1, max_size=12))
def test_a_fresh_value_is_never_an_old_one(
    make_bench: MakeBench, storm: list[list[tuple[str, tuple[object, ...]]]]
) -> None:
    bench = make_bench(wire_time=True)
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
    truth = np.full(7, position)
    bench.put(truth)
    try:
        state = bench.arm.read()
    except DriverError:
        return
    fresh = state.age_ns == 0
    np.testing.assert_allclose(state.position[fresh], truth[fresh], atol=1e-3)
