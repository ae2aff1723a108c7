"""One recorded episode opened for looking: pictures by time, joints, and where the gripper's tip was."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.arms import ARMS
from drivers.arms.model import ArmModel
from drivers.arms.studio_arm import STUDIO_FOLLOWER
from drivers.kinematics import Chain, known
from recorders.catalog import EpisodeInfo
from recorders.episode_reader import EpisodeReader
from teleop_studio.insight.mode_split import side_of_demonstration
from teleop_studio.rig_cameras import project_points
from teleop_studio.status import EpisodeRow

_SIDE_STRIDE = 5  # twenty points a second tell the way round as well as a hundred


class EpisodeView:
    """Holds the file open until `close`. Raises a `RecorderError` for a file that can not be read."""

    def __init__(self, path: Path) -> None:
        self._reader = EpisodeReader(path)
        info = self._reader.info
        frames = self._reader.frames
        model = follower_model(info)
        self._chain = Chain(model) if known(model) else None
        self._scene = info.scene
        self._start_ns = int(frames.stamp_ns[0])
        self.joint_names = model.names
        self.cameras = self._reader.cameras
        # Not asked of the pictures: a camera that was lost has none.
        self._sizes = {camera.name: (camera.width, camera.height) for camera in self._reader.description.cameras}
        self.time_s: NDArray[np.float64] = (frames.stamp_ns - self._start_ns).astype(np.float64) * 1e-9
        self.duration_s = float(self.time_s[-1])
        self.leader: NDArray[np.float64] = np.asarray(frames.leader_position)
        self.follower: NDArray[np.float64] = np.asarray(frames.follower_position)
        self.action: NDArray[np.float64] = np.asarray(frames.action)
        self.stamp_ns: NDArray[np.int64] = np.asarray(frames.stamp_ns)
        # (T, 3) m in the base frame; (0, 3) for an arm whose lengths are not known.
        self.tip_path: NDArray[np.float64] = self._chain.forward(self.follower) if self._chain else np.empty((0, 3))
        self.row = row_of(info, side_of_demonstration(self.tip_path) if self._chain else "")

    def image_at(self, camera: str, time_s: float) -> NDArray[np.uint8] | None:
        """The newest picture (h, w, 3) not after `time_s`; None before the first."""
        return self._reader.images(camera).at(self._start_ns + round(time_s * 1e9))

    def project(self, camera: str, points: NDArray[np.floating[Any]], time_s: float) -> NDArray[np.float64]:
        """Base-frame points (..., 3) m to pixels (..., 2) of `camera` as the arm stood at `time_s`."""
        if self._chain is None:
            return np.full((*points.shape[:-1], 2), np.nan)
        k = int(np.clip(np.searchsorted(self.time_s, time_s, side="right") - 1, 0, len(self.time_s) - 1))
        size = self._sizes[camera]
        return project_points(self._scene, camera, size, self._chain, self.follower[k], points)

    def close(self) -> None:
        self._reader.close()


def follower_model(info: EpisodeInfo) -> ArmModel:
    """The arm the episode was recorded with. Raises `ValueError` for one this installation does not know."""
    name = info.extra.get("follower", {}).get("arm", STUDIO_FOLLOWER.name)
    if name not in ARMS:
        raise ValueError(f"{info.path.name} was recorded with the arm {name!r}; known arms: {', '.join(sorted(ARMS))}.")
    return ARMS[name]


def row_of(info: EpisodeInfo, side: str = "", binned: bool = False) -> EpisodeRow:
    """The catalogue's entry as the lists show it."""
    return EpisodeRow(
        path=info.path,
        number=info.number,
        task=info.task,
        source=info.source,
        outcome=info.outcome,
        recorded_at=info.recorded_at,
        duration_s=info.duration_s,
        frames=info.frames,
        gaps=info.gaps,
        run=str(info.extra.get("run", "")),
        side="" if side == "neither" else side,
        problem=info.problem,
        operator=info.operator,
        cameras=tuple(info.images),
        tags=info.tags,
        note=info.note,
        split=info.split,
        hints=info.hints,
        idle_start_s=info.idle_start_s,
        size_mb=info.size_bytes / 1e6,
        binned=binned,
    )


def measured_side(info: EpisodeInfo, positions: NDArray[np.float64]) -> str:
    """Which way round the gripper went, from its measured path: "left", "right", or "" when it can not be told.

    `positions` (T, D) rad of the follower. Raises `ValueError` for an episode of an unknown arm.
    """
    model = follower_model(info)
    if not known(model):
        return ""
    side = side_of_demonstration(Chain(model).forward(positions[::_SIDE_STRIDE]))
    return "" if side == "neither" else side
