"""What an export or import is asked to do, and what its process answers."""

from dataclasses import dataclass, field
from pathlib import Path

from recorders.exporters.export import Exported
from recorders.importers.foreign import ImportWish
from recorders.importers.importing import Imported


@dataclass(frozen=True)
class ExportPlan:
    """The episodes in format `format` into the new folder `out`; `fps` 0 for the rate of the fastest camera."""

    format: str
    episodes: tuple[Path, ...]
    out: Path
    fps: int = 0


@dataclass(frozen=True)
class ImportPlan:
    """What lies at `source` in format `format` into the folder of episodes `folder`."""

    format: str
    source: Path
    folder: Path
    wish: ImportWish = field(default_factory=ImportWish)


@dataclass(frozen=True)
class TransferProgress:
    """Episodes done so far, and one sentence about what happens now."""

    done: int
    total: int
    detail: str


@dataclass(frozen=True)
class TransferEnded:
    """The last word: what came of it, or why nothing did. Neither when it was cancelled."""

    result: Exported | Imported | None = None
    error: str = ""
