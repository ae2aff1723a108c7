"""LeRobot's devices, each arm in a process of its own: it blocks as it likes, and control sees only its rings."""

import contextlib
import logging
import os
import time
import traceback
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.clock import MonotonicClock
from drivers.errors import CameraMissing, DriverError
from drivers.lerobot_adapter.device import JointScale, LerobotArm
from drivers.lerobot_adapter.known import said
from drivers.samples import JointState
from teleop_studio.processes.arm_rings import ArmRings, ArmRingSpecs, Order, reading_dtype, to_bytes, to_text
from teleop_studio.processes.child import ChildFailed, ParentGone, Pipe
from teleop_studio.processes.lerobot_cameras import feature, inner_cameras, serve_cameras
from teleop_studio.processes.messages import Ready, Warned
from teleop_studio.processes.rings import FrameRow, RigRings, RingSpecs
from teleop_studio.rig import LEROBOT, CameraConfig, RigConfig

_LOG = logging.getLogger(__name__)
_GOAL_FRESH_NS = 300_000_000  # control sends one each tick; an older one is of a control process that hangs or died
_LOST_S = 3.0  # without a single reading: LeRobot can not open its port again by itself, a new process can
_GRACE_S = 4.0  # a killed window: control still needs the arm to bring it down gently
_SPEED_SMOOTHING_S = 0.05


def main(pipe: Pipe, rig: RigConfig, part: str, arm: ArmRingSpecs | None, specs: RingSpecs) -> None:
    """Serve one `part` of the rig, "leader", "follower" or "cameras", until the supervisor closes the pipe.

    Raises a `DriverError` when the device can not be opened. Ends by itself, with the arm left as it is, when the
    device has given no reading for 3 s. Never returns: LeRobot leaves threads behind, and its robots take the torque
    off when Python collects them, which would drop an arm that should hold.
    """
    rings = RigRings.attach(specs)
    try:
        if arm is None:
            serve_cameras(pipe, rig, rings)
        else:
            _serve_arm(pipe, rig, part, ArmRings.attach(arm), rings)
    except ParentGone:
        os._exit(0)
    except Exception as error:
        _LOG.exception("%s ends", part)
        own = isinstance(error, DriverError)
        pipe.send(ChildFailed(str(error) if own else f"{type(error).__name__}: {error}", traceback.format_exc()))
        os._exit(1)
    os._exit(0)


def _serve_arm(pipe: Pipe, rig: RigConfig, role: str, rings: ArmRings, frames: RigRings) -> None:
    device = getattr(rig, role).lerobot
    joints = [JointScale(j.name, j.scale, j.offset, j.lower, j.upper) for j in device.joints]
    if rig.realtime:
        with contextlib.suppress(OSError):  # no real-time class: what a third party's code does with it nobody knows
            os.setpriority(os.PRIO_PROCESS, 0, -10)
    server = _ArmServer(rings, len(joints), device.rate_hz)
    arm = LerobotArm.open(role, device.type, device.options, joints)
    server.serve(arm, _Pictures(rig, role, arm, frames))
    pipe.send(Ready("" if arm.can_switch_torque or role == "leader" else f"{device.type}: limp means disconnected"))
    if role == "follower" and not arm.can_switch_torque:
        pipe.send(Warned(f"LeRobot's {device.type} offers no way to switch its torque: torque off disconnects it."))
    server.run(pipe)


class _Pictures:
    """The pictures that come inside an arm's observation, into the rings of the rig's cameras of that arm."""

    def __init__(self, rig: RigConfig, role: str, arm: LerobotArm, rings: RigRings) -> None:
        separate = inner_cameras(rig, role)
        self._wanted: list[tuple[str, CameraConfig, FrameRow]] = []
        self._rings, self._count = rings, 0
        self._last: dict[str, NDArray[np.uint8]] = {}
        for camera in rig.cameras:
            name = feature(camera)
            if camera.kind != LEROBOT or camera.device != role or name in separate:
                continue
            size = (camera.height, camera.width, 3)
            if arm.pictures.get(name) != size:
                known = [f"{key} {shape[1]}x{shape[0]}" for key, shape in arm.pictures.items()]
                raise CameraMissing(
                    f"Camera {camera.name}: LeRobot's {arm.kind} has no picture {name!r} of "
                    f"{camera.width}x{camera.height}. It has: {', '.join((*known, *separate)) or 'none'}. Correct the "
                    "camera's section of the rig file."
                )
            self._wanted.append((name, camera, FrameRow.of(camera)))

    def push(self, pictures: dict[str, NDArray[np.uint8]], stamp_ns: int) -> None:
        """What is new among them: a robot may hand over the same picture again and again."""
        for name, camera, row in self._wanted:
            picture, last = pictures[name], self._last.get(name)
            if picture is last or (last is not None and np.array_equal(picture, last)):
                continue
            self._last[name] = picture.copy()
            ring = self._rings.frames[camera.name]
            ring.push(row.fill(ring.written, picture), stamp_ns)


