"""Episodes in the formats of other programs. One module per format; `EXPORTERS` says which there are.

A format's module has `export(job, folder)`, which writes and verifies everything below `folder` (not there yet) and
returns one entry per episode for the export's own file; `LOST`, sentences about what the format can not hold; and
`METHOD`, how true stamps became rows.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Exporter:
    """A format that can be written. `module` is imported when it is used; `packages` it needs beside the app.

    `read_back` is the name of the importer that reads it; empty when there is none.
    """

    title: str
    description: str
    module: str
    packages: tuple[str, ...] = ()
    read_back: str = ""

    def missing(self) -> str:
        """What to install before it can be used; empty when nothing."""
        return missing_packages(self.packages)

    def load(self) -> ModuleType:
        """The format's module."""
        return importlib.import_module(self.module)


def missing_packages(packages: tuple[str, ...]) -> str:
    """How to install the ones of `packages` that are not there; empty when all are."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    return f"Install {', '.join(absent)}: pip install 'teleop-studio[lerobot]'" if absent else ""


EXPORTERS: dict[str, Exporter] = {
    "lerobot": Exporter(
        "LeRobot dataset v3",
        "For lerobot-train and everything else that reads LeRobotDataset. Pictures become H.264 video.",
        "recorders.exporters.lerobot",
        ("lerobot", "av", "pyarrow"),
        read_back="lerobot",
    ),
    "robomimic": Exporter(
        "robomimic HDF5",
        "One file for robomimic's SequenceDataset. Pictures are stored uncompressed: large, nothing lost.",
        "recorders.exporters.robomimic",
        read_back="robomimic",
    ),
    "act": Exporter(
        "ACT / ALOHA HDF5",
        "One file per episode for ACT, all equally long. Pictures are stored uncompressed: large, nothing lost.",
        "recorders.exporters.act",
        read_back="act",
    ),
    "act-jpeg": Exporter(
        "ACT++ / Mobile ALOHA HDF5",
        "One file per episode for ACT++, with the recorded JPEGs as they are. ACT++ sees the channels as BGR.",
        "recorders.exporters.act_jpeg",
        read_back="act",
    ),
    "plain": Exporter(
        "MP4, CSV and Parquet",
        "A folder per episode that any program opens: videos, joints and the true stamps of everything.",
        "recorders.exporters.plain",
        ("av", "pyarrow"),
    ),
}
