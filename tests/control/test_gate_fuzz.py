"""A short flood of odd inputs; the benchmark pours a million of them."""

from tests.control.gate_fuzz import fuzz_gate


def test_no_input_makes_the_gate_fail_or_let_through_an_unsafe_command() -> None:
    found = fuzz_gate(15_000, seed=20)
    assert found["examples"] == []
    assert (found["errors"], found["unsafe"]) == (0, 0)
    # Else the flood would show nothing: most inputs must become commands, and the odd ones must be among them.
    assert found["inputs"] == 15_000
    assert int(str(found["commands"])) > 13_000
    assert int(str(found["refused"])) > 1_000
    assert int(str(found["value_errors"])) > 200
