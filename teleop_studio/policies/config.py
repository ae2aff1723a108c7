"""What every policy is told about the task: joints, cameras, chunk grid. Kept in each checkpoint."""

from dataclasses import dataclass

CHUNK_DT_S = 1.0 / 15.0


@dataclass(frozen=True)
class PolicyConfig:
    """The shape of the task; the same for training and playing.

    `joint_names` D names in vector order. `absolute_joints` those whose goals are learnt as they are (grippers); all
    others are learnt relative to the measured joint at the chunk's start. `cameras` in the order of the encoders.
    `picture_px` side of the square picture a camera is reduced to, `crop_px` side of the part that is looked at.
    `horizon` H goals, `chunk_dt_s` apart; `executed_steps` K of them run before the next chunk; `solver_steps` S.
    `observations` O moments, `chunk_dt_s` apart, that the policy sees, the newest last. `tasks` the task texts of the
    demonstrations in a fixed order; with more than one of them the policy is told which it shall do.
    """

    joint_names: tuple[str, ...]
    cameras: tuple[str, ...]
    absolute_joints: tuple[str, ...] = ("gripper",)
    picture_px: int = 64
    crop_px: int = 56
    horizon: int = 16
    chunk_dt_s: float = CHUNK_DT_S
    executed_steps: int = 8
    solver_steps: int = 10
    observations: int = 1
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises `ValueError` for values that no policy can have."""
        unknown = set(self.absolute_joints) - set(self.joint_names)
        if not self.joint_names or unknown:
            raise ValueError(f"absolute_joints {sorted(unknown)} are not among the joints {self.joint_names}.")
        if not self.cameras:
            raise ValueError("A policy needs at least one camera.")
        if self.observations < 1:
            raise ValueError(f"observations = {self.observations}: a policy sees at least the present moment.")
        if not 1 <= self.crop_px <= self.picture_px:
            raise ValueError(f"crop_px = {self.crop_px}: must lie between 1 and picture_px = {self.picture_px}.")
        # Playing goes from goal k to k + 1, so K executed steps need K + 1 goals.
        if not 1 <= self.executed_steps <= self.horizon - 1:
            raise ValueError(f"executed_steps = {self.executed_steps}: must lie between 1 and {self.horizon - 1}.")

    @property
    def joints(self) -> int:
        """D."""
        return len(self.joint_names)
