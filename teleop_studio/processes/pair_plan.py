"""What the process of emulated arms is told and tells. Plain words: the command line loads no emulator for them."""

from dataclasses import dataclass, field
from pathlib import Path

from drivers.sim.fault_rules import FaultPlan


@dataclass(frozen=True)
class PairPlan:
    """`arms` by port ("leader", "follower") the name of the arm on it. `folder` where links to the ptys are made.

    `folder` None: TCP ports instead of ptys. `usb` a key of `drivers.sim.usb_model.USB`.
    """

    arms: dict[str, str]
    folder: Path | None
    factory: bool = False
    usb: str = "none"
    faults: FaultPlan = field(default_factory=FaultPlan)


@dataclass(frozen=True)
class EventHappened:
    """Answer to a `FaultEvent`; `refused` says why it could not happen, else empty."""

    kind: str
    refused: str = ""
