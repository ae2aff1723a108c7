"""Which episodes a run learns from and which it keeps aside to measure its error."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from teleop_studio.training.errors import TrainingError

TRAIN, HELD_OUT = "train", "held_out"

# About a tenth. Odd, because demonstrations are often recorded left, right, left ...: both sides shall be measured.
HELD_OUT_EVERY = 11
RULE = f"as the operator said, else numbers 1, {1 + HELD_OUT_EVERY}, {1 + 2 * HELD_OUT_EVERY} ... are held out"


@dataclass(frozen=True)
class Member:
    """An episode of a run. `number` in its folder, 0 for a foreign name; `split` what the operator said, or ""."""

    name: str
    uuid: str
    number: int
    split: str


def held_out(members: Sequence[Member]) -> list[bool]:
    """Which of the episodes are kept aside: what the operator said, else every 11th by number, the first included.

    By number, not by place in the list: numbers are never used again, so recording more, or putting some in the bin,
    moves no other episode to the other side. By uuid where a file has no number. Should that keep none aside, the
    episode with the lowest number is; should it keep all aside, all that the operator left open but that one are
    learnt from. Raises `TrainingError` when the operator's own words leave nothing to learn from or to measure with.
    """
    aside = [member.split == HELD_OUT or (not member.split and _by_rule(member)) for member in members]
    if any(aside) and not all(aside):
        return aside
    first = min((member for member in members if not member.split), key=_order, default=None)
    if first is None:
        raise TrainingError(
            f"All {len(members)} episodes are marked {'held out' if all(aside) else 'for training'}. "
            f"Mark at least one to {'learn from' if all(aside) else 'measure the error with'}, or leave one unmarked."
        )
    marked = any(member.split == HELD_OUT for member in members)
    return [member.split == HELD_OUT or (member is first and not marked) for member in members]


def _by_rule(member: Member) -> bool:
    if member.number:
        return member.number % HELD_OUT_EVERY == 1
    return int.from_bytes(hashlib.sha256(member.uuid.encode()).digest()[:8]) % HELD_OUT_EVERY == 0


def _order(member: Member) -> tuple[int, str]:
    return member.number, member.uuid
