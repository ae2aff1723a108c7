"""The physics of one scene: the only owner of MuJoCo's model and data, stepped by whoever owns the time."""

import math
from dataclasses import dataclass
from functools import partial

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.arms.studio_arm import FINGER_M_PER_SERVO_RAD, FINGER_TRAVEL_M, STUDIO_FOLLOWER
from drivers.sim.plant import Plant
from drivers.sim.props import PROPS
from drivers.sim.scene import scene_assets, scene_named, scene_xml
from drivers.sim.score import TICK_HZ, Judge, Score
from drivers.sim.servo_physics import (
    GRIPPER_EFFORT_LIMIT,
    GRIPPER_STALL_N,
    SERVO_PHYSICS,
    damping,
    gripper_damping,
    gripper_stiffness,
    stiffness,
)
from drivers.sim.shift import NO_SHIFT, SceneShift, clutter_xml, shifted_scene

Array = NDArray[np.float64]

_HINGES = len(STUDIO_FOLLOWER.links)
_ARM_QPOS = _HINGES + 2  # and two fingers
_SETTLE_S = 0.3
_TICK_RAD = 2 * math.pi / 4096


class World:
    """Bottle, obstacle, clutter and follower arm. Deterministic for the same seed and calls.

    After `reset` each joint holds the scene's start until its plant is driven. `start_goal` (D,) are the goals that do
    so, in joint units.
    """

    def __init__(self, scene_name: str, timestep: float = 0.002, shift: SceneShift = NO_SHIFT) -> None:
        self.scene = shifted_scene(scene_named(scene_name), shift)
        xml = scene_xml(self.scene, timestep, partial(clutter_xml, shift))
        self._model = mujoco.MjModel.from_xml_string(xml, scene_assets(self.scene))
        self._data = mujoco.MjData(self._model)
        # Gravity offsets are computed here: physics' own data must not notice that somebody plans.
        self._scratch = mujoco.MjData(self._model)
        self._tip_site = self._model.site("tcp").id
        self._qpos_of = {name: _ARM_QPOS + 7 * k for k, name in enumerate(self.scene.props)}
        self._plants = [_Shaft.of(self._model, self._data, k) for k in range(_HINGES + 1)]
        self.reset(0)

    @staticmethod
    def snapshot_size(scene_name: str) -> int:
        """Length of `snapshot()`."""
        return _ARM_QPOS + 7 * len(scene_named(scene_name).props)

    def reset(self, seed: int) -> None:
        """Draw a new layout from `seed`, put the arm at the scene's start, let everything settle for .3 s."""
        rng = np.random.default_rng(seed)
        mujoco.mj_resetData(self._model, self._data)
        self._place_props(rng)
        self._place_arm(rng)
        for plant, joint, value in zip(self._plants, STUDIO_FOLLOWER.joints, self.start_goal, strict=True):
            plant.drive(plant.servo_rad(float(value)), True, joint.p_gain, joint.d_gain, plant.full_effort)
        mujoco.mj_forward(self._model, self._data)
        mujoco.mj_step(self._model, self._data, nstep=round(_SETTLE_S / self._model.opt.timestep))
        self._steps = 0
        self._owed_s = 0.0
        self._ticks = 0
        self._start_bottle = self.position("bottle")
        azimuth = math.atan2(self._start_bottle[1], self._start_bottle[0])
        self._judge = Judge(self.scene.obstacle_word, azimuth)
        self._look()

    def advance(self, duration_s: float) -> None:
        """Step the physics by `duration_s` >= 0; what is less than a step is owed to the next call."""
        timestep = self._model.opt.timestep
        self._owed_s += duration_s
        steps = int(self._owed_s / timestep + 1e-6)
        self._owed_s -= steps * timestep
        while steps > 0:
            next_tick = math.ceil((self._ticks + 1) / TICK_HZ / timestep - 1e-6)
            share = min(steps, next_tick - self._steps)
            mujoco.mj_step(self._model, self._data, nstep=share)
            self._steps += share
            steps -= share
            if self._steps == next_tick:
                self._ticks += 1
                self._look()

    def plant(self, joint_index: int) -> Plant:
        """Output shaft of follower joint `joint_index`; servo angles as in its `JointModel`."""
        return self._plants[joint_index]

    def snapshot(self) -> Array:
        """All positions (snapshot_size,): arm, fingers, then 7 for each prop. For the renderer."""
        return np.array(self._data.qpos)

    def score(self) -> Score:
        """State of the attempt since the reset."""
        return self._judge.score()

    def tip(self) -> Array:
        """Tool centre point (3,) in the base frame, m, as physics has it."""
        mujoco.mj_kinematics(self._model, self._data)
        return np.array(self._data.site_xpos[self._tip_site])

    def joints(self) -> Array:
        """True joint vector (D,) in joint units."""
        fingers = self._data.qpos[_HINGES:_ARM_QPOS].mean() / FINGER_TRAVEL_M
        return np.append(self._data.qpos[:_HINGES], fingers)

    def position(self, prop: str) -> Array:
        """Origin (3,) of "bottle", "obstacle" or a prop's name, m."""
        start = self._start_of(prop)
        return np.array(self._data.qpos[start : start + 3])

    def in_obstacle(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Which of `points` (..., 3), m in the base frame, lie in the obstacle as it stands. Only to score a plan."""
        body = self._model.body(self.scene.obstacle)
        half = self._model.geom_size[int(body.geomadr[0])]
        quaternion = self._data.qpos[self._start_of("obstacle") + 3 :][:4]
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, quaternion)
        # Row vectors times R is R transposed times columns: base to obstacle.
        inside = (np.asarray(points, np.float64) - self.position("obstacle")) @ matrix.reshape(3, 3)
        found: NDArray[np.bool_] = np.all(np.abs(inside) < half, axis=-1)
        return found

    def holding_offset(self, joints: ArrayLike) -> Array:
        """What must be added to goals (D,) so that the arm comes to rest at `joints` (D,) despite its weight.

        The servos have no integral gain: they sag until stiffness times error balances gravity.
        """
        scratch, torque = self._scratch, np.zeros(self._model.nv)
        scratch.qpos[:] = self._data.qpos
        scratch.qpos[:_HINGES] = np.asarray(joints)[:_HINGES]
        scratch.qvel[:] = 0
        mujoco.mj_kinematics(self._model, scratch)
        mujoco.mj_comPos(self._model, scratch)
        mujoco.mj_comVel(self._model, scratch)
        mujoco.mj_rne(self._model, scratch, 0, torque)
        gains = [stiffness(SERVO_PHYSICS[joint.servo], joint.p_gain) for joint in STUDIO_FOLLOWER.joints[:_HINGES]]
        return np.append(torque[:_HINGES] / gains, 0.0)

    def _place_arm(self, rng: np.random.Generator) -> None:
        start = np.array(self.scene.start)
        noise = rng.normal(0, self.scene.layout.start_noise_rad, _HINGES)
        self._data.qpos[:_HINGES] = start[:-1] + noise
        self._data.qpos[_HINGES:_ARM_QPOS] = start[-1] * FINGER_TRAVEL_M
        self.start_goal = start
        if self.scene.start_held:
            there = start + np.append(noise, 0.0)
            self.start_goal = there + self.holding_offset(there)

    def _start_of(self, prop: str) -> int:
        return self._qpos_of[self.scene.obstacle if prop == "obstacle" else prop]

    def _place_props(self, rng: np.random.Generator) -> None:
        layout, draw = self.scene.layout, rng.uniform
        x, y = draw(*layout.bottle_x), draw(*layout.bottle_y)
        self._put("bottle", x, y, draw(-math.pi, math.pi))
        azimuth, away = math.atan2(y, x), math.hypot(x, y) - draw(*layout.obstacle_distance)
        aside, turn = draw(*layout.obstacle_aside), draw(*layout.obstacle_yaw)
        self._put("obstacle", away * math.cos(azimuth), away * math.sin(azimuth) + aside, azimuth + turn)
        self._put("mug", x + draw(*layout.clutter_x), y + draw(*layout.mug_y), draw(-1, 1))
        self._put("can", x + draw(*layout.clutter_x), y + draw(*layout.can_y), 0.0)
        self._put("book", x + draw(*layout.book_x), y + draw(*layout.book_y), draw(-0.4, 0.4))

    def _put(self, prop: str, x: float, y: float, yaw: float) -> None:
        start = self._start_of(prop)
        rest_z = PROPS[self.scene.obstacle if prop == "obstacle" else prop].rest_z
        self._data.qpos[start : start + 7] = (x, y, rest_z, math.cos(yaw / 2), 0, 0, math.sin(yaw / 2))

    def _uprightness(self, prop: str) -> float:
        """Cosine between the prop's axis and the vertical."""
        start = self._start_of(prop)
        _, qx, qy, _ = self._data.qpos[start + 3 : start + 7]
        return float(1 - 2 * (qx**2 + qy**2))

    def _look(self) -> None:
        bottle, tip = self.position("bottle"), self.tip()
        line = self._start_bottle[:2] / np.linalg.norm(self._start_bottle[:2])
        aside_m = float(line[0] * tip[1] - line[1] * tip[0])
        rise_m = float(bottle[2] - self._start_bottle[2])
        opening = float(self._data.qpos[_HINGES:_ARM_QPOS].mean()) / FINGER_TRAVEL_M
        reach_m = float(np.linalg.norm(tip[:2] - bottle[:2]))
        upright = self._uprightness("bottle"), self._uprightness("obstacle")
        self._judge.look(rise_m, *upright, aside_m, opening, reach_m)


@dataclass
class _Shaft:
    """`Plant` of one follower joint inside the physics."""

    model: mujoco.MjModel
    data: mujoco.MjData
    index: int
    sign: int
    rad_per_unit: float
    zero_rad: float
    metres_or_rad: float  # engine units for one servo radian
    stall: float
    full_effort: float

    @classmethod
    def of(cls, model: mujoco.MjModel, data: mujoco.MjData, index: int) -> "_Shaft":
        joint = STUDIO_FOLLOWER.joints[index]
        gripper = index == _HINGES
        return cls(
            model,
            data,
            index,
            joint.sign,
            joint.servo_rad_per_unit,
            (joint.home_ticks - 2048) * _TICK_RAD,
            FINGER_M_PER_SERVO_RAD if gripper else 1 / joint.servo_rad_per_unit,
            GRIPPER_STALL_N if gripper else SERVO_PHYSICS[joint.servo].stall_nm,
            GRIPPER_EFFORT_LIMIT if gripper else 1.0,
        )

    def servo_rad(self, joint_value: float) -> float:
        """Servo angle of a joint value in joint units."""
        return self.sign * self.rad_per_unit * joint_value + self.zero_rad

    def drive(self, goal_rad: float, torque_on: bool, p_gain: int, d_gain: int, effort_limit: float) -> None:
        kp, kv = self._gains(p_gain, d_gain) if torque_on else (0.0, 0.0)
        self.model.actuator_gainprm[self.index, 0] = kp
        self.model.actuator_biasprm[self.index, 1:3] = -kp, -kv
        limit = self.stall * min(max(effort_limit, 0.0), 1.0)
        self.model.actuator_forcerange[self.index] = -limit, limit
        self.data.ctrl[self.index] = self.sign * (goal_rad - self.zero_rad) * self.metres_or_rad

    def position_rad(self) -> float:
        return self._servo(self._shaft_value(self.data.qpos)) + self.zero_rad

    def velocity_rad_s(self) -> float:
        return self._servo(self._shaft_value(self.data.qvel))

    def effort(self) -> float:
        return self.sign * float(self.data.actuator_force[self.index]) / self.stall

    def _gains(self, p_gain: int, d_gain: int) -> tuple[float, float]:
        if self.index == _HINGES:
            return gripper_stiffness(p_gain), gripper_damping(p_gain)
        servo = SERVO_PHYSICS[STUDIO_FOLLOWER.joints[self.index].servo]
        return stiffness(servo, p_gain), damping(servo, p_gain, d_gain)

    def _shaft_value(self, values: Array) -> float:
        """Entry of this joint in qpos or qvel: both have the arm first, in the same order."""
        if self.index == _HINGES:
            return 0.5 * float(values[_HINGES] + values[_HINGES + 1])
        return float(values[self.index])

    def _servo(self, value: float) -> float:
        return self.sign * value / self.metres_or_rad
