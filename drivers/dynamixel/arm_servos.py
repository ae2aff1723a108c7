"""The servos of an arm in one row: first the one of each joint, then the second ones of joints that have two."""

from dataclasses import dataclass

from drivers.arms.model import CURRENT_BASED_POSITION_MODE, ArmModel, JointModel
from drivers.dynamixel.control_table import MODELS, ControlTable


@dataclass(frozen=True)
class ArmServo:
    """One servo. `row` of its joint in the joint vector; `second`: it helps the joint's first servo."""

    row: int
    joint: JointModel
    servo_id: int
    table: ControlTable
    second: bool = False

    @property
    def name(self) -> str:
        """What the operator calls it: the joint's name, or which of its two servos."""
        return f"{self.joint.name}, second servo" if self.second else self.joint.name

    @property
    def drive_mode(self) -> int:
        return self.joint.second_drive_mode if self.second else self.joint.drive_mode

    @property
    def operating_mode(self) -> int:
        """A spring needs a current limit while it holds a position."""
        return self.joint.operating_mode if self.joint.spring_ma is None else CURRENT_BASED_POSITION_MODE

    @property
    def limits_current(self) -> bool:
        """Goal Current bounds the effort of this servo."""
        return self.table.measures_current and self.operating_mode == CURRENT_BASED_POSITION_MODE

    @property
    def full_current_counts(self) -> int:
        """Goal Current at full effort, in the servo's own counts. Raises `KeyError` for a servo without it."""
        if self.joint.current_limit_ma is not None:
            return self.table.current_counts(self.joint.current_limit_ma)
        return self.table.register("current_limit").initial


def arm_servos(model: ArmModel) -> tuple[ArmServo, ...]:
    """All S servos; the first D of them are the joints' first servos in vector order."""
    rows = list(enumerate(model.joints))
    first = [ArmServo(row, joint, joint.servo_id, MODELS[joint.servo]) for row, joint in rows]
    second = [
        ArmServo(row, joint, joint.second_id, MODELS[joint.servo], second=True)
        for row, joint in rows
        if joint.second_id is not None
    ]
    return (*first, *second)
