"""Where a rig's cameras look: from points in the robot's base frame to pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.kinematics import Chain
from drivers.sim.scene import camera_model


def project_points(
    scene: str,
    camera: str,
    size: tuple[int, int],
    chain: Chain,
    joints: NDArray[np.float64],
    points: NDArray[np.floating[Any]],
) -> NDArray[np.float64]:
    """Base-frame `points` (..., 3) m to pixels (..., 2) of a `size` = (w, h) picture; nan behind the camera.

    `scene` "" is the real world, where nobody knows how a camera stands: all nan.
    `joints` (D,) as measured: a camera on the hand looks from where the hand is.
    """
    if not scene:
        return np.full((*points.shape[:-1], 2), np.nan)
    model = camera_model(scene, camera, *size)
    T_base_hand = chain.hand_pose(np.asarray(joints)) if model.mount == "hand" else None
    return np.asarray(model.project(np.asarray(points, np.float64), T_base_hand))
