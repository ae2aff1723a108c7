"""One program at the computer's end of a line: reads the state of six servos, and writes their goals, for some time.

`python -m tests.benchmarks.bus_client` takes lines of JSON on standard input, {"variant", "operation", "path", "baud",
"delay_us", "seconds"}, and answers each with the duration of every operation, the processor time of the block and how
many operations failed. LeRobot gets a process of its own, for it brings torch along; everything else shares one.
"""

import gc
import json
import sys
import time
from collections.abc import Callable

import numpy as np

from drivers.clock import MonotonicClock
from drivers.dynamixel.arm import DynamixelArm
from drivers.dynamixel.bus import DynamixelBus
from drivers.dynamixel.sdk_port import SdkPort
from drivers.dynamixel.transport import SerialTransport
from tests.benchmarks.bus_line import MODEL

IDS = [joint.servo_id for joint in MODEL.joints]
STATE = (126, 10)  # effort, velocity, position: one block on every X servo
GOAL = (116, 4)
CENTRE = 2048
Operations = dict[str, Callable[[], object]]


def ours(path: str, baud: int, delay_us: int, fast: bool) -> Operations:
    clock = MonotonicClock()
    bus = DynamixelBus(SerialTransport(path, baud), clock)
    arm = DynamixelArm(MODEL, bus, clock)
    bus.baud = baud
    arm.connect()
    for servo in arm.servos:  # `connect` has set it to nothing
        bus.write(servo.servo_id, servo.table.register("return_delay_time"), delay_us // 2)
    bus.statistics.fast_read = fast
    home = np.array(MODEL.home)
    return {"read": arm.read, "cycle": lambda: arm.command_and_read(home)}


def sdk(path: str, baud: int, fast: bool, own_port: bool) -> Operations:
    import dynamixel_sdk

    if own_port:
        port = SdkPort(SerialTransport(path, baud), MonotonicClock(), baud)
    else:
        port = dynamixel_sdk.PortHandler(path)
        assert port.openPort()
        assert port.setBaudRate(baud)
    handler = dynamixel_sdk.PacketHandler(2.0)
    group = dynamixel_sdk.GroupSyncRead(port, handler, *STATE)
    goals = dynamixel_sdk.GroupSyncWrite(port, handler, *GOAL)
    for servo_id in IDS:
        assert group.addParam(servo_id)
        assert goals.addParam(servo_id, CENTRE.to_bytes(4, "little"))
    ask = group.fastSyncRead if fast else group.txRxPacket

    def read() -> list[tuple[int, int, int]]:
        result = ask()
        if result != dynamixel_sdk.COMM_SUCCESS:
            raise RuntimeError(handler.getTxRxResult(result))
        get = group.getData
        return [(get(k, 126, 2), get(k, 128, 4), get(k, 132, 4)) for k in IDS]

    def cycle() -> object:
        for servo_id in IDS:
            goals.changeParam(servo_id, CENTRE.to_bytes(4, "little"))
        goals.txPacket()
        return read()

    return {"read": read, "cycle": cycle}


def lerobot(path: str, registers: tuple[str, ...]) -> Operations:
    from lerobot.motors import Motor, MotorCalibration, MotorNormMode
    from lerobot.motors.dynamixel import DynamixelMotorsBus

    motors = {joint.name: Motor(joint.servo_id, joint.servo, MotorNormMode.RANGE_M100_100) for joint in MODEL.joints}
    ranges = {joint.name: MotorCalibration(joint.servo_id, 0, 0, 0, 4095) for joint in MODEL.joints}
    bus = DynamixelMotorsBus(path, motors, ranges)
    bus.connect()
    goals = dict.fromkeys(motors, 0.0)

    def read() -> list[dict[str, float]]:
        return [bus.sync_read(register) for register in registers]

    def cycle() -> object:
        values = read()
        bus.sync_write("Goal_Position", goals)
        return values

    return {"read": read, "cycle": cycle}


def opened(variant: str, path: str, baud: int, delay_us: int) -> Operations:
    match variant:
        case "ours, fast read" | "ours, plain read":
            return ours(path, baud, delay_us, "fast" in variant)
        case "LeRobot, three reads":
            return lerobot(path, ("Present_Position", "Present_Velocity", "Present_Current"))
        case "LeRobot, position only":
            return lerobot(path, ("Present_Position",))
    return sdk(path, baud, "Fast" in variant, "our port" in variant)


def main() -> None:
    clients: dict[tuple[str, str], Operations] = {}
    for text in sys.stdin:
        wish = json.loads(text)
        key = wish["variant"], wish["path"]
        if key not in clients:
            clients[key] = opened(*key, wish["baud"], wish["delay_us"])
            gc.collect()
            gc.freeze()
        operation = clients[key][wish["operation"]]
        print(json.dumps(timed(operation, wish["seconds"])), flush=True)


def timed(operation: Callable[[], object], seconds: float) -> dict[str, object]:
    times_ns, failed = [], 0
    now_ns, cpu_s = time.perf_counter_ns(), time.process_time()
    begin_ns, end_ns = now_ns, now_ns + round(seconds * 1e9)
    while now_ns < end_ns:
        try:
            operation()
        except (RuntimeError, ConnectionError):  # SDK and LeRobot: one lost answer fails the whole group
            failed += 1
        before_ns, now_ns = now_ns, time.perf_counter_ns()
        times_ns.append(now_ns - before_ns)
    cpu_s = time.process_time() - cpu_s
    return {"times_ns": times_ns, "wall_s": (now_ns - begin_ns) * 1e-9, "cpu_s": cpu_s, "failed": failed}


if __name__ == "__main__":
    main()
