"""Our arms for LeRobot's own command line: types `teleop_studio_follower` and `teleop_studio_leader`.

    lerobot-teleoperate --robot.discover_packages_path=teleop_studio.lerobot_plugin \\
        --robot.type=teleop_studio_follower --robot.arm=studio-follower --robot.port=/dev/pts/3 \\
        --teleop.type=teleop_studio_leader --teleop.arm=studio-leader --teleop.port=/dev/pts/2

Any arm of `drivers.arms.ARMS`, on a serial port, a pty of `teleop-studio sim`, or socket://host:port. Values are in our
joint units, as in our exported datasets: rad, gripper 0 closed .. 1 open. Only LeRobot's programs import this package.
"""

from teleop_studio.lerobot_plugin.follower import TeleopStudioFollower, TeleopStudioFollowerConfig
from teleop_studio.lerobot_plugin.leader import TeleopStudioLeader, TeleopStudioLeaderConfig

__all__ = ["TeleopStudioFollower", "TeleopStudioFollowerConfig", "TeleopStudioLeader", "TeleopStudioLeaderConfig"]
