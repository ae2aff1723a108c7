"""The sentences for the operator that no verb could answer with: what went wrong, or must be known, later."""

from collections import deque


class Notices:
    """The newest sentences; the same one is not said twice in a row."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=50)

    def add(self, text: str) -> None:
        if text and (not self._said or self._said[-1] != text):
            self._said.append(text)

    @property
    def said(self) -> tuple[str, ...]:
        return tuple(self._said)
