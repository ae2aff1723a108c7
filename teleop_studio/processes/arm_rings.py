"""The shared memory between control and a process that owns an arm which is not on a byte line (LeRobot's).

Three rings, one writer each: readings and answers come from the arm's process, goals and orders from control.
"""

import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teleop_studio.processes.shared_ring import RingSpec, SharedRing

_SLOTS = 256
_TEXT_BYTES = 480
_counter = itertools.count(1)


class Order(IntEnum):
    """What control asks for beside goals. An order's number is its index in the ring."""

    TORQUE_ON = 1
    TORQUE_OFF = 2
    EFFORT = 3  # `share` of the full effort
    END = 4  # control closes the arm: nobody will order anything any more


def reading_dtype(joints: int) -> list[Any]:
    """One turn of the arm's process, stamped when it ended.

    `position`, `velocity` are of the last reading that succeeded, taken at `read_ns` (0: none yet); `failures` readings
    in a row failed since, `trouble` says why. `session` differs after a restart of the process. Orders up to number
    `done` have been carried out; `refused` says why the last one was not, empty when it was.
    """
    return [
        ("session", np.int64),
        ("read_ns", np.int64),
        ("position", np.float64, (joints,)),
        ("velocity", np.float64, (joints,)),
        ("powered", np.bool_),
        ("connected", np.bool_),
        ("failures", np.int64),
        ("lost", np.int64),
        ("done", np.int64),
        ("trouble", f"S{_TEXT_BYTES}"),
        ("refused", f"S{_TEXT_BYTES}"),
    ]


def order_dtype() -> list[Any]:
    return [("order", np.int32), ("share", np.float64)]


@dataclass(frozen=True)
class ArmRingSpecs:
    """Picklable: what either side needs to attach."""

    readings: RingSpec
    goals: RingSpec
    orders: RingSpec


class ArmRings:
    """The rings of one arm, in the supervisor that owns them or attached in a child."""

    def __init__(self, readings: SharedRing, goals: SharedRing, orders: SharedRing) -> None:
        self.readings, self.goals, self.orders = readings, goals, orders

    @classmethod
    def create(cls, role: str, joints: int) -> "ArmRings":
        tag = f"arm{next(_counter)}_{role}"
        return cls(
            SharedRing.create(f"{tag}_readings", _SLOTS, (), reading_dtype(joints)),
            SharedRing.create(f"{tag}_goals", _SLOTS, (joints,), np.float64),
            SharedRing.create(f"{tag}_orders", _SLOTS, (), order_dtype()),
        )

    @classmethod
    def attach(cls, specs: ArmRingSpecs) -> "ArmRings":
        """Raises `FileNotFoundError` when the owner has removed them."""
        return cls(*(SharedRing.attach(spec) for spec in (specs.readings, specs.goals, specs.orders)))

    @property
    def specs(self) -> ArmRingSpecs:
        return ArmRingSpecs(self.readings.spec, self.goals.spec, self.orders.spec)

    def close(self) -> None:
        for ring in (self.readings, self.goals, self.orders):
            ring.close()


def order_row(order: Order, share: float = 0.0) -> NDArray[Any]:
    row: NDArray[Any] = np.zeros((), order_dtype())
    row["order"], row["share"] = int(order), share
    return row


def to_bytes(text: str) -> bytes:
    """As much of a text as a row holds, cut between characters."""
    return text.encode()[:_TEXT_BYTES].decode(errors="ignore").encode()


def to_text(value: Any) -> str:
    """The inverse of `to_bytes`."""
    return bytes(np.asarray(value).item()).decode(errors="replace")
