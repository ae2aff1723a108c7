"""LeRobot's own Koch and OMX classes, unmodified, on emulated lines: `python -m tests.drivers.lerobot.stock_classes`.

First argument: JSON of type -> port. Second: the folder of calibration files. Prompts go to the real standard input.
For each arm: connect (and calibrate), observe, act, disconnect, then connect again with the file just made. The last
line of standard output is RESULT and JSON.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drivers.dynamixel.control_table import MODELS


def main() -> None:
    ports, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    result: dict[str, Any] = {"tables": _tables()}
    for kind, port in ports.items():
        print(f"ARM {kind}", flush=True)
        result[kind] = _drive(kind, port, folder)
    print("RESULT", json.dumps(result), flush=True)


def _drive(kind: str, port: str, folder: Path) -> dict[str, Any]:
    device = _device(kind, port, folder)
    found: dict[str, Any] = {
        "motors": [[name, motor.id, motor.model, motor.norm_mode.name] for name, motor in device.bus.motors.items()]
    }
    device.connect()
    found["calibrated"] = device.is_calibrated
    found["seen"] = _look(device)
    if hasattr(device, "send_action"):
        goal = {name: value + 5.0 for name, value in found["seen"].items()}
        found["sent"] = device.send_action(goal)
        found["moved"] = _look(device)
    device.disconnect()
    found["connected"] = device.is_connected
    again = _device(kind, port, folder)
    again.connect()  # asks nobody: the file and the servos agree
    found["again"] = {"calibrated": again.is_calibrated, "seen": _look(again)}
    again.disconnect()
    found["calibration"] = {name: asdict(entry) for name, entry in again.calibration.items()}
    return found


def _look(device: Any) -> dict[str, float]:
    read = device.get_observation if hasattr(device, "get_observation") else device.get_action
    return {name: float(value) for name, value in read().items()}


def _device(kind: str, port: str, folder: Path) -> Any:
    from lerobot.robots import koch_follower, omx_follower
    from lerobot.teleoperators import koch_leader, omx_leader

    device, config = {
        "koch_follower": (koch_follower.KochFollower, koch_follower.KochFollowerConfig),
        "koch_leader": (koch_leader.KochLeader, koch_leader.KochLeaderConfig),
        "omx_follower": (omx_follower.OmxFollower, omx_follower.OmxFollowerConfig),
        "omx_leader": (omx_leader.OmxLeader, omx_leader.OmxLeaderConfig),
    }[kind]
    return device(config(port=port, id=kind, calibration_dir=folder))


def _tables() -> dict[str, dict[str, tuple[int, int]]]:
    """LeRobot's address and size of each register of the servo models that we know too."""
    from lerobot.motors.dynamixel.tables import MODEL_CONTROL_TABLE, MODEL_NUMBER_TABLE

    tables = {model: dict(MODEL_CONTROL_TABLE[model]) for model in MODELS if model in MODEL_CONTROL_TABLE}
    return {model: {**table, "number": MODEL_NUMBER_TABLE[model]} for model, table in tables.items()}


if __name__ == "__main__":
    main()
