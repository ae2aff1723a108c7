"""A process of its own that records until it is killed: `python -m tests.recorders.recording_child FOLDER`.

It finishes a first take, then writes a second one without end and says so after each second of it.
"""

import sys
from pathlib import Path

from recorders.episode_writer import EpisodeWriter
from tests.recorders.takes import add_second, description, recorded


def main() -> None:
    folder = Path(sys.argv[1])
    print(recorded(folder, seconds=1).name, flush=True)
    writer = EpisodeWriter(folder, description())
    print(writer.uuid, flush=True)
    for second in range(1000):
        add_second(writer, second)
        print(second + 1, flush=True)


if __name__ == "__main__":
    main()
