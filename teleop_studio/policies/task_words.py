"""Which task: a learnt row of numbers for each of the texts that the demonstrations were recorded under."""

import torch
from torch import Tensor, nn

TASK_FEATURES = 16


class TaskWords(nn.Module):
    """B texts -> (B, 16). Texts are the same when they differ only in case or in blanks around them."""

    def __init__(self, tasks: tuple[str, ...]) -> None:
        super().__init__()
        self._tasks = tasks
        self._number = {_plain(text): number for number, text in enumerate(tasks)}
        self.rows = nn.Embedding(len(tasks), TASK_FEATURES)

    def forward(self, texts: tuple[str, ...]) -> Tensor:
        """Raises `ValueError` for a text that is not known, listing those that are."""
        numbers = [self._number_of(text) for text in texts]
        rows: Tensor = self.rows(torch.tensor(numbers, device=self.rows.weight.device))
        return rows

    def _number_of(self, text: str) -> int:
        number = self._number.get(_plain(text))
        if number is None:
            wanted = f"The policy was not taught the task {text!r}." if text.strip() else "The policy needs a task."
            raise ValueError(f"{wanted} Choose one that it was taught: {', '.join(map(repr, self._tasks))}.")
        return number


def _plain(text: str) -> str:
    return text.strip().casefold()
