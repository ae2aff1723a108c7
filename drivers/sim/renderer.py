"""Pictures of a scene from snapshots, by MuJoCo's renderer on (software) OpenGL."""

import os
import sys
from functools import partial
from typing import Any

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.errors import CameraMissing
from drivers.sim.scene import KEY_LIGHT_DIRECTION, camera_model, scene_assets, scene_named, scene_xml
from drivers.sim.shadows import ShadowSheet
from drivers.sim.shift import NO_SHIFT, SceneShift, clutter_xml, exposed, shift_pictures

# Mesa's software rasteriser would otherwise take every core from the control loop; read when a context is made.
os.environ.setdefault("LP_NUM_THREADS", "1")

# No oversampling: rendering 1.5 times larger and averaging looks smoother, but costs 18 ms of a core a picture, not 9.
# Two cameras at 30 fps would then not fit beside the control loop on two cores without a GPU.


class SceneRenderer:
    """Make, use and close it in one thread of one process: an OpenGL context belongs to its thread."""

    def __init__(self, scene_name: str, width: int, height: int, shift: SceneShift = NO_SHIFT) -> None:
        self.scene = scene_named(scene_name)
        self.width, self.height = width, height
        xml = scene_xml(self.scene, more_bodies=partial(clutter_xml, shift))
        self._model = mujoco.MjModel.from_xml_string(xml, scene_assets(self.scene))
        shift_pictures(self._model, shift)
        self._shift = shift
        self._data = mujoco.MjData(self._model)
        self._shadows = ShadowSheet(self._model, shift.light_direction or KEY_LIGHT_DIRECTION)
        self._picture = np.empty((height, width, 3), np.uint8)
        self._gl: Any = windowless_context(width, height)
        self._gl.make_current()
        self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._view = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(self._model, maxgeom=200)
        costly = mujoco.mjtRndFlag
        for flag in (costly.mjRND_SHADOW, costly.mjRND_REFLECTION, costly.mjRND_SKYBOX, costly.mjRND_HAZE):
            self._scene.flags[flag] = False
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._shown: NDArray[np.float64] | None = None

    def render(self, snapshot: ArrayLike, camera: str) -> NDArray[np.uint8]:
        """Picture (h, w, 3) of a `World.snapshot()` seen by `camera`. Raises `ValueError` on another scene's."""
        self.check_camera(camera)
        self._gl.make_current()
        self._take(np.asarray(snapshot, np.float64))
        self._camera.fixedcamid = self._model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, self._data, self._option, None, self._camera, everything, self._scene)
        mujoco.mjr_render(self._view, self._scene, self._context)
        mujoco.mjr_readPixels(self._picture, None, self._view, self._context)
        picture = self._picture[::-1].copy()  # OpenGL's first row is the lowest
        return exposed(picture, self._shift)

    def depth(self, snapshot: ArrayLike, camera: str) -> NDArray[np.float64]:
        """How far along the camera's axis each pixel of the same picture lies, (h, w), m."""
        self.render(snapshot, camera)
        raw = np.empty((self.height, self.width), np.float32)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR.value
        mujoco.mjr_readPixels(None, raw, self._view, self._context)
        planes = self._model.vis.map
        near, far = (float(plane * self._model.stat.extent) for plane in (planes.znear, planes.zfar))
        # raw is 1 at the near plane and 0 at the far one, and linear in 1 / distance between them.
        distance: NDArray[np.float64] = 1.0 / (raw[::-1].astype(np.float64) * (1 / near - 1 / far) + 1 / far)
        return distance

    def check_camera(self, camera: str) -> None:
        """Raises `ValueError`, with the names there are, when the scene has no such camera."""
        camera_model(self.scene.name, camera, self.width, self.height)

    def close(self) -> None:
        """Give back the OpenGL context. A second call does nothing."""
        if self._gl is not None:
            self._gl.make_current()
            self._context.free()
            self._gl.free()
            self._gl = None

    def _take(self, snapshot: NDArray[np.float64]) -> None:
        """Move everything, and its shadows, to `snapshot`; nothing to do when the other camera has just shown it."""
        if snapshot.shape != (self._model.nq,):
            raise ValueError(
                f"a snapshot of scene {self.scene.name} has {self._model.nq} values, this one {snapshot.shape}"
            )
        if self._shown is not None and np.array_equal(self._shown, snapshot):
            return
        self._data.qpos[:] = snapshot
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)  # the lights' positions hang on it
        mujoco.mj_camlight(self._model, self._data)
        self._shadows.paint(self._data)
        mujoco.mjr_uploadTexture(self._model, self._context, self._shadows.texture)
        self._shown = snapshot.copy()


def windowless_context(width: int, height: int) -> Any:
    """An OpenGL context without a window. Raises `CameraMissing` when the machine has no OpenGL for it."""
    if sys.platform != "linux":
        return mujoco.GLContext(width, height)
    try:
        # Named, not left to MUJOCO_GL: that is read once, when whoever comes first imports mujoco.
        from mujoco.egl import GLContext

        return GLContext(width, height)
    except (ImportError, AttributeError, RuntimeError) as error:
        raise CameraMissing(
            f"The simulated cameras can not draw: this machine gives no windowless OpenGL ({error}). "
            "Install libegl1, libgl1 and libgl1-mesa-dri; `teleop-studio doctor` tells whether they are found."
        ) from error
