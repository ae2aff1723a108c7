"""Numbers of the scripted operator's two ways to the bottle, drawn uniformly between their limits."""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class AroundPlan:
    """Over and around a low carton, then in from the side. Lengths m, angles rad, times s; `side` +1 left, -1 right.

    `via` lies `via_share` of the way to the pre-grasp, moved aside and lifted to `via_z`.
    """

    grasp_yaw: Range = (0.646, 0.820)
    grasp_pitch: Range = (0.02, 0.12)
    grasp_noise: float = 0.0025
    grasp_z: Range = (0.055, 0.070)
    back_off: Range = (0.065, 0.080)
    back_off_up: Range = (0.0, 0.02)
    via_share: Range = (0.75, 0.90)
    via_aside: Range = (0.05, 0.08)
    via_z: Range = (0.15, 0.18)
    before_aside: Range = (0.012, 0.022)
    before_yaw_share: float = 0.8
    lift_back: Range = (-0.04, -0.01)
    lift_aside: Range = (0.0, 0.03)
    lift_up: Range = (0.085, 0.11)
    lift_yaw_share: float = 0.8
    open_travel: Range = (0.026, 0.029)
    closed_travel: float = 0.006
    drift: float = 0.0022
    smoothing_ticks: int = 13
    stay_s: Range = (0.1, 0.4)
    via_s: Range = (0.8, 1.2)
    before_s: Range = (0.45, 0.7)
    pre_s: Range = (0.3, 0.5)
    aim_s: Range = (0.0, 0.25)
    reach_s: Range = (0.8, 1.2)
    reached_s: Range = (0.10, 0.25)
    close_s: Range = (0.35, 0.55)
    closed_s: Range = (0.10, 0.25)
    lift_s: Range = (0.8, 1.2)
    hold_s: Range = (0.75, 0.85)


@dataclass(frozen=True)
class ForkPlan:
    """Straight up to a tall box, then a sharp fork to one side, then in. Units as in `AroundPlan`.

    `gap` is left between finger tips and box; the finger tips lie `tip_beyond_tcp` before the tool centre point.
    `from_start`: the hand waits at the box already, and the fork is its first motion.
    """

    from_start: bool = False
    grasp_yaw: Range = (0.768, 0.873)
    grasp_pitch: Range = (0.05, 0.11)
    grasp_noise: float = 0.0015
    grasp_z: Range = (0.056, 0.066)
    back_off: Range = (0.070, 0.078)
    back_off_up: Range = (0.0, 0.008)
    box_half_depth: float = 0.012
    gap: Range = (0.016, 0.022)
    tip_beyond_tcp: float = 0.014
    front_aside_noise: float = 0.0015
    front_z: Range = (0.090, 0.100)
    front_pitch: Range = (0.27, 0.33)
    fork_forward: Range = (0.006, 0.014)
    fork_aside: Range = (0.070, 0.080)
    fork_yaw: Range = (0.10, 0.22)
    lift_back: Range = (-0.005, 0.010)
    lift_aside: Range = (0.010, 0.025)
    lift_up: Range = (0.085, 0.105)
    lift_yaw_share: float = 0.9
    open_travel: Range = (0.027, 0.029)
    closed_travel: float = 0.006
    drift: float = 0.0018
    smoothing_ticks: int = 9
    stay_s: Range = (0.04, 0.12)
    front_s: Range = (0.95, 1.15)
    fork_s: Range = (0.42, 0.55)
    pre_s: Range = (0.80, 0.95)
    aim_s: Range = (0.0, 0.0)
    reach_s: Range = (0.60, 0.75)
    reached_s: Range = (0.08, 0.16)
    close_s: Range = (0.32, 0.42)
    closed_s: Range = (0.10, 0.18)
    lift_s: Range = (0.75, 0.95)
    hold_s: Range = (1.2, 1.2)
