"""Which turn a multi-turn servo is in: after power-off it has forgotten, so the joint's mechanical band has to tell."""

from drivers.arms.model import POSITION_MODE, JointModel
from drivers.dynamixel.control_table import TICKS_PER_TURN
from drivers.errors import NotCalibrated


def turns_to_band(joint: JointModel, ticks: int, band: tuple[int, int]) -> int:
    """Whole turns to add to Present Position `ticks` so that it lies in `band`, the joint's limits in ticks.

    In position mode 0: that mode knows no turns. A position outside the band in every turn gets the turn that brings it
    nearest; it is then seen to be outside. Raises `NotCalibrated` when several turns lie in the band: nothing but a
    hand can tell them apart.
    """
    if joint.operating_mode == POSITION_MODE:
        return 0
    lower, upper = band
    fewest = -((ticks - lower) // TICKS_PER_TURN)
    most = (upper - ticks) // TICKS_PER_TURN
    if fewest == most:
        return fewest
    if fewest > most:
        return min((most, fewest), key=lambda turns: _beyond(ticks + turns * TICKS_PER_TURN, band))
    raise NotCalibrated(
        f"{joint.name} (servo {joint.servo_id}) may stand in any of {most - fewest + 1} turns: its range of "
        f"{upper - lower} ticks is longer than a turn of {TICKS_PER_TURN}, and its position of {ticks} ticks fits "
        f"{[ticks + turns * TICKS_PER_TURN for turns in range(fewest, most + 1)]}. {_way_out(band)}"
    )


def _beyond(ticks: int, band: tuple[int, int]) -> int:
    return max(band[0] - ticks, ticks - band[1], 0)


def _way_out(band: tuple[int, int]) -> str:
    spare = 2 * TICKS_PER_TURN - (band[1] - band[0])
    if spare <= 0:
        return "Narrow its limits to less than two turns, then it can be told in the middle of its range."
    return "Turn it by hand to the middle of its range, then connect again; or narrow its limits to one turn."
