"""Scenes are data that hang together: cameras, props, pictures."""

import mujoco
import numpy as np
import pytest

from drivers.sim.props import PROPS
from drivers.sim.scene import SCENES, Scene, camera_model, scene_assets, scene_xml
from drivers.sim.shapes import MeshLibrary
from drivers.sim.textures import png
from teleop_studio.rig import SIMULATED_SCENES


@pytest.fixture(scope="module", params=list(SCENES))
def scene(request: pytest.FixtureRequest) -> Scene:
    return SCENES[request.param]


def test_every_scene_has_a_front_and_a_wrist_camera_and_known_props(scene: Scene) -> None:
    assert camera_model(scene.name, "front", 320, 240).mount == "base"
    assert camera_model(scene.name, "wrist", 320, 240).mount == "hand"
    assert set(scene.props) <= set(PROPS)
    assert "bottle" in scene.props


def test_the_rig_file_knows_the_same_scenes() -> None:
    assert tuple(SCENES) == SIMULATED_SCENES


def test_an_unknown_camera_is_refused_with_the_list_of_cameras() -> None:
    with pytest.raises(ValueError, match=r"scene fork has no camera 'top'\. Its cameras are: front, wrist"):
        camera_model("fork", "top", 320, 240)


def test_a_larger_picture_has_the_same_field_of_view() -> None:
    small, large = (camera_model("bottle", "front", w, h).project([0.3, 0.1, 0.0]) for w, h in ((320, 240), (640, 480)))
    np.testing.assert_allclose(2 * small, large)


def test_the_model_has_one_actuator_a_joint_and_weighs_what_the_arm_weighs(scene: Scene) -> None:
    model = mujoco.MjModel.from_xml_string(scene_xml(scene), scene_assets(scene))
    assert model.nu == 7
    arm = [model.body(name).id for name in ("waist", "shoulder", "elbow", "wrist_pitch", "wrist_yaw", "wrist_roll")]
    assert model.body_mass[arm].sum() == pytest.approx(0.407, abs=1e-6)
    assert model.body("bottle").mass[0] == pytest.approx(0.060, abs=1e-6)


def test_pictures_are_png_files_of_the_right_size() -> None:
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    data = png(pixels)
    cv2 = pytest.importorskip("cv2")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decoded, pixels[..., [2, 1, 0, 3]])


def test_meshes_face_outwards_and_equal_shapes_are_stored_once() -> None:
    meshes = MeshLibrary()
    name = meshes.rounded_box((0.01, 0.02, 0.03), 0.002)
    assert meshes.rounded_box((0.01, 0.02, 0.03), 0.002) == name
    meshes.turned("cup", [(0.0, 0.0), (0.01, 0.0), (0.01, 0.0), (0.01, 0.02)])
    meshes.tube("handle", [(0, 0, 0), (0, 0.01, 0.005), (0, 0.02, 0)], 0.002)
    assert meshes.xml().count("<mesh") == 3
    geoms = "".join(f'<geom type="mesh" mesh="{mesh}"/>' for mesh in (name, "cup", "handle"))
    model = mujoco.MjModel.from_xml_string(
        f"<mujoco><asset>{meshes.xml()}</asset><worldbody>{geoms}</worldbody></mujoco>"
    )
    for mesh in range(3):
        assert share_facing_their_normals(model, mesh) > 0.99


def share_facing_their_normals(model: mujoco.MjModel, mesh: int) -> float:
    """Share of triangles whose winding agrees with the normals of their corners; back faces are not drawn."""
    start, count = model.mesh_faceadr[mesh], model.mesh_facenum[mesh]
    corners = model.mesh_vert[model.mesh_vertadr[mesh] + model.mesh_face[start : start + count]]
    normals = model.mesh_normal[model.mesh_normaladr[mesh] + model.mesh_facenormal[start : start + count]]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(facing, axis=1)
    agreement = np.einsum("ij,ij->i", facing, normals.sum(axis=1))
    return float((agreement[area > 1e-10] > 0).mean())
