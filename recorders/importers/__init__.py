"""Episodes from the formats of other programs. One module per format; `IMPORTERS` says which there are.

A format's module has `run(job)`, which reads `job.source`, hands each episode to `importing.import_all` and returns
what it says.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType

from recorders.exporters import missing_packages


@dataclass(frozen=True)
class Importer:
    """A format that can be read. `module` is imported when it is used; `packages` it needs beside the app."""

    title: str
    description: str
    module: str
    packages: tuple[str, ...] = ()

    def missing(self) -> str:
        """What to install before it can be used; empty when nothing."""
        return missing_packages(self.packages)

    def load(self) -> ModuleType:
        """The format's module."""
        return importlib.import_module(self.module)


IMPORTERS: dict[str, Importer] = {
    "lerobot": Importer(
        "LeRobot dataset v3",
        "A folder that lerobot-record or our export made. True stamps are not in it: rows become moments row / fps.",
        "recorders.importers.lerobot",
        ("lerobot", "av", "pyarrow"),
    ),
    "robomimic": Importer(
        "robomimic HDF5",
        "One file with demonstrations whose actions are joint goals. Its rate has to be known.",
        "recorders.importers.robomimic",
    ),
    "act": Importer(
        "ACT, ALOHA, ACT++ HDF5",
        "A folder of episode_*.hdf5, pictures plain or as JPEG. ALOHA records 50 rows per second.",
        "recorders.importers.act",
    ),
}
