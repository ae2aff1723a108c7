"""A scripted hand on the leader: plans one grasp from the left or the right and says where the leader's joints are.

It stands in for a person in demonstrations, tests and the tour, so it is human in its way: minimum-jerk moves with
rounded corners (Flash and Hogan 1985), slow drift of the hand, and goals a little above the target, as people aim who
see the follower sag.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.arms.studio_arm import FINGER_TRAVEL_M, STUDIO_FOLLOWER, STUDIO_LEADER
from drivers.kinematics import Chain, pose_of, rotation_about, rotation_vector
from drivers.sim.operator_plans import AroundPlan, ForkPlan, Range
from drivers.sim.world import World

Array = NDArray[np.float64]

_TICK_S = 0.02
_DRIFT_RATE_HZ = 1.2
_IK_ITERATIONS = 8
# Share of the follower's top speed that the hand asks for: the safety gate must never have to slow a demonstration.
_SPEED_SHARE = 0.8
_SIDES = {"left": 1.0, "right": -1.0}


@dataclass(frozen=True)
class Waypoint:
    """Be at `T_base_tcp` (4, 4) with fingers `travel` m apart from closed, after `duration_s` more seconds."""

    duration_s: float
    T_base_tcp: Array
    travel: float


class ScriptedOperator:
    """One attempt in `world` as it stands now. The same world state, `side` and `seed` give the same movement.

    `side` as asked for; `fork_s` when, after the start, the ways to both sides part; `worst_error_m` how far the
    leader's tip was from the planned path so far.
    """

    def __init__(self, world: World, side: str, seed: int) -> None:
        """`side` "left" or "right" of the bottle, seen by the robot. Raises `ValueError` for another word."""
        if side not in _SIDES:
            raise ValueError(f"an operator grasps from 'left' or 'right', not from {side!r}")
        self.side = side
        rng = np.random.default_rng((seed, side == "left"))
        plan = world.scene.plan
        self._world = world
        self._max_change = _SPEED_SHARE * STUDIO_FOLLOWER.max_speed * _TICK_S
        self._chain = Chain(STUDIO_FOLLOWER)
        start = world.joints()
        waypoints = waypoints_of(plan, rng, _SIDES[side], self._chain.tcp_pose(start), world)
        common = 2 if isinstance(plan, ForkPlan) and not plan.from_start else 1
        self.fork_s = sum(waypoint.duration_s for waypoint in waypoints[:common])
        positions, self._rotations, self._travel = _sampled(self._chain.tcp_pose(start), waypoints)
        positions = positions + _drift(rng, len(positions), plan.drift)
        self._positions = _smoothed(positions, plan.smoothing_ticks)
        self.worst_error_m = 0.0
        self._solved = [start]
        self._poses = [self._leader_pose(start, self._travel[0])]

    @property
    def duration_s(self) -> float:
        """From the start to the end of the hold, s."""
        return (len(self._positions) - 1) * _TICK_S

    def pose_at(self, time_s: float) -> Array:
        """Leader joint vector (D,), `time_s` after the start; stays at either end of the attempt."""
        tick = min(max(time_s, 0.0), self.duration_s) / _TICK_S
        before = min(int(tick), len(self._positions) - 2)
        self._solve_to(before + 1)
        share = tick - before
        return (1 - share) * self._poses[before] + share * self._poses[before + 1]

    def _solve_to(self, tick: int) -> None:
        # Inverse kinematics as the time comes: the whole table at once would stop a real-time simulator for seconds.
        while len(self._solved) <= tick:
            k = len(self._solved)
            target = np.eye(4)
            target[:3, :3], target[:3, 3] = self._rotations[k], self._positions[k]
            solution = self._chain.inverse(target, self._solved[-1], _IK_ITERATIONS, self._max_change)
            self.worst_error_m = max(self.worst_error_m, solution.position_error_m)
            self._solved.append(solution.joints)
            self._poses.append(self._leader_pose(solution.joints, self._travel[k]))

    def _leader_pose(self, joints: Array, travel: float) -> Array:
        pose = joints + self._world.holding_offset(joints)
        pose[-1] = travel / FINGER_TRAVEL_M
        return np.clip(pose, STUDIO_LEADER.lower, STUDIO_LEADER.upper)


def waypoints_of(
    plan: AroundPlan | ForkPlan, rng: np.random.Generator, sign: float, T_start: Array, world: World
) -> list[Waypoint]:
    """The whole attempt; `sign` +1 from the left, -1 from the right, `T_start` (4, 4) where the hand is."""

    def draw(limits: Range) -> float:
        return float(rng.uniform(*limits))

    bottle = world.position("bottle")
    azimuth = float(np.arctan2(bottle[1], bottle[0]))
    # A hand that comes from +y points to -y.
    yaw, pitch = azimuth - sign * draw(plan.grasp_yaw), draw(plan.grasp_pitch)
    aim = bottle[:2] + rng.normal(0, plan.grasp_noise, 2)
    grasp = np.array([*aim, draw(plan.grasp_z)])
    approach = pose_of(grasp, yaw, pitch)[:3, 0]
    before = grasp - approach * draw(plan.back_off) + (0, 0, draw(plan.back_off_up))
    lift = grasp + np.array([draw(plan.lift_back), sign * draw(plan.lift_aside), draw(plan.lift_up)])
    opened, closed = draw(plan.open_travel), plan.closed_travel
    at_before, at_grasp = pose_of(before, yaw, pitch), pose_of(grasp, yaw, pitch)
    at_lift = pose_of(lift, yaw * plan.lift_yaw_share, pitch)
    if isinstance(plan, ForkPlan):
        box = world.position("obstacle")
        at_box = T_start[:3, 3] if plan.from_start else None
        way = _past_the_box(plan, draw, rng, sign, azimuth, box, at_box, opened)
    else:
        way = _around_the_carton(plan, draw, sign, yaw, pitch, T_start[:3, 3], before, opened)
    return [
        Waypoint(draw(plan.stay_s), T_start, opened),
        *way,
        Waypoint(draw(plan.pre_s), at_before, opened),
        Waypoint(draw(plan.aim_s), at_before, opened),
        Waypoint(draw(plan.reach_s), at_grasp, opened),
        Waypoint(draw(plan.reached_s), at_grasp, opened),
        Waypoint(draw(plan.close_s), at_grasp, closed),
        Waypoint(draw(plan.closed_s), at_grasp, closed),
        Waypoint(draw(plan.lift_s), at_lift, closed),
        Waypoint(draw(plan.hold_s), at_lift, closed),
    ]


def _around_the_carton(
    plan: AroundPlan, draw: Callable[[Range], float], sign: float, yaw: float, pitch: float, start: Array,
    before: Array, opened: float,
) -> list[Waypoint]:  # fmt: skip
    """Over the carton to the side the hand will come from, then down behind the pre-grasp."""
    share = draw(plan.via_share)
    over = (1 - share) * start + share * before
    via = np.array([over[0] - 0.01, over[1] + sign * draw(plan.via_aside), draw(plan.via_z)])
    down = before + np.array([-0.005, sign * draw(plan.before_aside), 0.03])
    return [
        Waypoint(draw(plan.via_s), pose_of(via, yaw * 0.7 + sign * 0.15, pitch + 0.25), opened),
        Waypoint(draw(plan.before_s), pose_of(down, yaw * plan.before_yaw_share, pitch), opened),
    ]


def _past_the_box(
    plan: ForkPlan, draw: Callable[[Range], float], rng: np.random.Generator, sign: float, azimuth: float, box: Array,
    at_box: Array | None, opened: float,
) -> list[Waypoint]:  # fmt: skip
    """Straight up to the box, the same for both sides, unless the hand is `at_box` already; then sharply past it."""
    way, front = [], at_box
    if front is None:
        x = box[0] - plan.box_half_depth - draw(plan.gap) - plan.tip_beyond_tcp
        front = np.array([x, box[1] + rng.normal(0, plan.front_aside_noise), draw(plan.front_z)])
    pitch = draw(plan.front_pitch)
    fork = front + np.array([draw(plan.fork_forward), sign * draw(plan.fork_aside), -0.012])
    if at_box is None:
        way.append(Waypoint(draw(plan.front_s), pose_of(front, azimuth, pitch), opened))
    way.append(Waypoint(draw(plan.fork_s), pose_of(fork, azimuth - sign * draw(plan.fork_yaw), pitch - 0.08), opened))
    return way


def _sampled(T_start: Array, waypoints: list[Waypoint]) -> tuple[Array, Array, Array]:
    """Positions (n, 3), rotations (n, 3, 3) and finger travels (n,) at 50 Hz, minimum jerk between way-points."""
    positions, rotations = [T_start[:3, 3]], [T_start[:3, :3]]
    travels = [waypoints[0].travel]
    for goal in waypoints:
        count = round(goal.duration_s / _TICK_S)
        position, rotation, travel = positions[-1], rotations[-1], travels[-1]
        turn = rotation_vector(goal.T_base_tcp[:3, :3] @ rotation.T)
        for u in np.arange(1, count + 1) / max(count, 1):
            eased = u**3 * (10 - 15 * u + 6 * u**2)
            positions.append(position + eased * (goal.T_base_tcp[:3, 3] - position))
            rotations.append(rotation_about(eased * turn) @ rotation)
            travels.append(travel + eased * (goal.travel - travel))
    return np.array(positions), np.array(rotations), np.array(travels)


def _drift(rng: np.random.Generator, count: int, deviation: float) -> Array:
    """Ornstein-Uhlenbeck drift (count, 3), m, that starts at zero."""
    drift = np.zeros((count, 3))
    kicks = rng.normal(0, deviation * np.sqrt(2 * _DRIFT_RATE_HZ * _TICK_S), (count, 3))
    for k in range(1, count):
        drift[k] = (1 - _DRIFT_RATE_HZ * _TICK_S) * drift[k - 1] + kicks[k]
    return drift


def _smoothed(positions: Array, ticks: int) -> Array:
    """`positions` (n, 3) under a Hann window of `ticks` (odd): rounds the corners."""
    window = np.hanning(ticks + 2)[1:-1]
    padded = np.pad(positions, ((ticks // 2, ticks // 2), (0, 0)), mode="edge")
    return np.stack([np.convolve(padded[:, i], window / window.sum(), "valid") for i in range(3)], axis=1)
