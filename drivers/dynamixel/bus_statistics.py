"""What a line of servos has done so far, in counts; and what a servo says it is."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass
class BusStatistics:
    """Counts since the bus was made. `fast_read` False when the joint read failed too often and was given up."""

    exchanges: int = 0
    retries: int = 0
    timeouts: int = 0
    crc_errors: int = 0
    fast_read: bool = True


@dataclass
class ServoCounters:
    """Counts of one servo since the bus was made.

    `missed` readings without its value, the second try included. `crc_errors` damaged answers that seem to be its own.
    `alerts` how often its hardware alert came up.
    """

    missed: int = 0
    crc_errors: int = 0
    alerts: int = 0


class Identity(NamedTuple):
    """What a ping tells."""

    model_number: int
    firmware: int
