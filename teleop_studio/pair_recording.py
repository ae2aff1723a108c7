"""Both sides of every layout on an open rig: what a take says about its pair, and the scene that goes with it."""

from collections.abc import Callable

from teleop_studio.learning_status import PairPrompt
from teleop_studio.notices import Notices
from teleop_studio.operation import Operation
from teleop_studio.pairs import Pairs
from teleop_studio.session import StudioError
from teleop_studio.status import State


class PairRecording:
    """Counts the takes that a person records while pairs are asked for; nothing else is changed by them.

    `new_scene` puts the simulated scene to a layout.
    """

    def __init__(self, notices: Notices, new_scene: Callable[[int], None]) -> None:
        self._notices, self._new_scene = notices, new_scene
        self._pairs: Pairs | None = None
        self._recording = False

    def start(self, layouts: int, first_seed: int | None) -> None:
        """`first_seed` of the simulated scene, None on a real rig. Raises `StudioError`."""
        if self._pairs is not None:
            raise StudioError("Both sides of every layout are being recorded already. End that first.")
        try:
            self._pairs = Pairs(layouts, first_seed)
        except ValueError as error:
            raise StudioError(f"{error}.") from error
        self._set_scene()

    def end(self) -> None:
        """Leave it at what is recorded so far. Raises `StudioError` when no pairs are being recorded."""
        pairs = self._pairs
        if pairs is None:
            raise StudioError("No pairs are being recorded. There is nothing to end.")
        half = f" Layout {pairs.whole + 1} was shown from the left only: put that take away, its place tells its side."
        left_over = half if pairs.half_done else ""
        self._notices.add(f"{_layouts(pairs.whole)} recorded from both sides.{left_over}")
        self._pairs = None

    @property
    def prompt(self) -> PairPrompt | None:
        return None if self._pairs is None else self._pairs.prompt()

    def said(self, source: str) -> dict[str, object]:
        """What the take that begins now says about its pair; nothing when no person records it."""
        self._recording = self._pairs is not None and source == "human"
        return self._pairs.said() if self._recording and self._pairs is not None else {}

    def running_take(self, operation: Operation) -> bool:
        """Whether a take of a pair has begun and can be kept. Ask before it is ended."""
        live = operation.live
        if live is None or operation.state is not State.RECORDING:
            self._recording = False
        begun = live is not None and live.takes.progress.started_ns != 0  # the soft start is over
        return self._recording and begun

    def ended(self, kept: bool) -> None:
        """The take is over: on to the other side when it was `kept` as a success, else the same side again."""
        pairs, self._recording = self._pairs, False
        if pairs is None:
            return
        if kept:
            pairs.kept()
        if pairs.finished:
            self.end()
        else:
            self._set_scene()

    def drop(self) -> None:
        """The rig is closed."""
        self._pairs, self._recording = None, False

    def _set_scene(self) -> None:
        if self._pairs is not None and self._pairs.seed is not None:
            self._new_scene(self._pairs.seed)


def _layouts(count: int) -> str:
    return "1 layout is" if count == 1 else f"{count} layouts are"
