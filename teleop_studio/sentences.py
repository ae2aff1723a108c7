"""What the state bar says: one short sentence for each state, and what to do next."""

from teleop_studio.control.first_motion import Waiting
from teleop_studio.soft_start import SoftStart
from teleop_studio.status import JobStatus, State

TITLES = {
    State.CLOSED: ("No rig open", "Ctrl+O opens it, Ctrl+G chooses another one, Ctrl+6 sets one up."),
    State.IDLE: ("Holding", "The follower holds. Space records, P runs a policy."),
    State.TELEOP: ("Teleoperation", "The follower copies the leader. Space records."),
    State.RECORDING: ("Recording", "Space keeps the take, Backspace discards it, Esc stops."),
    State.RESET: ("Reset", "Put the scene back. Space records the next take."),
    State.POLICY: ("Autonomous", "The policy drives. T takes over, Esc stops."),
    State.REPLAY: ("Replay", "A recorded episode drives the follower. Esc stops."),
    State.STOPPED: ("Stopped", "The follower holds where it was. R resumes."),
    State.REST: ("Going to rest", "The follower moves slowly to its rest pose and goes limp there. Esc stops it."),
    State.LIMP: ("Torque off", "The follower is limp. R takes it up again where it is."),
    State.FAULT: ("Fault", "The follower holds. Read the notice, mend the cause, then R resumes."),
}


_FOLLOWING = (State.TELEOP, State.RECORDING, State.POLICY, State.REPLAY, State.RESET)
_WAITING = {
    Waiting.SETTLING: "What drives it jumped or runs away: the follower stands still for a moment, then comes slowly.",
    Waiting.BOX: "The gripper is at the edge of its box: only moves that lead back are followed.",
    Waiting.MIRRORING: "The leader comes to the follower. Hold it loosely; push it and it goes limp.",
}


def while_closed(opening: bool, closing: bool, setting_up: bool) -> tuple[str, str]:
    """(title, detail) while no rig is open: who has the ports."""
    if closing:
        return "Closing the rig", "Its ports are free in a moment."
    if setting_up:
        return "Setting up a rig", "The arms have no torque: support them. The Set-up page leads on (Ctrl+6)."
    return ("Opening the rig", "Arms, cameras and recorder start.") if opening else TITLES[State.CLOSED]


def sentence(state: State, start: SoftStart, job: JobStatus | None, loading: str, lockstep: bool) -> tuple[str, str]:
    """(title, detail) for the state bar. `lockstep`: what is shown is a job on a manual clock, not the live arm."""
    title, detail = TITLES[state]
    if state in _FOLLOWING and start.waiting is Waiting.TOO_FAR:
        return f"{title}: too far away", f"Bring the leader closer to the follower: {start.too_far}."
    if state in _FOLLOWING and start.waiting in _WAITING:
        return f"{title}: waiting", _WAITING[start.waiting]
    if state in _FOLLOWING and start.gap > 0:
        return f"{title}: approaching", f"Soft start: the largest joint gap is {start.gap:.2f} rad."
    if loading:
        return title, f"Loading {loading}."
    if job is not None and not job.finished:
        title = "In lock-step, apart from the live arm" if lockstep else title
        return title, f"{job.title}: {job.done} of {job.total}. {job.detail}"
    return title, detail
