"""What the operator reads for every fault, how soon the arm is safe, and what becomes of the running take.

    python -m tests.benchmarks.bench_faults [--only WORD] [--write docs/faults.md]

Each row is a run of its own: emulated arms on two ptys, the real control, camera, recorder and builder processes, a
hand that never stands still on the leader, a take that is being recorded. Then the fault, and what a person would do
about it. Times are those of the control ticks' own stamps.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from drivers.sim.fault_rules import FaultEvent, FaultRule, RunningRules
from drivers.sim.line_events import happen
from teleop_studio.control.sources import HOLD
from teleop_studio.processes.stop_channel import stop_all
from teleop_studio.processes.tick_row import SOURCES
from teleop_studio.rig import ArmConfig, CameraConfig, RigConfig
from teleop_studio.session import StudioError
from teleop_studio.status import State, StudioStatus
from teleop_studio.studio import Studio
from teleop_studio.workspace import Workspace
from tests.benchmarks.faulty_arms import MOVED, SPEED, FaultyArms, Happening

_LIMIT_S = 120.0
_WATCH_S = 3.0  # after the fault
_BY_HAND_S = 0.7  # from one cable to the next
_CLEAN_S = 1.5  # after everything is well again
_LATE_MS = 8.0  # a reading this old is not of its own cycle
_TURN_S = 0.03  # near its turns the hand is at one place twice
_CAMERA = ("front", 320, 240, 30)


@dataclass(frozen=True)
class Case:
    """One row. `faults` happen in order, `remedies` after the watching, then `resume` if the session needs it."""

    name: str
    faults: tuple[Happening, ...] = ()
    remedies: tuple[Happening, ...] = ()
    reboot: str = ""  # the follower's joint to restart before resuming
    silence_s: float = 0.0  # for how long the window does not turn its wheel
    elsewhere: bool = False  # stopped past the window


@dataclass
class Outcome:
    """What was seen."""

    state: State = State.RECORDING
    told: str = ""
    told_ms: float = float("nan")
    safe_ms: float = float("nan")
    recovered: str = ""
    episode: str = ""
    rows: list[Any] = field(default_factory=list)
    fault_ns: int = 0
    well_ns: int = 0


def event(port: str, kind: str, joint: str = "", value: float | None = None) -> Happening:
    return _event, (port, FaultEvent(kind, joint=joint, value=value))


def queue(port: str, method: str, *args: Any) -> Happening:
    return _queue, (port, method, args)


def rule(port: str, kind: str, probability: float, seconds: float) -> Happening:
    return _rule, (port, FaultRule(kind, probability=probability, until_s=seconds))


def _event(world: dict[str, Any], port: str, what: FaultEvent) -> None:
    happen(what, world["lines"][port])


def _queue(world: dict[str, Any], port: str, method: str, args: tuple[Any, ...]) -> None:
    getattr(world["lines"][port].faults, method)(*args)


def _rule(world: dict[str, Any], port: str, what: FaultRule) -> None:
    world["lines"][port].faults.rules = RunningRules((what,), 7, time.monotonic_ns())


def _swap(world: dict[str, Any]) -> None:
    first, second = world["hosts"].values()
    first.bus, second.bus = second.bus, first.bus


def _wrong_arm(world: dict[str, Any]) -> None:
    """Both cables are pulled; they come back crosswise at the remedy."""
    for line in world["lines"].values():
        line.faults.unplug()


CASES = (
    Case("one reply lost (follower)", (queue("follower", "drop_replies", 3),)),
    Case("one reply lost (leader)", (queue("leader", "drop_replies", 3),)),
    Case("a tenth of all replies lost for 2 s", (rule("follower", "drop", 0.1, 2.0),)),
    Case("reply 45 ms late", (queue("leader", "delay_replies", 3, 45.0),)),
    Case("wrong checksum", (queue("leader", "corrupt_replies", 3),)),
    Case("reply breaks off", (queue("leader", "cut_replies", 3),)),
    Case("reply under a wrong id", (queue("leader", "mislabel_replies", 3),)),
    Case("reply twice", (queue("leader", "repeat_replies", 3),)),
    Case("noise before a reply", (queue("leader", "precede_replies", 3, b"\xff\xff\xfd\x00\x03"),)),
    Case("a servo hears badly (answers: checksum)", (queue("follower", "mishear", 3, 3),)),
    Case(
        "servo without cable (follower's elbow)",
        (event("follower", "dead", "elbow"),),
        (event("follower", "alive", "elbow"),),
    ),
    Case(
        "servo without cable (leader's elbow)",
        (event("leader", "dead", "elbow"),),
        (event("leader", "alive", "elbow"),),
    ),
    Case("USB unplugged (follower)", (event("follower", "unplug"),), (event("follower", "replug"),)),
    Case("USB unplugged (leader)", (event("leader", "unplug"),), (event("leader", "replug"),)),
    Case(
        "ports swapped while unplugged",
        ((_wrong_arm, ()), (_swap, ()), event("leader", "replug"), event("follower", "replug")),
        ((_wrong_arm, ()), (_swap, ()), event("leader", "replug"), event("follower", "replug")),
    ),
    Case("overload (elbow)", (event("follower", "overload", "elbow"),), reboot="elbow"),
    Case(
        "overheating (elbow)",
        (event("follower", "overheat", "elbow"),),
        (event("follower", "overheat", "elbow", 30.0),),
        reboot="elbow",
    ),
    Case(
        "supply too low (elbow)",
        (event("follower", "voltage", "elbow", 5.0),),
        (event("follower", "voltage", "elbow", 12.0),),
        reboot="elbow",
    ),
    Case("brown-out: a servo restarts (elbow)", (event("follower", "brown-out", "elbow"),)),
    Case("joint blocked (elbow)", (event("follower", "stuck", "elbow"),), (event("follower", "free", "elbow"),)),
    Case(
        "position off by a whole turn (leader's waist)",
        (event("leader", "turns", "waist", 1.0),),
        (event("leader", "turns", "waist", -1.0),),
    ),
    Case("two servos with one id", (event("follower", "id", "elbow", 2.0),), (event("follower", "id", "elbow", 3.0),)),
    Case(
        "servo talks at another rate (elbow)",
        (event("follower", "baud", "elbow", 57600.0),),
        (event("follower", "baud", "elbow", 1_000_000.0),),
    ),
    Case("the window hangs for 3 s", silence_s=3.0),
    Case("`teleop-studio stop` from elsewhere", elsewhere=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--write", type=Path, help="write the table into this file as well")
    options = parser.parse_args()
    lines = [HEAD, RULE]
    print(HEAD, RULE, sep="\n", flush=True)
    for case in CASES:
        if options.only in case.name:
            lines.append(_row(case))
            print(lines[-1], flush=True)
    if options.write is not None:
        options.write.write_text("\n".join((PREFACE, *lines)) + "\n", encoding="utf-8")


HEAD = "| fault | what the operator reads | told after | arm safe after | state | the take | then | stale afterwards |"
RULE = "|---|---|---|---|---|---|---|---|"
DATE = time.strftime("%Y-%m-%d")
PREFACE = f"""# Faults, and what becomes of them

