"""Arms as data. To add one: a file with its `ArmModel` constant and a line here."""

from drivers.arms.model import ArmModel
from drivers.arms.studio_arm import STUDIO_FOLLOWER, STUDIO_LEADER

ARMS: dict[str, ArmModel] = {
    STUDIO_FOLLOWER.name: STUDIO_FOLLOWER,
    STUDIO_LEADER.name: STUDIO_LEADER,
}
