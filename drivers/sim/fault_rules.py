"""Faults written down: rules that strike replies by chance, and events at a time. A plan is data; TOML is its text.

seed = 7
[[rule]]
kind = "late"                # drop, late, crc, partial, wrong-id, duplicate, noise, misheard
port = "follower"            # leader, follower; without: both
ids = [3, 4]                 # without: all
instruction = "read"         # without: all
probability = 0.01           # of each reply that it could strike
count = 5                    # then no more
from_s = 2.0
until_s = 10.0
delay_ms = 40.0              # of "late"
noise = "ff ff fd 00"        # of "noise"
[[event]]
at_s = 5.0
kind = "overload"            # see EVENT_KINDS
port = "follower"
ids = [3]                    # or: joint = "elbow"
value = 0.0
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf
from random import Random
from typing import Any, Final

from drivers.dynamixel.wire import (
    ACTION,
    BULK_READ,
    FAST_SYNC_READ,
    PING,
    READ,
    REBOOT,
    REG_WRITE,
    SYNC_READ,
    WRITE,
)

RULE_KINDS: Final = ("drop", "late", "crc", "partial", "wrong-id", "duplicate", "noise", "misheard")
EVENT_KINDS: Final = {
    "unplug": "the USB cable is pulled",
    "replug": "and plugged in again",
    "swap": "leader and follower come back on each other's port",
    "overload": "hardware error: overload",
    "overheat": "the servo is as hot as `value` degrees (default: 5 above its limit)",
    "voltage": "the supply is `value` volts",
    "brown-out": "the servo restarts",
    "dead": "the servo loses its cable",
    "alive": "it has its cable again",
    "stuck": "something blocks the joint",
    "free": "and is gone",
    "turns": "the position count is off by `value` whole turns",
    "id": "the servo has the id `value`, as another may have",
    "baud": "the servo talks at `value` baud",
    "put": "a hand puts the joint to `value`, in joint units",
    "hold": "a hand holds it there",
    "let-go": "and lets go",
    "pull": "a hand, or a weight, pulls with `value` of stall torque",
    "plug-only": "only this joint's servo hangs on the line; without a joint: all",
}
INSTRUCTIONS: Final = {
    "ping": PING,
    "read": READ,
    "write": WRITE,
    "reg-write": REG_WRITE,
    "action": ACTION,
    "reboot": REBOOT,
    "sync-read": SYNC_READ,
    "fast-sync-read": FAST_SYNC_READ,
    "bulk-read": BULK_READ,
}
PORTS: Final = ("leader", "follower")


@dataclass(frozen=True)
class FaultRule:
    """Strikes replies by chance. `ids` and `instruction` empty: all. Times since the plan was started."""

    kind: str
    port: str = ""
    ids: tuple[int, ...] = ()
    instruction: str = ""
    probability: float = 1.0
    count: int | None = None
    from_s: float = 0.0
    until_s: float = inf
    delay_ms: float = 40.0
    noise: bytes = b"\xff\xff\xfd"

    def __post_init__(self) -> None:
        _check("rule", "kind", self.kind, RULE_KINDS)
        _check("rule", "port", self.port, ("", *PORTS))
        _check("rule", "instruction", self.instruction, ("", *INSTRUCTIONS))
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"rule {self.kind!r}: probability = {self.probability:g}. Give 0 to 1.")


@dataclass(frozen=True)
class FaultEvent:
    """Happens once, `at_s` after the plan was started, to the servos `ids` or to those of `joint`; without: to all."""

    kind: str
    at_s: float = 0.0
    port: str = ""
    ids: tuple[int, ...] = ()
    joint: str = ""
    value: float | None = None

    def __post_init__(self) -> None:
        _check("event", "kind", self.kind, tuple(EVENT_KINDS))
        _check("event", "port", self.port, ("", *PORTS))
        if self.kind in ("turns", "id", "baud", "put", "hold", "pull", "voltage") and self.value is None:
            raise ValueError(f"event {self.kind!r} needs a value: {EVENT_KINDS[self.kind]}.")


@dataclass(frozen=True)
class FaultPlan:
    """What goes wrong: the same seed and the same traffic make the same faults."""

    rules: tuple[FaultRule, ...] = ()
    events: tuple[FaultEvent, ...] = ()
    seed: int = 0

    def of_port(self, port: str) -> "FaultPlan":
        """The part that concerns one port."""
        rules = tuple(rule for rule in self.rules if rule.port in ("", port))
        return FaultPlan(rules, tuple(event for event in self.events if event.port in ("", port)), self.seed)


class RunningRules:
    """The rules of one line from `start_ns` on."""

    def __init__(self, rules: Sequence[FaultRule], seed: int, start_ns: int) -> None:
        self._rules = tuple(rules)
        self._start_ns = start_ns
        self._random = Random(seed)
        self._left = [inf if rule.count is None else rule.count for rule in rules]
        self.struck = 0

    def next_for(self, servo_id: int, instruction: int, now_ns: int) -> FaultRule | None:
        """The rule that strikes this reply: the first one whose chance comes up."""
        since_s = (now_ns - self._start_ns) * 1e-9
        for k, rule in enumerate(self._rules):
            if self._left[k] <= 0 or not rule.from_s <= since_s < rule.until_s:
                continue
            if rule.ids and servo_id not in rule.ids:
                continue
            if rule.instruction and INSTRUCTIONS[rule.instruction] != instruction:
                continue
            if self._random.random() < rule.probability:
                self._left[k] -= 1
                self.struck += 1
                return rule
        return None


def read_plan(text: str) -> FaultPlan:
    """A plan from its TOML. Raises `ValueError` with a sentence that names the entry and what it may hold."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The fault plan is no TOML: {error}.") from error
    unknown = set(document) - {"seed", "rule", "event"}
    if unknown:
        raise ValueError(f"The fault plan has {', '.join(sorted(unknown))}; it may have seed, [[rule]] and [[event]].")
    rules = tuple(_entry(FaultRule, "rule", entry) for entry in document.get("rule", []))
    events = tuple(_entry(FaultEvent, "event", entry) for entry in document.get("event", []))
    return FaultPlan(rules, tuple(sorted(events, key=lambda event: event.at_s)), int(document.get("seed", 0)))