Written by `python -m tests.benchmarks.bench_faults --write docs/faults.md` on {DATE}: emulated arms on two ptys, the
app's real processes at 100 Hz, a take being recorded while a hand moves the leader. "Arm safe" is when the follower's
command stood still for good; a dash means that the fault is ridden out and the take goes on. "Stale afterwards" counts
readings older than {_LATE_MS:g} ms once everything is well again, of all readings looked at, and the median age beside
it. Nothing here has been tried on a real servo.
"""


def _row(case: Case) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arms = FaultyArms(folder)
        try:
            outcome = _run(case, arms, folder)
        except AssertionError as error:
            arms.close()
            return f"| {case.name} | FAILED: {error} | | | | | | |"
        truth = arms.close()
    stale, looked, age_ms = _stale(outcome, truth)
    safe = "–" if np.isnan(outcome.safe_ms) else f"{outcome.safe_ms:.0f} ms"
    told = "–" if np.isnan(outcome.told_ms) else f"{outcome.told_ms:.0f} ms"
    afterwards = f"{stale} of {looked}, {age_ms:.1f} ms" if looked else "not looked at"
    cells = (
        case.name,
        outcome.told.replace("|", "/") or "nothing",
        told,
        safe,
        str(outcome.state),
        outcome.episode,
        outcome.recovered,
        afterwards,
    )
    return "| " + " | ".join(cells) + " |"


def _run(case: Case, arms: FaultyArms, folder: Path) -> Outcome:
    outcome = Outcome()
    studio = Studio(_rig(arms, folder), Workspace.create(folder / "workspace"))
    try:
        watch = Watch(studio, outcome)
        studio.open()
        watch.until(lambda s: s.state is State.IDLE, "the rig to open")
        studio.record("fault")
        watch.until(lambda s: s.state is State.RECORDING and s.recorder.frames_written > 150, "a running take")
        watch.turn(0.5)
        before = len(studio.status.notices)
        _strike(case, arms, studio, watch, outcome)
        _note(studio, outcome, before, folder)
        _recover(case, arms, studio, watch, outcome)
        _keep(studio, watch, outcome)
    finally:
        studio.close()
    return outcome


class Watch:
    """Turns the studio's wheel and keeps every control tick."""

    def __init__(self, studio: Studio, outcome: Outcome) -> None:
        self._studio, self._outcome = studio, outcome
        self._next = 0
        self.changed_ns = 0  # when the session left the recording, or a notice was added

    def until(self, done: Callable[[StudioStatus], bool], what: str, limit_s: float = _LIMIT_S) -> StudioStatus:
        end_s = time.monotonic() + limit_s
        while True:
            status = self.once()
            if done(status):
                return status
            assert time.monotonic() < end_s, f"waited {limit_s:g} s for {what}: {status.state}, {status.notices[-2:]}"
            time.sleep(0.005)

    def turn(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.once()
            time.sleep(0.005)

    def once(self) -> StudioStatus:
        said = len(self._studio.status.notices)
        status = self._studio.poll()
        if self._outcome.fault_ns and not self.changed_ns and len(status.notices) > said:
            self.changed_ns = time.monotonic_ns()
        live = self._studio._operation.live
        if live is not None:
            ring = live.rings.ticks
            self._next = max(self._next, ring.written - 1000)
            while self._next < ring.written:
                item = ring.read(self._next)
                self._next += 1
                if item is not None:
                    self._outcome.rows.append(item[1].copy())
        return status


def _strike(case: Case, arms: FaultyArms, studio: Studio, watch: Watch, outcome: Outcome) -> None:
    outcome.fault_ns = time.monotonic_ns()
    for fault in case.faults:
        moment_ns = arms.happen(fault)
        outcome.fault_ns = moment_ns if fault is case.faults[0] else outcome.fault_ns
        if len(case.faults) > 1:
            watch.turn(_BY_HAND_S)
    if case.elsewhere:
        stop_all()
    if case.silence_s:
        time.sleep(case.silence_s)
    watch.turn(_WATCH_S)
    if watch.changed_ns:
        outcome.told_ms = (watch.changed_ns - outcome.fault_ns) * 1e-6
    outcome.state = studio.status.state


def _note(studio: Studio, outcome: Outcome, before: int, folder: Path) -> None:
    told = [text.replace(f"{folder}/", "") for text in studio.status.notices[before:]]
    outcome.told = " / ".join(told[:2])
    if studio.status.state is not State.RECORDING:
        outcome.safe_ms = _safe_ms(outcome)


def _safe_ms(outcome: Outcome) -> float:
    """Until the command stood still for good: the control tick after the last one that moved it."""
    rows = [row for row in outcome.rows if row["stamp_ns"] >= outcome.fault_ns - 20_000_000]
    moved = outcome.fault_ns
    for before, after in pairwise(rows):
        commanded = np.isfinite(after["action"]).all() and after["source"] != SOURCES.index(HOLD)
        if commanded and not np.allclose(before["action"], after["action"], atol=1e-6):
            moved = int(after["stamp_ns"]) + 10_000_000
    return max(0, moved - outcome.fault_ns) * 1e-6


def _recover(case: Case, arms: FaultyArms, studio: Studio, watch: Watch, outcome: Outcome) -> None:
    for remedy in case.remedies:
        arms.happen(remedy)
        if len(case.remedies) > 1:
            watch.turn(_BY_HAND_S)
    watch.turn(0.5)
    if outcome.state is State.RECORDING:
        outcome.recovered = "went on by itself"
    elif case.reboot:
        studio.reboot_servo("follower", case.reboot)
        watch.turn(3.0)
    if studio.status.state is not State.RECORDING:
        outcome.recovered = _resume(studio, watch) + (", after restarting the servo" if case.reboot else "")
    outcome.well_ns = time.monotonic_ns() + 200_000_000
    watch.turn(_CLEAN_S + 0.2)


def _resume(studio: Studio, watch: Watch) -> str:
    for attempt in range(1, 6):
        try:
            if studio.status.state is not State.IDLE:
                studio.resume()
        except StudioError as error:
            return f"resume refused: {error}"
        watch.turn(1.5)
        if studio.status.state is State.IDLE:
            return "resumed" + (f" at attempt {attempt}" if attempt > 1 else "")
    return f"NOT resumed: {studio.status.notices[-1] if studio.status.notices else studio.status.state}"


def _keep(studio: Studio, watch: Watch, outcome: Outcome) -> None:
    if studio.status.state is State.RECORDING:
        studio.accept()
    watch.until(lambda s: s.recorder.building == 0 and not s.recorder.recording, "the take to be saved")
    rows = studio.episodes()
    if not rows:
        outcome.episode = "LOST"
        return
    row = rows[-1]
    outcome.episode = f"kept as {row.outcome}, {row.frames} ticks, {row.gaps} gaps"


def _stale(outcome: Outcome, truth: tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]) -> tuple[int, int, float]:
    """(readings that are too old, readings looked at, median age in ms) of the leader once all is well."""
    from drivers.arms.studio_arm import STUDIO_LEADER

    stamps, places = truth
    late, looked, ages = 0, 0, []
    for row in outcome.rows:
        at_ns = int(row["leader_stamp_ns"])
        if not outcome.well_ns <= at_ns <= outcome.well_ns + int(_CLEAN_S * 1e9):
            continue
        for joint in MOVED:
            way = places[joint]
            near = slice(*np.searchsorted(stamps, [at_ns - int(_TURN_S * 1e9), at_ns + int(_TURN_S * 1e9)]))
            steps = np.diff(way[near])
            if len(steps) < 4 or not (np.all(steps > 0) or np.all(steps < 0)):
                continue
            read = float(row["leader_position"][STUDIO_LEADER.names.index(joint)])
            true = float(np.interp(at_ns, stamps, way))
            age_ms = (true - read) / (SPEED * np.sign(steps[0])) * 1e3
            ages.append(age_ms)
            looked += 1
            late += age_ms > _LATE_MS
    return late, looked, float(np.median(ages)) if ages else float("nan")


def _rig(arms: FaultyArms, folder: Path) -> RigConfig:
    film = folder / "film.avi"
    name, width, height, fps = _CAMERA
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    for k in range(60):
        picture = np.full((height, width, 3), 40, np.uint8)
        cv2.circle(picture, (20 + 4 * k, height // 2), 15, (0, 200, 255), -1)
        writer.write(picture)
    writer.release()
    return RigConfig(
        name="faulty",
        leader=ArmConfig("studio-leader", arms.ports["leader"]),
        follower=ArmConfig("studio-follower", arms.ports["follower"]),
        cameras=(CameraConfig(name, "video", width, height, fps, device=str(film)),),
    )


if __name__ == "__main__":
    main()
