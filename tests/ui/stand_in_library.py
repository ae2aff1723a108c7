"""The collection of the stand-in Studio: the library's surface over plain rows, and varied rows to fill it."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from teleop_studio.session import StudioError
from teleop_studio.status import CollectionStatistics, EpisodeRow

if TYPE_CHECKING:
    from tests.ui.stand_in_studio import StandInStudio

TASKS = ("lift the bottle", "put the bottle into the crate", "sort the screws", "hand over the cup")
OPERATORS = ("Ada", "Grace", "")
TAGS = ("slow", "two hands", "new table", "sunlight", "retry", "for the paper")
HINTS = (
    "Nothing moves in the first 1.8 s. Trim it, or a policy learns to wait.",
    "The camera wrist shows the same picture for 2.4 s. Check its cable, and bin the episode if the grasp is hidden.",
    "It is 5 times shorter than the others (1.4 s). Bin it if it was started by accident.",
    "The follower is 0.21 rad behind the leader at the elbow. Check the joint for load before recording on.",
    "14 pictures of the camera front are missing. Plug it into a port of its own.",
)


def varied_rows(folder: Path, count: int, seed: int = 0) -> list[EpisodeRow]:
    """Episodes of many afternoons, oldest first: every outcome, tags, notes, splits, gaps, hints, damaged files."""
    random = np.random.default_rng(seed)
    start = datetime.now() - timedelta(minutes=7 * count)
    return [_varied(folder, number, start + timedelta(minutes=7 * number), random) for number in range(1, count + 1)]


def _varied(folder: Path, number: int, recorded: datetime, random: np.random.Generator) -> EpisodeRow:
    outcome = str(
        random.choice(("success", "failure", "unrated", "interrupted", "stopped"), p=(0.6, 0.2, 0.1, 0.05, 0.05))
    )
    hints = tuple(HINTS[i] for i in range(len(HINTS)) if random.random() < 0.08)
    tags = tuple(tag for tag in TAGS if random.random() < 0.12)
    damaged = random.random() < 0.02
    duration_s = float(random.gamma(16, 0.5))
    return EpisodeRow(
        path=folder / f"{number:04d}.h5",
        number=number,
        task="" if damaged else TASKS[int(random.choice(4, p=(0.55, 0.25, 0.15, 0.05)))],
        source="human" if random.random() < 0.8 else "scripted",
        outcome="unrated" if damaged else outcome,
        recorded_at=recorded.isoformat(timespec="seconds"),
        duration_s=0.0 if damaged else duration_s,
        frames=0 if damaged else int(duration_s * 100),
        gaps=int(random.integers(1, 20)) if random.random() < 0.06 else 0,
        side=("left", "right", "")[int(random.choice(3, p=(0.48, 0.48, 0.04)))],
        problem=f"{number:04d}.h5 is damaged: the checksum of front does not match. Run `teleop-studio repair`."
        if damaged
        else "",
        operator=OPERATORS[int(random.choice(3, p=(0.6, 0.3, 0.1)))],
        cameras=("front", "wrist"),
        tags=() if damaged else tags,
        note="the lid was open" if random.random() < 0.05 else "",
        split=("", "train", "held_out")[int(random.choice(3, p=(0.8, 0.1, 0.1)))],
        hints=() if damaged else hints,
        idle_start_s=1.8 if HINTS[0] in hints else 0.0,
        size_mb=duration_s * 4.1,
    )


class StandInLibrary:
    """Reads and changes the rows of its studio; `bin_rows` are those in the bin."""

    def __init__(self, studio: "StandInStudio") -> None:
        self._studio = studio
        self.bin_rows: list[EpisodeRow] = []
        self.surveying = 0
        self.trimming = 0
        self.thumbnails_taken: list[Path] = []
        self._counted: tuple[list[EpisodeRow] | None, CollectionStatistics] = (None, CollectionStatistics())

    def episodes(self) -> list[EpisodeRow]:
        return self._studio.episodes()

    def trials(self) -> list[EpisodeRow]:
        return self._studio.trials()

    def binned(self) -> list[EpisodeRow]:
        return list(self.bin_rows)

    def label(self, path: Path, outcome: str) -> None:
        self._studio.label(path, outcome)

    def add_tag(self, path: Path, tag: str) -> None:
        row = self._change("add_tag", path, tag)
        self._put(replace(row, tags=(*row.tags, tag)))

    def remove_tag(self, path: Path, tag: str) -> None:
        row = self._change("remove_tag", path, tag)
        self._put(replace(row, tags=tuple(other for other in row.tags if other != tag)))

    def set_note(self, path: Path, text: str) -> None:
        self._put(replace(self._change("set_note", path, text), note=text))

    def set_split(self, path: Path, split: str) -> None:
        self._put(replace(self._change("set_split", path, split), split=split))

    def dismiss_trim(self, path: Path) -> None:
        row = self._change("dismiss_trim", path)
        self._put(
            replace(row, idle_start_s=0.0, hints=tuple(hint for hint in row.hints if "Nothing moves" not in hint))
        )

    def move_to_bin(self, path: Path) -> Path:
        row = self._row(path)
        self._studio.move_to_bin(path)
        binned = replace(row, path=path.parent / "bin" / path.name, binned=True)
        self.bin_rows.append(binned)
        return binned.path

    def restore(self, path: Path) -> Path:
        row = next((row for row in self.bin_rows if row.path == path), None)
        self._studio.calls.append(("restore", path))
        if row is None:
            raise StudioError(f"{path.name} can not be restored. It is not in the bin any more.")
        self.bin_rows.remove(row)
        back = replace(row, path=path.parent.parent / path.name, binned=False)
        self._studio.rows = sorted([*self._studio.rows, back], key=lambda other: other.number)
        return back.path

    def trim(self, path: Path, start_s: float, end_s: float) -> None:
        self._change("trim", path, start_s, end_s)
        self.trimming += 1

    def finish_trim(self, path: Path, start_s: float, end_s: float) -> None:
        """What the real one's child process does in the end."""
        row = self._row(path)
        number = max(other.number for other in self._studio.rows) + 1
        self.move_to_bin(path)
        short = replace(row, path=path.parent / f"{number:04d}.h5", number=number, duration_s=end_s - start_s)
        self._studio.rows.append(short)
        self.trimming -= 1

    def thumbnail(self, path: Path) -> NDArray[np.uint8] | None:
        from tests.ui.fake_arm import picture

        self.thumbnails_taken.append(path)
        if self.surveying:
            return None
        start_s = float(int(path.stem))
        return np.concatenate([picture("front", start_s + later)[::3, ::3] for later in (0, 2, 4)], axis=1)

    def statistics(self) -> CollectionStatistics:
        """Counted anew when the rows have changed, like the real one's."""
        if self._counted[0] is not self._studio.rows:
            self._counted = (self._studio.rows, self._statistics())
        return self._counted[1]

    def _statistics(self) -> CollectionStatistics:
        rows = [row for row in self._studio.rows if not row.problem]
        names = ("shoulder_pan", "shoulder_lift", "elbow", "forearm_roll", "wrist_pitch", "wrist_roll", "gripper")
        middle = np.array([0.1, -0.6, 0.9, 0.0, 0.5, -0.2, 0.55])
        wide = np.array([0.4, 0.5, 0.6, 0.2, 0.5, 0.7, 0.4])
        return CollectionStatistics(
            episodes=len(rows),
            looked_through=len(rows) - self.surveying,
            duration_s=sum(row.duration_s for row in rows),
            frames=sum(row.frames for row in rows),
            size_mb=sum(row.size_mb for row in rows),
            outcomes=dict(Counter(row.outcome for row in rows)),
            tasks=dict(Counter(row.task for row in rows)),
            operators=dict(Counter(row.operator for row in rows)),
            pictures={"front": (240 * len(rows), 14), "wrist": (240 * len(rows), 0)} if rows else {},
            joint_names=names,
            state_mean=middle,
            state_std=wide / 2,
            state_min=middle - 1.6 * wide,
            state_max=middle + np.minimum(1.6 * wide, 0.45),
            action_mean=middle + 0.02,
            action_std=wide / 2,
            action_min=middle - 1.7 * wide,
            action_max=middle + np.minimum(1.7 * wide, 0.45),
        )

    def _row(self, path: Path) -> EpisodeRow:
        for row in self._studio.rows + self._studio.trial_rows:
            if row.path == path:
                return row
        raise StudioError(f"{path.name} can not be changed. It is not in the workspace any more.")

    def _change(self, verb: str, path: Path, *arguments: object) -> EpisodeRow:
        row = self._row(path)
        self._studio.calls.append((verb, path, *arguments))
        return row

    def _put(self, changed: EpisodeRow) -> None:
        studio = self._studio
        studio.rows = [changed if row.path == changed.path else row for row in studio.rows]
        studio.trial_rows = [changed if row.path == changed.path else row for row in studio.trial_rows]
