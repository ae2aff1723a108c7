"""Our tables against ROBOTIS' own `.model` files, which come with dynamixel_sdk 4."""

from importlib.resources import files

import pytest

from drivers.dynamixel.control_table import MODELS, XL330_M288, XL430_W250

FILES = {"xl430-w250": "xl430_w250", "xl330-m288": "xl330_m288_fw52", "xl330-m077": "xl330_m077_fw52"}


def robotis_table(name: str) -> dict[str, tuple[int, int]]:
    """{register name: (address, size)} of a `.model` file; the first of the indirect ranges only."""
    text = (files("dynamixel_easy_sdk") / "control_table" / f"{FILES[name]}.model").read_text()
    rows = text.split("[control table]")[1].strip().splitlines()[1:]
    found = {}
    for row in rows:
        address, size, label = row.split("\t")[:3]
        key = label.strip().lower().replace(" ", "_").replace("(", "_").replace(")", "")
        if not key.endswith(("_read", "_write")):
            found[key] = (int(address), int(size))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_addresses_and_sizes_are_those_of_robotis(name: str) -> None:
    assert {r.name: (r.address, r.size) for r in MODELS[name].registers.values()} == robotis_table(name)


@pytest.mark.parametrize("name", MODELS)
def test_registers_do_not_overlap_and_initial_values_are_accepted(name: str) -> None:
    end = 0
    for register in MODELS[name].registers.values():
        assert register.address >= end, register
        end = register.address + register.size
        assert register.decode(register.encode(register.initial)) == register.initial
        if register.low is not None and register.high is not None:
            assert register.low <= register.initial <= register.high, register


def test_an_unknown_register_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"xl430-w250 has no register 'goal_current'.*goal_position"):
        XL430_W250.register("goal_current")


def test_only_the_small_servos_measure_current() -> None:
    assert XL330_M288.effort_unit == "mA"
    assert XL430_W250.effort_unit == "0.1%"
    assert "current_limit" not in XL430_W250.registers
