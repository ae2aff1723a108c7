"""What lies in the rings of a rig comes out as it went in, and what does not fit is refused."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teleop_studio.chunk import ActionChunk, DenoisingTrace
from teleop_studio.insight.overlay import SHOWN_STEPS, overlay_of_trace
from teleop_studio.processes.rings import (
    MAX_HORIZON,
    MAX_SOLVER_STEPS,
    OVERLAY_HORIZON,
    OVERLAY_SAMPLES,
    SNAPSHOT_VALUES,
    FrameRow,
    RigRings,
    check_solver_steps,
    chunk_of,
    chunk_row,
    encoded_of,
    encoded_room,
    overlay_of,
    overlay_row,
    snapshot_of,
    snapshot_row,
    wish_row,
)
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig, RigError
from teleop_studio.status import Overlay

D = 7
RIG = RigConfig(cameras=(CameraConfig("front", width=20, height=16), CameraConfig("wrist", width=16, height=24)))
finite = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.fixture
def rings() -> Iterator[RigRings]:
    rings = RigRings.create("test", RIG)
    yield rings
    rings.close()


def overlay(steps: int, samples: int, horizon: int) -> Overlay:
    """Every value differs, so that a swapped axis shows."""
    paths = np.arange((steps + 1) * samples * horizon * 3, dtype=np.float32).reshape(steps + 1, samples, horizon, 3)
    norms = np.arange(steps * samples, dtype=np.float32).reshape(steps, samples)
    return Overlay(7, paths, norms, executed_steps=5, left_share=0.25, right_share=0.75, spread_mm=3.5)


@settings(deadline=None, max_examples=50)
@given(data=st.data(), start_ns=st.integers(0, 2**62), dt_s=st.floats(1e-3, 1), request_number=st.integers(0, 2**40))
def test_a_chunk_comes_back(data: st.DataObject, start_ns: int, dt_s: float, request_number: int) -> None:
    horizon = data.draw(st.integers(1, MAX_HORIZON))
    actions = data.draw(arrays(np.float64, (horizon, D), elements=finite))
    row = chunk_row(request_number, ActionChunk(start_ns, dt_s, actions), D)
    chunk = chunk_of(row)
    assert chunk is not None
    assert (int(row["request"]), chunk.start_ns, chunk.dt_s) == (request_number, start_ns, dt_s)
    np.testing.assert_array_equal(chunk.actions, actions)


def test_a_wish_that_can_not_be_met_is_answered_by_no_chunk() -> None:
    row = chunk_row(12, None, D)
    assert chunk_of(row) is None
    assert int(row["request"]) == 12


def test_a_chunk_that_is_too_long_is_refused_not_cut() -> None:
    chunk = ActionChunk(0, 0.1, np.zeros((MAX_HORIZON + 1, D)))
    with pytest.raises(ValueError, match=f"{MAX_HORIZON + 1} steps, at most {MAX_HORIZON}"):
        chunk_row(0, chunk, D)


def test_a_chunk_of_another_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        chunk_row(0, ActionChunk(0, 0.1, np.zeros((3, D + 1))), D)


@settings(deadline=None, max_examples=50)
@given(values=arrays(np.float64, st.integers(0, SNAPSHOT_VALUES), elements=finite))
def test_a_snapshot_of_any_length_comes_back(values: np.ndarray) -> None:
    np.testing.assert_array_equal(snapshot_of(snapshot_row(values)), values)


def test_a_snapshot_that_is_too_long_is_refused_not_cut() -> None:
    with pytest.raises(ValueError, match=f"{SNAPSHOT_VALUES + 1} values"):
        snapshot_row(np.zeros(SNAPSHOT_VALUES + 1))


@pytest.mark.parametrize(
    ("steps", "samples", "horizon"),
    [(1, 1, 1), (10, 32, 16), (SHOWN_STEPS, OVERLAY_SAMPLES, OVERLAY_HORIZON), (3, 5, 7)],
)
def test_an_overlay_comes_back(steps: int, samples: int, horizon: int) -> None:
    told = overlay(steps, samples, horizon)
    found = overlay_of(overlay_row(told))
    for name in ("stamp_ns", "executed_steps", "left_share", "right_share", "spread_mm"):
        assert getattr(found, name) == getattr(told, name)
    np.testing.assert_array_equal(found.tip_paths, told.tip_paths)
    np.testing.assert_array_equal(found.velocity_norm, told.velocity_norm)


def test_an_overlay_beyond_the_rings_size_is_cut_in_samples_and_horizon() -> None:
    told = overlay(4, OVERLAY_SAMPLES + 3, OVERLAY_HORIZON + 2)
    found = overlay_of(overlay_row(told))
    np.testing.assert_array_equal(found.tip_paths, told.tip_paths[:, :OVERLAY_SAMPLES, :OVERLAY_HORIZON])
    np.testing.assert_array_equal(found.velocity_norm, told.velocity_norm[:, :OVERLAY_SAMPLES])


@pytest.mark.parametrize("steps", [0, -1, MAX_SOLVER_STEPS + 1])
def test_solver_steps_that_can_not_be_shown_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=f"solver steps = {steps}: 1 to {MAX_SOLVER_STEPS}"):
        check_solver_steps(steps)


@pytest.mark.parametrize(("steps", "shown"), [(1, 1), (SHOWN_STEPS, SHOWN_STEPS), (25, 20), (MAX_SOLVER_STEPS, 20)])
def test_as_many_solver_steps_as_are_allowed_do_fit(steps: int, shown: int) -> None:
    rng = np.random.default_rng(steps)
    trace = DenoisingTrace(rng.normal(size=(check_solver_steps(steps) + 1, 2, 4, D)), rng.normal(size=(steps, 2)))
    made = overlay_of_trace(trace, lambda joints: joints[..., :3], np.zeros(D), np.zeros(D), 2, 0)
    found = overlay_of(overlay_row(made))
    assert len(found.velocity_norm) == shown
    np.testing.assert_array_equal(found.tip_paths[0], trace.actions[0, ..., :3].astype(np.float32))
    np.testing.assert_array_equal(found.tip_paths[-1], trace.actions[-1, ..., :3].astype(np.float32))


def test_each_ring_holds_what_its_row_fills(rings: RigRings) -> None:
    """Attached as a child would, so that the specs carry every shape."""
    assert rings.snapshots is not None
    far = RigRings.attach(rings.specs)
    try:
        assert far.snapshots is not None
        picture = np.arange(16 * 20 * 3).reshape(16, 20, 3).astype(np.uint8)
        far.frames["front"].push(FrameRow(20, 16).fill(41, picture), 5)
        far.wishes.push(wish_row(3, 99), 99)
        far.chunks.push(chunk_row(3, ActionChunk(1, 0.1, np.ones((2, D))), D), 100)
        far.overlays.push(overlay_row(overlay(2, 3, 4)), 101)
        far.snapshots.push(snapshot_row(np.arange(5.0)), 102)
        frame, wish = rings.frames["front"].latest(), rings.wishes.latest()
        snapshot = rings.snapshots.latest()
        assert frame is not None
        assert wish is not None
        assert snapshot is not None
        assert int(frame[2]["sequence"]) == 41
        np.testing.assert_array_equal(frame[2]["rgb"], picture)
        assert (int(wish[2]["request"]), int(wish[2]["asked_ns"])) == (3, 99)
        np.testing.assert_array_equal(snapshot_of(snapshot[2]), np.arange(5.0))
        assert rings.chunks.written == rings.overlays.written == 1
        assert rings.frames["wrist"].latest() is None
    finally:
        far.close()


def test_a_camera_ring_holds_two_seconds_and_more_of_pictures(rings: RigRings) -> None:
    for camera in RIG.cameras:
        assert rings.frames[camera.name].spec.slots >= 2 * camera.fps


def test_cameras_that_shared_memory_can_not_hold_are_refused_before_anything_is_made() -> None:
    huge = RigConfig(cameras=tuple(CameraConfig(f"c{k}", width=4096, height=4096, fps=120) for k in range(40)))
    with pytest.raises(RigError, match=r"too little shared memory for the cameras of simulated.* need 6\d+ MB"):
        RigRings.create("huge", huge)


REAL = RigConfig(
    leader=ArmConfig("studio-leader", "/dev/leader"),
    follower=ArmConfig("studio-follower", "/dev/follower"),
    cameras=(CameraConfig("front", "usb", 64, 48, device="serial:1:2:3"),),
)


def test_a_jpeg_of_the_camera_itself_lies_beside_its_picture() -> None:
    rings = RigRings.create("encoded", REAL)
    try:
        ring, row = rings.frames["front"], FrameRow.of(REAL.cameras[0])
        picture, jpeg = np.full((48, 64, 3), 7, np.uint8), bytes(range(256)) * 3
        ring.push(row.fill(1, picture, jpeg, driver_stamp=True), 1)
        ring.push(row.fill(2, picture, jpeg[:5]), 2)  # the longer one before must not shine through
        ring.push(row.fill(3, picture), 3)
        ring.push(row.fill(4, picture, bytes(encoded_room(REAL.cameras[0]) + 1)), 4)  # too large: as if it had none
        found = [ring.read(index) for index in range(4)]
        assert [encoded_of(item[1]) for item in found if item is not None] == [jpeg, jpeg[:5], b"", b""]
        assert [bool(item[1]["driver_stamp"]) for item in found if item is not None] == [True, False, False, False]
    finally:
        rings.close()


def test_only_cameras_that_may_make_jpegs_and_whose_jpegs_are_wanted_cost_room_for_them() -> None:
    wanted = CameraConfig("front", "usb", 640, 480, device="serial:1:2:3")
    assert encoded_room(wanted) == 640 * 480
    for without in (
        replace(wanted, passthrough=False),
        replace(wanted, codec="png"),
        replace(wanted, kind="lerobot"),
        CameraConfig("front"),
    ):
        assert encoded_room(without) == 0
