"""Arms as data. To add one: a file with its `ArmModel` constant and a line here."""

from drivers.arms.aloha import VX300S, WX250S
from drivers.arms.gello import FACTR, GELLO, GELLO_7
from drivers.arms.koch import KOCH_FOLLOWER, KOCH_LEADER
from drivers.arms.model import ArmModel
from drivers.arms.omx import OMX_FOLLOWER, OMX_LEADER
from drivers.arms.studio_arm import STUDIO_FOLLOWER, STUDIO_LEADER

_ALL = (STUDIO_FOLLOWER, STUDIO_LEADER, KOCH_FOLLOWER, KOCH_LEADER, OMX_FOLLOWER, OMX_LEADER, VX300S, WX250S)
ARMS: dict[str, ArmModel] = {arm.name: arm for arm in (*_ALL, GELLO, GELLO_7, FACTR)}
