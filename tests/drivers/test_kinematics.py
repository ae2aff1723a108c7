"""The chain and the camera model against the physics engine, and against themselves."""

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from drivers.arms import OMX_FOLLOWER, OMX_LEADER, STUDIO_FOLLOWER, VX300S, WX250S
from drivers.arms.model import ArmModel
from drivers.kinematics import Chain, pose_of, rotation_about, rotation_vector
from drivers.sim.renderer import windowless_context
from drivers.sim.scene import SCENES, camera_model, scene_assets, scene_xml

CHAIN = Chain(STUDIO_FOLLOWER)
HOME = np.array(STUDIO_FOLLOWER.home)
PICTURE = (160, 120)


class Engine:
    """MuJoCo with the arm in a pose, nothing stepped."""

    def __init__(self) -> None:
        scene = SCENES["bottle"]
        self.model = mujoco.MjModel.from_xml_string(scene_xml(scene), scene_assets(scene))
        self.data = mujoco.MjData(self.model)

    def take(self, joints: NDArray[np.float64]) -> None:
        self.data.qpos[:6] = joints[:6]
        mujoco.mj_forward(self.model, self.data)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def random_poses(count: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(STUDIO_FOLLOWER.lower, STUDIO_FOLLOWER.upper, (count, 7))


def working_poses(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Poses over the mat with the finger tips in sight of both cameras."""
    rng = np.random.default_rng(seed)
    poses = []
    while len(poses) < count:
        position = rng.uniform((0.20, -0.08, 0.08), (0.34, 0.08, 0.20))
        found = CHAIN.inverse(pose_of(position, rng.uniform(-0.5, 0.5), rng.uniform(0, 0.4)), HOME)
        if found.position_error_m < 0.002:
            poses.append(found.joints)
    return np.array(poses)


def test_the_chain_agrees_with_the_physics_engine_within_a_tenth_of_a_millimetre(engine: Engine) -> None:
    for joints in random_poses(50):
        engine.take(joints)
        hand = engine.data.body("wrist_roll")
        pose = CHAIN.hand_pose(joints)
        np.testing.assert_allclose(CHAIN.forward(joints), engine.data.site("tcp").xpos, atol=1e-4)
        np.testing.assert_allclose(pose[:3, 3], hand.xpos, atol=1e-4)
        np.testing.assert_allclose(pose[:3, :3], hand.xmat.reshape(3, 3), atol=1e-4)


@pytest.mark.parametrize(
    ("arm", "tip"),
    [
        # Interbotix' own "M", docs.trossenrobotics.com/interbotix_xsarms_docs, specifications vx300s and wx250s.
        (VX300S, (0.536494, 0.0, 0.42705)),
        (WX250S, (0.458325, 0.0, 0.36065)),
        # The sum of ROBOTIS' origins in omx_f.urdf, all joints at 0.
        (OMX_FOLLOWER, (-0.01125 + 0.0415 + 0.162 + 0.0287 + 0.09193, -0.0016, 0.034 + 0.0635 + 0.11315)),
    ],
    ids=["vx300s", "wx250s", "omx-follower"],
)
def test_the_published_zero_pose_of_an_arm_is_met(arm: ArmModel, tip: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(Chain(arm).forward(np.zeros(len(arm.joints))), tip, atol=1e-6)


@pytest.mark.parametrize("arm", [VX300S, WX250S, OMX_FOLLOWER, OMX_LEADER], ids=lambda arm: arm.name)
def test_shoulder_forward_lowers_the_hand_and_a_turn_to_the_left_moves_it_left(arm: ArmModel) -> None:
    chain, zero = Chain(arm), np.zeros(len(arm.joints))
    left, forward = zero.copy(), zero.copy()
    left[0], forward[1] = 0.3, 0.3
    assert chain.forward(left)[1] > 0.02
    assert chain.forward(forward)[2] < chain.forward(zero)[2] - 0.02


def test_a_whole_trace_of_chunks_is_turned_into_tips_at_once() -> None:
    joints = random_poses(2 * 3 * 5).reshape(2, 3, 5, 7)
    tips = CHAIN.forward(joints)
    assert tips.shape == (2, 3, 5, 3)
    np.testing.assert_allclose(tips[1, 2, 4], CHAIN.forward(joints[1, 2, 4]), atol=1e-12)
    np.testing.assert_allclose(tips, CHAIN.tcp_pose(joints)[..., :3, 3], atol=1e-12)


def test_a_vector_of_another_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="5 values, studio-follower has 7 joints"):
        CHAIN.forward(np.zeros(5))


def test_the_inverse_reaches_poses_over_the_table() -> None:
    for goal in working_poses(20, seed=3):
        target = CHAIN.tcp_pose(goal)
        found = CHAIN.inverse(target, HOME)
        assert found.position_error_m < 1e-3
        assert found.rotation_error_rad < 0.02
        np.testing.assert_allclose(CHAIN.forward(found.joints), target[:3, 3], atol=1e-3)
        assert found.joints[-1] == HOME[-1]


def test_an_unreachable_pose_gives_the_nearest_one_within_the_joint_ranges() -> None:
    found = CHAIN.inverse(pose_of((0.9, 0.0, 0.1), 0.0), HOME)
    assert found.position_error_m > 0.4
    assert np.all(found.joints >= STUDIO_FOLLOWER.lower)
    assert np.all(found.joints <= STUDIO_FOLLOWER.upper)


def test_positive_pitch_points_the_hand_down_and_positive_yaw_to_the_left() -> None:
    assert pose_of((0, 0, 0), 0.0, pitch=0.3)[2, 0] < -0.2
    assert pose_of((0, 0, 0), yaw=0.3)[1, 0] > 0.2


@given(arrays(np.float64, 3, elements=st.floats(-1.8, 1.8)))
def test_a_rotation_vector_survives_the_way_through_its_matrix(vector: NDArray[np.float64]) -> None:
    # Lengths stay below pi, where the answer is unique.
    np.testing.assert_allclose(rotation_vector(rotation_about(vector)), vector, atol=1e-6)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0, 0.8)])
def test_half_a_turn_has_an_axis(axis: tuple[float, float, float]) -> None:
    found = rotation_vector(rotation_about(np.pi * np.array(axis)))
    np.testing.assert_allclose(abs(found), np.pi * np.array(axis), atol=1e-6)


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_a_projected_tip_lies_where_the_physics_engine_draws_it(engine: Engine, camera: str) -> None:
    model = camera_model("bottle", camera, *PICTURE)
    gl = windowless_context(*PICTURE)
    gl.make_current()
    context = mujoco.MjrContext(engine.model, mujoco.mjtFontScale.mjFONTSCALE_100)
    mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, context)
    compared = 0
    for joints in working_poses(8):
        engine.take(joints)
        drawn = centre_of_drawn_ball(engine, context, camera)
        pixel = model.project(CHAIN.forward(joints), CHAIN.hand_pose(joints))
        if np.all(pixel > 6) and np.all(pixel < np.array(PICTURE) - 6):
            np.testing.assert_allclose(pixel, drawn, atol=0.5)
            compared += 1
    context.free()
    gl.free()
    assert compared >= 6


def centre_of_drawn_ball(engine: Engine, context: mujoco.MjrContext, camera: str) -> NDArray[np.float64]:
    """(2,) px: centroid of a small glowing ball at the tip, drawn alone by MuJoCo through its own camera."""
    scene, view = mujoco.MjvScene(engine.model, maxgeom=200), mujoco.MjrRect(0, 0, *PICTURE)
    eye = mujoco.MjvCamera()
    eye.type, eye.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, engine.model.camera(camera).id
    everything = mujoco.mjtCatBit.mjCAT_ALL
    mujoco.mjv_updateScene(engine.model, engine.data, mujoco.MjvOption(), None, eye, everything, scene)
    colour = np.array([1, 1, 1, 1], np.float32)
    ball, position = mujoco.mjtGeom.mjGEOM_SPHERE, engine.data.site("tcp").xpos
    mujoco.mjv_initGeom(scene.geoms[0], ball, np.full(3, 0.006), position, np.eye(3).ravel(), colour)
    scene.geoms[0].emission = 1.0
    scene.ngeom = 1
    picture = np.empty((PICTURE[1], PICTURE[0], 3), np.uint8)
    mujoco.mjr_render(view, scene, context)
    mujoco.mjr_readPixels(picture, None, view, context)
    brightness = picture[::-1].astype(np.float64).sum(axis=2)
    weight = np.clip(brightness - np.median(brightness) - 100, 0, None)
    rows, columns = np.mgrid[0 : PICTURE[1], 0 : PICTURE[0]]
    return np.array([(weight * (columns + 0.5)).sum(), (weight * (rows + 0.5)).sum()]) / weight.sum()


def test_points_behind_a_camera_have_no_pixel() -> None:
    front = camera_model("bottle", "front", 320, 240)
    pixels = front.project([[0.3, 0.0, 0.1], [1.5, 0.0, 0.6]])
    assert np.all(np.isfinite(pixels[0]))
    assert np.all(np.isnan(pixels[1]))


def test_the_robots_left_is_on_the_right_of_the_front_picture() -> None:
    front = camera_model("bottle", "front", 320, 240)
    left, right = front.project([[0.3, 0.1, 0.0], [0.3, -0.1, 0.0]])
    assert left[0] > right[0]


def test_a_camera_on_the_hand_needs_the_hands_pose() -> None:
    with pytest.raises(ValueError, match="wrist is carried by the hand"):
        camera_model("bottle", "wrist", 320, 240).project([0.3, 0.0, 0.1])


def test_a_following_hand_never_moves_a_joint_further_than_allowed() -> None:
    target = CHAIN.tcp_pose(HOME + np.array([0.5, 0.4, -0.4, 0.5, 0.8, 0.3, 0.0]))
    allowed = np.array([0.10, 0.10, 0.10, 0.05, 0.05, 0.05, 0.0])
    joints = HOME
    for _ in range(40):
        found = CHAIN.inverse(target, joints, iterations=8, max_change=allowed)
        assert np.all(np.abs(found.joints - joints) <= allowed + 1e-12)
        joints = found.joints
    assert found.position_error_m < 1e-3
