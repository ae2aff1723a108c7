"""What trained policies consider at one moment of the simulated scene: gripper paths on a picture of it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drivers.kinematics import Chain
from drivers.sim.renderer import SceneRenderer
from drivers.sim.scene import camera_model
from drivers.sim.shift import shift_named
from teleop_studio.insight.overlay import overlay_of_trace
from teleop_studio.processes.observation import take_observation

# What is this much behind what the picture shows is behind it.
_TOLERANCE_M = 0.004

if TYPE_CHECKING:
    from teleop_studio.processes.lockstep import LockstepBench
    from teleop_studio.processes.lockstep_plan import FanJob


def draw_fans(bench: "LockstepBench", job: "FanJob") -> None:
    """Bring the hand to the moment before the fork, show it to every run, and write what they consider to `job.out`.

    The file holds `picture` (h, w, 3), `tips` (R, N, H, 3) m in the base frame, `pixels` (R, N, H, 2), `hidden`
    (R, N, H) what lies behind something in the picture, `through` (R, N) which paths lead through the obstacle,
    `shares` (R, 2) left and right, and `executed_steps` (R,).
    """
    from teleop_studio.policies.player import PolicyPlayer

    bench.approach(job.seed, job.before_fork_s)
    bench.look()
    taken = take_observation(bench.rings)
    if taken is None:
        raise RuntimeError("the lock-step rig has no picture or joint state to show the policy")
    observation, row = taken
    tip_of = Chain(bench.rig.follower.model).forward
    overlays = []
    for run in job.runs:
        player = PolicyPlayer.load(run)
        # Both draw from the same noise; a policy without any gives the same chunk again and again.
        player.seed(job.seed)
        _, trace = player.sample(player.encode(observation), job.samples, player.config.solver_steps)
        measured, commanded = row["follower_position"], row["action"]
        steps = player.config.executed_steps
        overlays.append(overlay_of_trace(trace, tip_of, measured, commanded, steps, observation.stamp_ns))
    tips = np.stack([overlay.tip_paths[-1] for overlay in overlays])
    picture, pixels, hidden = _on_the_picture(bench, job, tips)
    job.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        job.out,
        picture=picture,
        tips=tips,
        pixels=pixels,
        hidden=hidden,
        through=bench.sim.world.in_obstacle(_finely(tips)).any(axis=-1),
        shares=np.array([(overlay.left_share, overlay.right_share) for overlay in overlays]),
        executed_steps=np.array([overlay.executed_steps for overlay in overlays]),
    )


def _on_the_picture(
    bench: "LockstepBench", job: "FanJob", tips: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    """The scene as it stands, where `tips` (..., 3) lie in it, and which of them something stands before."""
    camera = camera_model(bench.rig.scene, job.camera, job.width, job.height)
    pixels = camera.project(tips)
    renderer = SceneRenderer(bench.rig.scene, job.width, job.height, shift_named(bench.rig.shift))
    try:
        picture = renderer.render(bench.sim.snapshot(), job.camera)
        seen_m = renderer.depth(bench.sim.snapshot(), job.camera)
    finally:
        renderer.close()
    column = np.clip(np.round(pixels[..., 0]), 0, job.width - 1).astype(int)
    line = np.clip(np.round(pixels[..., 1]), 0, job.height - 1).astype(int)
    away = np.append(tips, np.ones((*tips.shape[:-1], 1)), axis=-1) @ np.linalg.inv(camera.T_mount_camera).T
    return picture, pixels, away[..., 2] > seen_m[line, column] + _TOLERANCE_M


def _finely(tips: NDArray[np.float32], parts: int = 8) -> NDArray[np.float64]:
    """Paths (..., H, 3) with `parts` points between their own: a box is thinner than the way of one step."""
    ways = np.arange(parts)[:, None] / parts
    between = tips[..., :-1, None, :] * (1 - ways) + tips[..., 1:, None, :] * ways
    return np.concatenate([between.reshape(*tips.shape[:-2], -1, 3), tips[..., -1:, :]], axis=-2)
