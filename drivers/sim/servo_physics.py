"""How strongly a DYNAMIXEL position servo pulls: register gains as stiffness and damping for the physics engine."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ServoPhysics:
    """Motor and gear at the output shaft. Stall and speed as in ROBOTIS' e-manual; the other three are estimates."""

    stall_nm: float
    no_load_rad_s: float
    armature: float
    friction_nm: float
    damping: float


SERVO_PHYSICS = {
    "xl430-w250": ServoPhysics(1.40, 5.97, armature=0.012, friction_nm=0.06, damping=0.02),
    "xl330-m288": ServoPhysics(0.52, 10.9, armature=0.005, friction_nm=0.025, damping=0.008),
}

# D-gain register: our estimate, chosen so that the arm neither rings nor creeps.
_SECONDS_PER_D = 0.02 / 1000

# The gripper's servo pushes two rack-driven fingers: the springy fingers, not the servo, set the stiffness.
GRIPPER_STALL_N = 44.0
_GRIPPER_N_PER_M = 900.0 / 800
_GRIPPER_N_S_PER_M = 12.0 / 800
GRIPPER_EFFORT_LIMIT = 16.0 / GRIPPER_STALL_N


def stiffness(servo: ServoPhysics, p_gain: int) -> float:
    """N.m per rad: P register / 128 PWM counts per tick, 4096 ticks a turn, 885 counts = full PWM = stall torque."""
    return servo.stall_nm * p_gain / 128 * (4096 / (2 * np.pi)) / 885


def damping(servo: ServoPhysics, p_gain: int, d_gain: int) -> float:
    """N.m.s per rad: the motor's back-EMF plus what the D register adds."""
    return servo.stall_nm / servo.no_load_rad_s + stiffness(servo, p_gain) * _SECONDS_PER_D * d_gain


def gripper_stiffness(p_gain: int) -> float:
    """N per m of finger travel."""
    return _GRIPPER_N_PER_M * p_gain


def gripper_damping(p_gain: int) -> float:
    """N.s per m of finger travel."""
    return _GRIPPER_N_S_PER_M * p_gain
