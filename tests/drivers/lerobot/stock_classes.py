"""LeRobot's own Koch and OMX classes, unmodified, on emulated lines: `python -m tests.drivers.lerobot.stock_classes`.

The argument is JSON: `folder` of the calibration files, `arms` [type, port, id]. LeRobot's prompts go to the real
standard input. For each arm: connect (and calibrate), observe, act, disconnect, then connect again with the file that
is there now. The last line of standard output is RESULT and JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

from drivers.dynamixel.control_table import MODELS
from drivers.errors import NotCalibrated


def main() -> None:
    told = json.loads(sys.argv[1])
    folder = Path(told["folder"])
    result: dict[str, Any] = {"tables": _tables(), "types": _types()}
    for kind, port, name in told["arms"]:
        print(f"ARM {name}", flush=True)
        result[name] = _drive(kind, port, name, folder)
    result["refused"] = _refused(*told["arms"][0][:2], folder)
    print("RESULT", json.dumps(result), flush=True)


def _drive(kind: str, port: str, name: str, folder: Path) -> dict[str, Any]:
    device = _device(kind, port, name, folder)
    motors = [[joint, motor.id, motor.model, motor.norm_mode.name] for joint, motor in device.bus.motors.items()]
    device.connect()
    found: dict[str, Any] = {"motors": motors, "calibrated": device.is_calibrated, "seen": _look(device)}
    if hasattr(device, "send_action"):
        found["sent"] = device.send_action({joint: value + 5.0 for joint, value in found["seen"].items()})
        found["moved"] = _look(device)
    device.disconnect()
    found["connected"] = device.is_connected
    again = _device(kind, port, name, folder)
    again.connect()  # asks nobody: the file and the servos agree
    found["again"] = {"calibrated": again.is_calibrated, "seen": _look(again)}
    again.disconnect()
    return found


def _refused(kind: str, port: str, folder: Path) -> str:
    """What our adapter says to servos that are not as the file of this id says: there is none."""
    from drivers.lerobot_adapter.device import LerobotArm

    try:
        LerobotArm.open("leader", kind, {"port": port, "id": "nobody", "calibration_dir": str(folder)}, [])
    except NotCalibrated as error:
        return str(error)
    return ""


def _look(device: Any) -> dict[str, float]:
    read = device.get_observation if hasattr(device, "get_observation") else device.get_action
    return {joint: float(value) for joint, value in read().items()}


def _device(kind: str, port: str, name: str, folder: Path) -> Any:
    from lerobot.robots import koch_follower, omx_follower
    from lerobot.teleoperators import koch_leader, omx_leader

    device, config = {
        "koch_follower": (koch_follower.KochFollower, koch_follower.KochFollowerConfig),
        "koch_leader": (koch_leader.KochLeader, koch_leader.KochLeaderConfig),
        "omx_follower": (omx_follower.OmxFollower, omx_follower.OmxFollowerConfig),
        "omx_leader": (omx_leader.OmxLeader, omx_leader.OmxLeaderConfig),
    }[kind]
    return device(config(port=port, id=name, calibration_dir=folder))


def _tables() -> dict[str, dict[str, Any]]:
    """LeRobot's model number, and address and size of each register, of the servo models that we know too."""
    from lerobot.motors.dynamixel.tables import MODEL_CONTROL_TABLE, MODEL_NUMBER_TABLE

    common = sorted(set(MODELS) & set(MODEL_CONTROL_TABLE))
    return {model: {"number": MODEL_NUMBER_TABLE[model], "registers": MODEL_CONTROL_TABLE[model]} for model in common}


def _types() -> dict[str, Any]:
    """The types that our adapter finds, for each role."""
    from drivers.lerobot_adapter.known import known_types

    return {role: known_types(role) for role in ("follower", "leader", "camera")}


if __name__ == "__main__":
    main()
