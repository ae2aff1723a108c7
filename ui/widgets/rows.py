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


def run_row(run: RunInfo, title: str) -> Row:
    """`title` of its policy, in words."""
    said, colour = _how_far(run)
    best = f" · best {run.best_step}" if run.best_step else ""
    return Row(
        key=str(run.path),
        title=run.name,
        note=milliradians(run.held_out_error),
        detail=f"{title}{best}",
        right=said,
        dot=theme.GOOD if run.finished else theme.WARN if run.step or run.interrupted else theme.FAINT,
        tooltip=f"{run.path}: {title}, {run.episodes} episodes, mean error of sampled chunks on held-out episodes "
        f"{milliradians(run.held_out_error)}" + (f"; best: {best_words(run.best_step, run.best_by)}" if best else ""),
        right_colour=colour,
    )


def _how_far(run: RunInfo) -> tuple[str, str]:
    """In words, and their colour."""
    if run.finished:
        return f"step {run.step}", theme.SOFT
    share = f"{run.step / max(run.steps, 1):.0%}"
    if run.interrupted:
        return f"interrupted at {share}", theme.WARN
    return (f"paused at {share}" if run.paused else f"{share} of {run.steps}"), theme.SOFT


def best_words(step: int, by: str) -> str:
    """ "step 3000, by held-out error"; a dash while no checkpoint is the best."""
    return (f"step {step}, by {by}" if by else f"step {step}") if step else "–"


def milliradians(error_rad: float) -> str:
    return "–" if math.isnan(error_rad) else f"{error_rad * 1e3:.0f} mrad"


def clock(seconds: float) -> str:
    """h:mm:ss or m:ss; a dash when unknown."""
    if not math.isfinite(seconds) or seconds < 0:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
