"""Which arm is it: what servos say about their arm, and which arm a hand is moving."""

from collections.abc import Iterable, Mapping

from drivers.arms.model import ArmModel
from drivers.dynamixel.control_table import TICKS_PER_TURN
from drivers.dynamixel.scan import ScannedServo


def expected_servos(model: ArmModel) -> dict[int, tuple[str, str]]:
    """{id: (joint, servo)} of all servos of an arm; the second servo of a joint has the same joint name."""
    found = {}
    for joint in model.joints:
        found[joint.servo_id] = (joint.name, joint.servo)
        if joint.second_id is not None:
            found[joint.second_id] = (joint.name, joint.servo)
    return found


def fits(model: ArmModel, servos: Iterable[ScannedServo]) -> bool:
    """Exactly this arm's ids and models answered, at one baud rate, none of them twice."""
    found = list(servos)
    answered = {servo.servo_id: servo.model for servo in found}
    wanted = {servo_id: servo for servo_id, (_, servo) in expected_servos(model).items()}
    single = len(found) == len(answered) and not any(servo.doubled for servo in found)
    return bool(wanted) and answered == wanted and single and len({servo.baud for servo in found}) == 1


def nearest(arms: Iterable[ArmModel], servos: Iterable[ScannedServo]) -> ArmModel | None:
    """The arm with which most of the servos agree: at least half of its own, else None."""
    found = {(servo.servo_id, servo.model) for servo in servos}

    def agreeing(model: ArmModel) -> float:
        wanted = {(servo_id, servo) for servo_id, (_, servo) in expected_servos(model).items()}
        return len(wanted & found) / len(wanted | found)

    best = max(arms, key=agreeing, default=None)
    return best if best is not None and agreeing(best) >= 0.5 else None


def oddities(model: ArmModel | None, servos: Iterable[ScannedServo], baud: int = 1_000_000) -> list[str]:
    """What keeps these servos from being that arm, one sentence each with what to do; empty when nothing does.

    Without a `model` only what is odd about any line: two servos with one id, different baud rates.
    """
    found = sorted(servos, key=lambda servo: servo.servo_id)
    said = [
        f"Two or more servos have id {servo.servo_id} at {servo.baud} baud and talk over each other. Connect one motor "
        "at a time and give each its own id."
        for servo in found
        if servo.doubled
    ]
    said += _several_rates(model, found, baud)
    if model is None:
        return said
    wanted = expected_servos(model)
    answered = {servo.servo_id: servo for servo in found}
    missing = [servo_id for servo_id in wanted if servo_id not in answered]
    if missing:
        said.append(_missing(model, wanted, missing, answered))
    for servo in found:
        if servo.servo_id not in wanted:
            said.append(f"Servo {servo.servo_id} ({servo.model}) does not belong to {model.title or model.name}.")
        elif servo.model != wanted[servo.servo_id][1] and not servo.doubled:
            joint, right = wanted[servo.servo_id]
            said.append(
                f"Servo {servo.servo_id} ({joint}) is {servo.model}, {model.title or model.name} has {right} there. "
                "Check the order of the ids, or choose another arm."
            )
    return said


def _several_rates(model: ArmModel | None, found: list[ScannedServo], baud: int) -> list[str]:
    rates = {servo.baud for servo in found}
    if len(rates) < 2:
        return []
    usual = max(rates, key=lambda rate: (sum(servo.baud == rate for servo in found), rate == baud))
    joints = {} if model is None else expected_servos(model)
    odd = [servo for servo in found if servo.baud != usual]
    names = ", ".join(_label(servo.servo_id, joints) + f" answers at {servo.baud}" for servo in odd)
    return [f"{names}, the others at {usual} baud. Set its baud rate to {usual}."]


def _missing(
    model: ArmModel, wanted: Mapping[int, tuple[str, str]], missing: list[int], answered: Mapping[int, ScannedServo]
) -> str:
    names = ", ".join(_label(servo_id, wanted) for servo_id in missing)
    order = list(wanted)
    before = [servo_id for servo_id in order[: order.index(missing[0])] if servo_id in answered]
    if before and order.index(missing[0]) == len(order) - len(missing):
        where = f"Check the cable after {_label(before[-1], wanted)}."
    else:
        where = "Check its cable, and the power of the arm."
    return f"{model.title or model.name} lacks {names}. {where}"


def _label(servo_id: int, joints: Mapping[int, tuple[str, str]]) -> str:
    return f"servo {servo_id} ({joints[servo_id][0]})" if servo_id in joints else f"servo {servo_id}"


class Wiggle:
    """How far the joints of one limp arm have been moved by hand: the sum of their travels, in turns.

    Feed it readings of Present Position; a joint's travel is the distance between the extremes it was seen at, so that
    noise does not add up.
    """

    def __init__(self) -> None:
        self._extremes: dict[int, tuple[int, int]] = {}

    def feed(self, ticks: Mapping[int, int]) -> float:
        """Enter a reading {servo id: ticks}; returns the travel so far, turns."""
        for servo_id, value in ticks.items():
            lowest, highest = self._extremes.get(servo_id, (value, value))
            self._extremes[servo_id] = (min(lowest, value), max(highest, value))
        return self.turns

    @property
    def turns(self) -> float:
        return sum(highest - lowest for lowest, highest in self._extremes.values()) / TICKS_PER_TURN