class _ArmServer:
    """One thread, one loop at the device's rate: obey, send, read, tell."""

    def __init__(self, rings: ArmRings, joints: int, rate_hz: float) -> None:
        self._rings = rings
        self._period_ns = round(1e9 / rate_hz)
        self._clock = MonotonicClock()
        self._row: NDArray[Any] = np.zeros((), reading_dtype(joints))
        self._row["session"] = time.monotonic_ns()
        # Orders from before this process may not have been carried out: nobody may believe so.
        self._done = rings.orders.written
        self._row["done"], self._row["refused"] = self._done, to_bytes("its process has just been started")
        self._told_goals = rings.goals.written
        self._failing_since_ns = 0
        self._ended = False
        self._previous: JointState | None = None

    def serve(self, arm: LerobotArm, pictures: _Pictures) -> None:
        """Take the arm and read it once. Raises a `DriverError` when it does not answer."""
        self._arm, self._pictures = arm, pictures
        self._turn()
        if self._row["failures"]:
            raise DriverError(f"LeRobot's {arm.kind} does not answer: {to_text(self._row['trouble'])}.")

    def run(self, pipe: Pipe) -> None:
        deadline_ns = self._clock.now_ns()
        grace_end_ns = None
        while True:
            # A device slower than its rate is read as often as it can be; nothing is caught up.
            deadline_ns = max(deadline_ns + self._period_ns, self._clock.now_ns())
            self._clock.sleep_until_ns(deadline_ns)
            self._turn()
            if grace_end_ns is None:
                try:
                    pipe.receive()
                except ParentGone:
                    grace_end_ns = self._clock.now_ns() + round(_GRACE_S * 1e9)
            elif self._ended or self._clock.now_ns() > grace_end_ns:
                self._leave()
                raise ParentGone

    def _leave(self) -> None:
        """What control left powered when it ended was meant to hold. Nobody ended it: then the arm goes limp."""
        if self._row["powered"] and self._ended:
            return
        self._arm.torque_off()
        self._arm.disconnect()

    def _turn(self) -> None:
        self._obey()
        try:
            if self._arm.connected:
                self._send_goal()
                self._take(*self._arm.read())
            self._row["failures"], self._row["trouble"], self._failing_since_ns = 0, b"", 0
        except Exception as error:  # LeRobot raises for one lost packet; the next turn asks again
            self._note_failure(error)
        self._row["connected"], self._row["done"] = self._arm.connected, self._done
        self._rings.readings.push(self._row, self._clock.now_ns())

    def _take(self, position: NDArray[np.float64], pictures: dict[str, NDArray[np.uint8]]) -> None:
        now_ns = self._clock.now_ns()
        passed_s = (now_ns - int(self._row["read_ns"])) * 1e-9
        if int(self._row["read_ns"]) and 0 < passed_s < 1:
            share = min(1.0, passed_s / _SPEED_SMOOTHING_S)
            speed = (position - self._row["position"]) / passed_s
            self._row["velocity"] += share * (speed - self._row["velocity"])
        else:
            self._row["velocity"] = 0
        self._row["position"], self._row["read_ns"] = position, now_ns
        self._pictures.push(pictures, now_ns)

    def _send_goal(self) -> None:
        newest = self._rings.goals.latest()
        if newest is None or newest[0] < self._told_goals or not self._row["powered"]:
            return
        index, stamp_ns, goal = newest
        if self._clock.now_ns() - stamp_ns < _GOAL_FRESH_NS:
            self._arm.send(goal)
            self._told_goals = index + 1

    def _obey(self) -> None:
        while self._done < self._rings.orders.written:
            item = self._rings.orders.read(self._done)
            self._done += 1
            if item is None:
                continue
            self._row["refused"], self._ended = b"", False
            try:
                self._act(Order(int(item[1]["order"])), float(item[1]["share"]))
            except Exception as error:
                _LOG.warning("order %s failed: %s", item[1]["order"], error)
                self._row["refused"] = to_bytes(said(error))

    def _act(self, order: Order, share: float) -> None:
        match order:
            case Order.TORQUE_ON:
                self._told_goals = self._rings.goals.written  # goals from before are of another engagement
                self._arm.torque_on()
                self._row["powered"] = True
            case Order.TORQUE_OFF:
                self._row["powered"] = False
                self._row["refused"] = to_bytes(", ".join(self._arm.torque_off()))
            case Order.EFFORT:
                self._arm.limit_effort(share)
            case Order.END:
                self._ended = True

    def _note_failure(self, error: Exception) -> None:
        now_ns = self._clock.now_ns()
        self._failing_since_ns = self._failing_since_ns or now_ns
        if not self._row[
            "failures"
        ]:  # the first words tell most; after them lerobot may only say that the port is busy
            self._row["trouble"] = to_bytes(said(error))
        self._row["failures"] += 1
        self._row["lost"] += 1
        self._arm.try_again()
        if now_ns - self._failing_since_ns > _LOST_S * 1e9:
            why = to_text(self._row["trouble"])
            raise DriverError(
                f"LeRobot's {self._arm.kind} has not answered for {_LOST_S:g} s: {why}. Check its cables and "
                "power, support the arm, then resume: LeRobot takes the torque off when it connects again."
            ) from error