def read_event(line: str) -> FaultEvent:
    """An event in one line: port or "both", kind, joint or id, value, as in `follower put elbow 0.3`.

    Raises `ValueError`.
    """
    port, _, rest = line.strip().partition(" ")
    kind, *words = rest.split() or [""]
    joint = ""
    ids: tuple[int, ...] = ()
    value: float | None = None
    for word in words:
        number = _number(word)
        if number is None:
            joint = word
        elif word is words[0] and len(words) > 1 and number == int(number):
            ids = (int(number),)
        else:
            value = number
    if kind in ("dead", "alive", "overload", "overheat", "brown-out") and value is not None and not ids:
        ids, value = (int(value),), None
    return FaultEvent(kind, port="" if port == "both" else port, ids=ids, joint=joint, value=value)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _entry[Entry: (FaultRule, FaultEvent)](kind: type[Entry], title: str, values: Mapping[str, Any]) -> Entry:
    known = [field.name for field in fields(kind)]
    unknown = set(values) - set(known)
    if unknown:
        raise ValueError(f"A {title} has {', '.join(sorted(unknown))}; it may have {', '.join(known)}.")
    made = dict(values)
    if "ids" in made:
        made["ids"] = tuple(made["ids"])
    if "noise" in made:
        made["noise"] = bytes.fromhex(made["noise"])
    if "kind" not in made:
        raise ValueError(f"A {title} has no kind. It says what happens.")
    return kind(**made)


def _check(title: str, name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{title}: {name} = {value!r}. Give one of: {', '.join(word or '(empty)' for word in known)}.")
