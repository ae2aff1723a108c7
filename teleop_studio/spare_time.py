"""Who may have a core of a small machine now: cameras, a training and its pictures ahead must not fight the arm."""

from teleop_studio.lessons import Lessons
from teleop_studio.operation import Operation
from teleop_studio.status import State
from teleop_studio.tasks import Tasks
from teleop_studio.trainings import Trainings


def work_waits(operation: Operation, trainings: Trainings, tasks: Tasks, lessons: Lessons) -> bool:
    """A lock-step job, a lesson or a training runs while the arm only holds: the live cameras may rest."""
    if operation.state not in (State.IDLE, State.STOPPED, State.LIMP, State.FAULT) or operation.loading:
        return False
    return tasks.lockstep_running or lessons.running or trainings.computes_here


def may_prepare(operation: Operation, trainings: Trainings) -> bool:
    """Not beside a take, an arm that moves by itself, or a training, which prepares its pictures itself."""
    moving = (State.RECORDING, State.POLICY, State.REPLAY)
    return operation.state not in moving and not trainings.computes_here
