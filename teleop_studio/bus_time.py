"""How long a line needs to carry one control cycle, computed from the bytes; what a rig file asks for must fit."""

from drivers.arms.model import ArmModel

_BITS_PER_BYTE = 10  # start and stop bit
_GAP_S = 20e-6  # between a servo's turn and the next, return delay 0
_STATE_BYTES = 10  # effort, velocity, position
_STATUS_BYTES = 11 + _STATE_BYTES
_REQUEST_BYTES = 14


def cycle_s(model: ArmModel, writes: bool) -> float:
    """Reading the state of all servos with a plain Sync Read, and writing all goals if `writes`; s. 0 without servos.

    The adapter's own waiting comes on top.
    """
    servos = sum(1 + (joint.second_id is not None) for joint in model.joints if joint.servo)
    if not servos:
        return 0.0
    count = _REQUEST_BYTES + servos + servos * _STATUS_BYTES
    if writes:
        count += _REQUEST_BYTES + 5 * servos
    return count * _BITS_PER_BYTE / model.baud + servos * _GAP_S
