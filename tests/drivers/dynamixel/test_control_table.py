"""Our tables against ROBOTIS' own `.model` files, which come with dynamixel_sdk 4."""

from importlib.resources import files

import pytest

from drivers.dynamixel.control_table import MODEL_NUMBERS, MODELS, NEVER, XL330_M288, XL430_W250, XM430_W350

X330 = [name for name in MODELS if "330" in name]


def robotis_file(name: str) -> str:
    return (files("dynamixel_easy_sdk") / "control_table" / name).read_text()


def robotis_table(file: str) -> dict[str, tuple[int, int]]:
    """{register name: (address, size)} of a `.model` file; the first of the indirect ranges only."""
    rows = robotis_file(f"{file}.model").split("[control table]")[1].strip().splitlines()[1:]
    found = {}
    for row in rows:
        address, size, label = row.split("\t")[:3]
        key = label.strip().lower().replace(" ", "_").replace("(", "_").replace(")", "")
        if not key.endswith(("_read", "_write")):
            found[key] = (int(address), int(size))
    return found


def layout(name: str, firmware: int) -> dict[str, tuple[int, int]]:
    return {r.name: (r.address, r.size) for r in MODELS[name].at_firmware(firmware).registers.values()}


@pytest.mark.parametrize("name", MODELS)
def test_addresses_and_sizes_are_those_of_robotis(name: str) -> None:
    file = name.replace("-", "_") + ("_fw52" if name in X330 else "")
    assert layout(name, MODELS[name].firmware) == robotis_table(file)


@pytest.mark.parametrize("name", X330)
def test_the_small_servos_moved_their_indirect_data_with_firmware_52(name: str) -> None:
    assert layout(name, 51) == robotis_table(name.replace("-", "_"))
    assert layout(name, 51)["indirect_data_1"] != layout(name, 52)["indirect_data_1"]


@pytest.mark.parametrize("name", MODELS)
def test_model_numbers_are_those_of_robotis(name: str) -> None:
    rows = robotis_file("dynamixel.model").strip().splitlines()[1:]
    numbers = {file.strip().removesuffix(".model"): int(number) for number, file in (row.split("\t") for row in rows)}
    assert MODELS[name].model_number == numbers[name.replace("-", "_")]
    assert MODEL_NUMBERS[MODELS[name].model_number] == name


@pytest.mark.parametrize("name", MODELS)
def test_registers_do_not_overlap_and_initial_values_are_accepted(name: str) -> None:
    end = 0
    for register in MODELS[name].registers.values():
        assert register.address >= end, register
        end = register.address + register.size
        assert register.decode(register.encode(register.initial)) == register.initial
        if register.low is not None and register.high is not None:
            assert register.low <= register.initial <= register.high, register


@pytest.mark.parametrize("name", MODELS)
def test_only_servos_that_measure_current_have_current_modes_and_limits(name: str) -> None:
    table = MODELS[name]
    assert table.effort_unit == ("mA" if table.measures_current else "0.1%")
    assert table.measures_current == ("current_limit" in table.registers) == (5 in table.operating_modes)
    assert table.measures_current == ("present_current" in table.registers) != ("present_load" in table.registers)


def test_currents_are_counted_in_the_unit_of_the_model() -> None:
    assert XL330_M288.current_counts(600) == 600
    assert XM430_W350.current_counts(807) == 300
    assert XM430_W350.current_counts(99_999) == 1193  # no more than the register takes
    with pytest.raises(KeyError, match=r"xl430-w250 has no register 'current_limit'"):
        XL430_W250.current_counts(600)


def test_two_shafts_in_one_case_never_answer_a_fast_read() -> None:
    assert MODELS["2xl430-w250"].fast_read_firmware == NEVER > 0xFF


def test_an_unknown_register_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"xl430-w250 has no register 'goal_current'.*goal_position"):
        XL430_W250.register("goal_current")
