"""Episodes and runs in the words of the lists."""

import math

from teleop_studio.status import EpisodeRow, RunInfo
from ui import theme
from ui.widgets.row_list import Row

OUTCOME_COLOURS = {
    "success": theme.GOOD,
    "failure": theme.BAD,
    "unrated": theme.FAINT,
    "interrupted": theme.WARN,
    "stopped": theme.WARN,
}


def episode_row(episode: EpisodeRow) -> Row:
    problem = f"{episode.gaps} gaps" if episode.gaps else episode.outcome
    return Row(
        key=str(episode.path),
        title=f"{'Trial' if episode.run else 'Episode'} {episode.number}"
        + (f"  {episode.side}" if episode.side else ""),
        note=f"{episode.duration_s:.1f} s",
        detail=episode.problem or " · ".join(part for part in (episode.run or episode.source, episode.task) if part),
        right="unusable" if episode.problem else problem,
        dot=theme.WARN if episode.problem else OUTCOME_COLOURS.get(episode.outcome, theme.FAINT),
        tooltip=episode.problem or f"{episode.path.name}, {episode.frames} frames, {episode.recorded_at}",
    )


def run_row(run: RunInfo) -> Row:
    share = run.step / max(run.steps, 1)
    return Row(
        key=str(run.path),
        title=run.name,
        note=milliradians(run.held_out_error),
        detail=f"{run.policy}, {run.episodes} episodes",
        right=f"step {run.step}" if run.finished else f"{share:.0%} of {run.steps}",
        dot=theme.GOOD if run.finished else theme.WARN if run.step else theme.FAINT,
        tooltip=f"{run.path}: mean error of sampled chunks on held-out episodes {milliradians(run.held_out_error)}",
    )


def milliradians(error_rad: float) -> str:
    return "–" if math.isnan(error_rad) else f"{error_rad * 1e3:.0f} mrad"


def clock(seconds: float) -> str:
    """h:mm:ss or m:ss; a dash when unknown."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
