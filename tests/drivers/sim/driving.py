"""Drives a world's plants as the follower's servos would be driven."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from drivers.arms import STUDIO_FOLLOWER
from drivers.sim.operator import ScriptedOperator
from drivers.sim.servo_physics import GRIPPER_EFFORT_LIMIT
from drivers.sim.shift import NO_SHIFT, SceneShift
from drivers.sim.world import Score, World


def drive(world: World, goal: NDArray[np.float64], torque_on: bool = True) -> None:
    """Joint vector `goal` (D,) to all plants with the gains of the follower's model."""
    for index, joint in enumerate(STUDIO_FOLLOWER.joints):
        effort_limit = GRIPPER_EFFORT_LIMIT if joint.name == "gripper" else 1.0
        servo_rad = joint.sign * joint.servo_rad_per_unit * float(goal[index])
        world.plant(index).drive(servo_rad, torque_on, joint.p_gain, joint.d_gain, effort_limit)


def attempt(scene: str, side: str, seed: int, lag_ticks: int = 2, shift: SceneShift = NO_SHIFT) -> Score:
    """One scripted attempt at 100 Hz, goals `lag_ticks` late as over a bus."""
    world = World(scene, shift=shift)
    world.reset(seed)
    operator = ScriptedOperator(world, side, seed)
    goals = deque([world.start_goal] * lag_ticks)
    for tick in range(round(operator.duration_s * 100)):
        goals.append(operator.pose_at(tick / 100))
        drive(world, goals.popleft())
        world.advance(0.01)
    return world.score()
