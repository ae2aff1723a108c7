"""What can go wrong in training, in the operator's words."""


class TrainingError(Exception):
    """The run can not start or go on. The first sentence says what happened, the rest what to do."""


class StopRequested(Exception):
    """The operator stopped the run before its first step."""
