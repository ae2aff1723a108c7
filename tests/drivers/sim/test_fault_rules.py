from dataclasses import replace

import pytest

from drivers.dynamixel.wire import PING, READ, WRITE
from drivers.sim.fault_rules import (
    EVENT_KINDS,
    RULE_KINDS,
    FaultEvent,
    FaultPlan,
    FaultRule,
    RunningRules,
    read_event,
    read_plan,
)

SECOND_NS = 1_000_000_000
TEXT = """
seed = 7
[[rule]]
kind = "late"
port = "follower"
ids = [3, 4]
instruction = "read"
probability = 0.25
count = 5
from_s = 2.0
until_s = 10.0
delay_ms = 45.0
[[rule]]
kind = "noise"
noise = "ff ff fd 00"
[[event]]
at_s = 6.0
kind = "alive"
ids = [3]
[[event]]
at_s = 5.0
kind = "put"
port = "leader"
joint = "elbow"
value = 0.3
"""


def struck(rules: RunningRules, count: int = 400) -> list[int]:
    return [k for k in range(count) if rules.next_for(1 + k % 6, READ, k * SECOND_NS // 100) is not None]


def test_a_plan_reads_from_its_text_with_events_in_order() -> None:
    plan = read_plan(TEXT)
    assert plan.seed == 7
    assert plan.rules[0] == FaultRule(
        "late", "follower", (3, 4), "read", probability=0.25, count=5, from_s=2.0, until_s=10.0, delay_ms=45.0
    )
    assert plan.rules[1].noise == b"\xff\xff\xfd\x00"
    assert [event.kind for event in plan.events] == ["put", "alive"]
    assert plan.events[0] == FaultEvent("put", 5.0, "leader", joint="elbow", value=0.3)
    assert [rule.kind for rule in plan.of_port("leader").rules] == ["noise"]


def test_the_same_seed_and_traffic_make_the_same_faults() -> None:
    rule = FaultRule("drop", probability=0.1)
    first, again, other = (struck(RunningRules([rule], seed, 0)) for seed in (1, 1, 2))
    assert first == again != other
    assert 20 < len(first) < 70


def test_a_rule_strikes_only_what_it_names() -> None:
    rule = FaultRule("crc", ids=(3,), instruction="write", count=2, from_s=1.0, until_s=2.0)
    rules = RunningRules([rule], 0, start_ns=10 * SECOND_NS)
    assert rules.next_for(3, WRITE, 10 * SECOND_NS) is None  # too early
    now_ns = 11 * SECOND_NS
    assert rules.next_for(2, WRITE, now_ns) is None
    assert rules.next_for(3, PING, now_ns) is None
    assert [rules.next_for(3, WRITE, now_ns) for _ in range(3)] == [rule, rule, None]
    assert rules.struck == 2
    assert RunningRules([replace(rule)], 0, 10 * SECOND_NS).next_for(3, WRITE, 12 * SECOND_NS) is None  # too late


def test_every_kind_of_rule_and_event_can_be_written_down() -> None:
    for kind in RULE_KINDS:
        assert read_plan(f'[[rule]]\nkind = "{kind}"').rules[0].kind == kind
    for kind in EVENT_KINDS:
        assert read_plan(f'[[event]]\nkind = "{kind}"\nvalue = 1.0').events[0].kind == kind


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed = ", "The fault plan is no TOML"),
        ("rules = []", "The fault plan has rules; it may have seed"),
        ('[[rule]]\nkind = "lost"', "rule: kind = 'lost'. Give one of: drop, late"),
        ('[[rule]]\nkind = "drop"\ninstruction = "scan"', "rule: instruction = 'scan'. Give one of: .empty., ping"),
        ('[[rule]]\nkind = "drop"\nprobability = 2.0', "probability = 2. Give 0 to 1"),
        ('[[rule]]\nkind = "drop"\nid = 3', "A rule has id; it may have kind, port, ids"),
        ("[[rule]]\nids = [3]", "A rule has no kind"),
        ('[[event]]\nkind = "put"\njoint = "elbow"', "event 'put' needs a value: a hand puts the joint"),
        ('[[event]]\nkind = "unplug"\nport = "usb"', "event: port = 'usb'. Give one of"),
    ],
)
def test_a_wrong_plan_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_plan(text)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("follower put elbow 0.3", FaultEvent("put", port="follower", joint="elbow", value=0.3)),
        ("both swap", FaultEvent("swap")),
        ("leader unplug\n", FaultEvent("unplug", port="leader")),
        ("follower overload 3", FaultEvent("overload", port="follower", ids=(3,))),
        ("follower baud 3 57600", FaultEvent("baud", port="follower", ids=(3,), value=57600.0)),
        ("follower voltage 4.8", FaultEvent("voltage", port="follower", value=4.8)),
        ("leader plug-only gripper", FaultEvent("plug-only", port="leader", joint="gripper")),
    ],
)
def test_an_event_reads_from_one_line(line: str, event: FaultEvent) -> None:
    assert read_event(line) == event


def test_an_empty_plan_does_nothing() -> None:
    assert RunningRules(FaultPlan().rules, 0, 0).next_for(1, READ, 0) is None
