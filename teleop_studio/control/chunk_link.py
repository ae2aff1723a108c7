"""Between the chunk player and whoever answers: asks once per chunk, takes late answers, asks again after silence."""

from typing import Protocol

from teleop_studio.chunk import ActionChunk
from teleop_studio.control.chunk_player import ChunkPlayer

_SILENCE_NS = 2_000_000_000


class ChunkService(Protocol):
    """Where chunks come from: shared memory to the inference process, or a policy in the same process."""

    def ask(self, request: int, now_ns: int) -> None:
        """Ask for chunk number `request`."""

    def answers(self) -> list[tuple[int, ActionChunk | None]]:
        """What has arrived since the last call: (request, chunk or None for 'could not')."""


class ChunkLink:
    """Call `step` once per tick while a policy drives."""

    def __init__(self, service: ChunkService, first_request: int = 0) -> None:
        self._service = service
        self._request = first_request
        self._asked_ns = 0
        self._waiting = False

    def begin(self) -> None:
        """Forget what was asked for an earlier player."""
        self._service.answers()
        self._waiting = False

    def step(self, player: ChunkPlayer, now_ns: int) -> None:
        for request, chunk in self._service.answers():
            if request != self._request or not self._waiting:
                continue  # the answer to a question of an earlier player
            self._waiting = False
            if chunk is None:
                player.request_failed()
            else:
                player.accept(chunk, now_ns)
        if self._waiting and now_ns - self._asked_ns > _SILENCE_NS:
            self._waiting = False
            player.request_failed()
        if player.wants_chunk(now_ns):
            self._request += 1
            self._asked_ns = now_ns
            self._waiting = True
            self._service.ask(self._request, now_ns)
