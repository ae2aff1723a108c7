"""The processes that share each batch, through accelerate: gloo between CPUs, NCCL between GPUs, also of many nodes."""

from datetime import timedelta
from typing import Any

import torch
from torch import Tensor

# What the main process tells the others: the pictures are ready; a step, or what it was missed, comes next; it is over.
PREPARED, STEP, CATCH_UP, END = range(4)
# They wait as long as a pause lasts. A main process that has died is noticed at once: its connection ends.
_PATIENCE = timedelta(days=365)


class TeamLost(Exception):
    """Another process of the team has died."""


class Team:
    """One process's view of it: `rank` 0 is the main process, which alone writes and decides."""

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size = rank, size
        self.device = device or torch.device("cpu")

    @classmethod
    def join(cls, cpu: bool) -> "Team":
        """The team that the environment names (RANK, WORLD_SIZE, MASTER_ADDR ...); waits until all are there."""
        from accelerate import PartialState

        state = PartialState(cpu=cpu, timeout=_PATIENCE)
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, the same bits in each. Raises `TeamLost`."""
        if self.size == 1:
            return tensor
        from accelerate.utils import reduce

        try:
            total: Tensor = reduce(tensor, "sum")
        except RuntimeError as error:
            raise TeamLost(str(error)) from error
        return total

    def tell(self, command: int) -> None:
        """Say to the others what comes next. Raises `TeamLost`."""
        if self.size > 1:
            self._broadcast(torch.tensor([command], device=self.device))

    def told(self) -> int:
        """Wait for the main process's word. Raises `TeamLost`."""
        return int(self._broadcast(torch.zeros(1, dtype=torch.int64, device=self.device)).item())

    def give(self, state: dict[str, Any]) -> None:
        """Hand the others what they need to catch up; they `take` it. Raises `TeamLost`."""
        self._objects([state])

    def take(self) -> dict[str, Any]:
        state: dict[str, Any] = self._objects([None])[0]
        return state

    def leave(self) -> None:
        """The end of it; this process may join another one later."""
        if self.size > 1:
            from accelerate import PartialState

            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
            PartialState._reset_state()

    def _broadcast(self, tensor: Tensor) -> Tensor:
        from accelerate.utils import broadcast

        try:
            heard: Tensor = broadcast(tensor)
        except RuntimeError as error:
            raise TeamLost(str(error)) from error
        return heard

    def _objects(self, objects: list[Any]) -> list[Any]:
        from accelerate.utils import broadcast_object_list

        try:
            heard: list[Any] = broadcast_object_list(objects)
        except RuntimeError as error:
            raise TeamLost(str(error)) from error
        return heard


ALONE = Team()
