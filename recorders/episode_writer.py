"""Records one take into a journal that survives a crash at any moment; `build_episode` makes the episode file of it."""

import json
import os
import shutil
import struct
import uuid
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recorders.disk import require_room
from recorders.episode import ArmSample as ArmSample
from recorders.episode import CameraDescription as CameraDescription
from recorders.episode import EpisodeDescription as EpisodeDescription
from recorders.episode import Frame as Frame
from recorders.episode import Gap, check_outcome, check_source
from recorders.episode import LoopStatistics as LoopStatistics
from recorders.errors import RecorderError, disk_errors
from recorders.frame_row import FrameRow
from recorders.journal import JournalWriter, Kind
from recorders.picture_codec import checked_picture, encode_picture

JOURNALS = ".journal"  # folder of all journals, below the episodes
JOURNAL_FILE = "take.journal"
REMOVED = ".removed-"  # how the folder of a journal begins that is being removed
CHUNK_HEAD = struct.Struct("<dII")  # dt_s, H, D
IMAGE_HEAD = struct.Struct("<q")  # sequence
ANCHOR = struct.Struct("<q")  # wall-clock ns; the record's stamp is the monotonic one

_ROOM_BYTES = 80 << 20  # the reserve and a short take; the recorder knows how fast its rig writes and asks for a minute
_MAX_SOURCES = 255


class EpisodeWriter:
    """One take being recorded into `folder/.journal/<uuid>/`. Each `add_...` writes one whole record.

    Only `finish` waits for the disk: each half second a thread syncs. A killed process loses nothing that was added, a
    power cut less than the last second. When the disk refuses, the `add_...` raise `DiskError` (`DiskFull`) and the
    take is over: what was added before stays for `recover`, or can be discarded.
    """

    def __init__(self, folder: Path, description: EpisodeDescription, recorded_at: datetime | None = None) -> None:
        """Makes the journal on the disk. `recorded_at` is now unless given. Raises `DiskError`, `DiskFull`."""
        self.uuid = str(uuid.uuid4())
        self.journal = folder / JOURNALS / self.uuid
        self._description = description
        self._cameras = {camera.name: (index, camera) for index, camera in enumerate(description.cameras)}
        self._row = FrameRow(description.joint_names)
        self._sources: dict[str, int] = {}
        stamp = (recorded_at or datetime.now()).astimezone().isoformat(timespec="milliseconds")
        with disk_errors("start a take", folder):
            self.journal.mkdir(parents=True)
        try:
            require_room(folder, _ROOM_BYTES, "start a take")
            self._file = JournalWriter(self.journal / JOURNAL_FILE, above=(self.journal.parent, folder))
            self._append_json(Kind.DESCRIPTION, 0, {"uuid": self.uuid, "recorded_at": stamp, **asdict(description)})
        except RecorderError:
            shutil.rmtree(self.journal, ignore_errors=True)
            raise

    def add_frame(self, frame: Frame) -> None:
        """One control tick. Raises `ValueError` when a vector has not D values."""
        payload = self._row.pack(frame)
        self._file.append(Kind.FRAME, self._source_code(frame.source), frame.stamp_ns, payload)

    def add_image(self, camera: str, stamp_ns: int, sequence: int, rgb: NDArray[np.uint8]) -> None:
        """One picture (h, w, 3) of a camera of the description, stored in its codec. `sequence` the camera's own count.

        Raises `ValueError` for an unknown camera or another size.
        """
        index, wanted = self._camera(camera)
        self._append_image(index, stamp_ns, sequence, encode_picture(wanted, rgb))

    def add_encoded(self, camera: str, stamp_ns: int, sequence: int, content: bytes) -> None:
        """One picture as the JPEG or PNG file that a camera or another episode gave; it is stored as it is.

        Raises `ValueError` for an unknown camera, another codec or size than described, or a file that is cut off.
        """
        index, wanted = self._camera(camera)
        self._append_image(index, stamp_ns, sequence, checked_picture(wanted, content))

    def add_event(self, stamp_ns: int, kind: str, detail: dict[str, Any] | None = None) -> None:
        """Something that happened. `detail` goes to JSON."""
        self._append_json(Kind.EVENT, stamp_ns, {"kind": kind, "detail": detail or {}})

    def add_gap(self, stream: str, first_missing: int, count: int, t0_ns: int = -1, t1_ns: int = -1) -> None:
        """`count` items of `stream` (a camera's name, or another) are missing, from number `first_missing` on.

        `t0_ns` is the stamp of the last item before the gap, `t1_ns` of the first one after it; -1 when not known.
        """
        if count < 1:
            raise ValueError(f"a gap of {count} items is none")
        gap = Gap(stream, int(first_missing), int(count), int(t0_ns), int(t1_ns))
        self._append_json(Kind.GAP, 0, asdict(gap))

    def add_clock_anchor(self, mono_ns: int, wall_ns: int) -> None:
        """One moment on both clocks (`clock_anchors.read_clocks`): at the start, each `ANCHOR_PERIOD_S`, at the end."""
        self._file.append(Kind.CLOCK_ANCHOR, 0, mono_ns, ANCHOR.pack(wall_ns))

    def add_chunk(self, start_ns: int, dt_s: float, actions: NDArray[np.float64]) -> None:
        """A chunk that the policy handed over. `actions` (H, D) rad, first one due at `start_ns`, then every `dt_s`."""
        joints = len(self._description.joint_names)
        if actions.ndim != 2 or actions.shape[1] != joints:
            raise ValueError(f"the chunk has shape {actions.shape}, the episode has {joints} joints")
        payload = CHUNK_HEAD.pack(dt_s, *actions.shape) + actions.astype("<f8").tobytes()
        self._file.append(Kind.CHUNK, 0, start_ns, payload)

    def finish(
        self,
        outcome: str,
        extra: dict[str, Any] | None = None,
        source: str = "",
        loop: LoopStatistics | None = None,
    ) -> Path:
        """Ends the take; the journal is on the disk when this returns. `outcome` one of `OUTCOMES`.

        `extra` adds to the description's; `source` replaces the description's when not empty (after a take-over).
        Returns the journal for `build_episode`. Raises `DiskError`; then the take is one that was cut off.
        """
        return self.begin_finish(outcome, extra, source, loop).wait()

    def begin_finish(
        self,
        outcome: str,
        extra: dict[str, Any] | None = None,
        source: str = "",
        loop: LoopStatistics | None = None,
    ) -> "FinishingTake":
        """As `finish`, but does not wait for the disk: the next take may begin, this one is saved when it says so."""
        end = {
            "outcome": check_outcome(outcome),
            "extra": extra or {},
            "source": source and check_source(source),
            "loop": None if loop is None else asdict(loop),
        }
        self._append_json(Kind.END, 0, end)
        self._file.finish()
        return FinishingTake(self.journal, self._file)

    def discard(self) -> None:
        """Throws the take away. Raises `DiskError`."""
        self._file.close()
        with disk_errors("discard the take", self.journal):
            remove_journal(self.journal)

    @property
    def bytes_written(self) -> int:
        """The size of the journal so far; about as much again is needed to build the episode."""
        return self._file.size

    def _camera(self, name: str) -> tuple[int, CameraDescription]:
        if name not in self._cameras:
            raise ValueError(f"there is no camera {name!r} in this take, only {tuple(self._cameras)}")
        return self._cameras[name]

    def _append_image(self, index: int, stamp_ns: int, sequence: int, content: bytes) -> None:
        self._file.append(Kind.IMAGE, index, stamp_ns, IMAGE_HEAD.pack(sequence) + content)

    def _append_json(self, kind: Kind, stamp_ns: int, content: dict[str, Any]) -> None:
        self._file.append(kind, 0, stamp_ns, json.dumps(content).encode())

    def _source_code(self, source: str) -> int:
        code = self._sources.get(source)
        if code is None:
            code = len(self._sources)
            if code >= _MAX_SOURCES:
                raise ValueError(f"a take can name {_MAX_SOURCES} sources of action, {source!r} is one more")
            self._file.append(Kind.SOURCE_NAME, code, 0, source.encode())
            self._sources[source] = code
        return code


class FinishingTake:
    """A take that has ended, on its way to the disk. `journal` is for `build_episode` once it is saved."""

    def __init__(self, journal: Path, file: JournalWriter) -> None:
        self.journal = journal
        self._file = file

    def saved(self) -> bool:
        """Whether the whole take is on the disk. Raises `DiskError`; then the take is one that was cut off."""
        return self._file.finished()

    def wait(self) -> Path:
        """Returns the journal when it is on the disk. Raises `DiskError`."""
        self._file.finished(wait=True)
        return self.journal


def remove_journal(journal: Path) -> None:
    """Removes a journal's folder at once, as far as a reader can see. Raises `OSError`."""
    if journal.exists():
        # A kill between two files must not leave half a journal under its own name.
        doomed = journal.with_name(REMOVED + journal.name)
        os.rename(journal, doomed)
        shutil.rmtree(doomed)
