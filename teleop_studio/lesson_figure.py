"""The lesson in one picture: two fans over the same moment, and under them what came of either policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from teleop_studio.evaluation.intervals import PairedComparison
from teleop_studio.evaluation.lesson import Considered, compared, counts
from teleop_studio.evaluation.trials import RunSummary

_PAPER, _INK, _SOFT = (15, 19, 23), (232, 237, 242), (162, 174, 187)
_LEFT, _RIGHT, _NEITHER, _THROUGH = (75, 211, 123), (73, 166, 255), (190, 198, 206), (255, 209, 64)
_MARGIN, _HEAD, _FOOT = 28, 64, 250
_FINER = 2  # lines are drawn this much larger and reduced: Pillow's own are not smoothed
_SOLID, _DIM = 235, 110  # of 255
_SHOWN = 2 / 3  # of the picture's width and height, about the paths


@dataclass(frozen=True)
class Panel:
    """One policy's half of the figure. `row` in the arrays of what was considered."""

    title: str
    summary: RunSummary
    row: int
    considered: Considered


def draw_figure(
    path: Path, considered: dict[str, NDArray[Any]], panels: Sequence[Panel], test: PairedComparison, verdict: str
) -> None:
    """Write the figure as a PNG. `considered` as `processes.lockstep_fans` wrote it."""
    place = _about_the_paths(considered)
    width, height = place[2] - place[0], place[3] - place[1]
    total = (len(panels) * width + (len(panels) + 1) * _MARGIN, _HEAD + height + _FOOT)
    sheet = Image.new("RGB", total, _PAPER)
    draw = ImageDraw.Draw(sheet)
    for k, panel in enumerate(panels):
        x = _MARGIN + k * (width + _MARGIN)
        draw.text((x, 16), panel.title, fill=_INK, font=_font(32))
        sheet.paste(_fan(considered, panel).crop(place), (x, _HEAD))
        for row, (text, colour, size) in enumerate(_under(panel)):
            draw.text((x, _HEAD + height + 12 + 34 * row), text, fill=colour, font=_font(size))
    y = _HEAD + height + 126
    for text, colour in ((verdict, _INK), (compared(test), _SOFT)):
        for line in _wrapped(text, _font(24), total[0] - 2 * _MARGIN):
            draw.text((_MARGIN, y), line, fill=colour, font=_font(24))
            y += 34
    sheet.save(path)


def _about_the_paths(considered: dict[str, NDArray[Any]]) -> tuple[int, int, int, int]:
    """(left, upper, right, lower) of the part of the picture that is shown, the same for all policies."""
    full = np.array(considered["picture"].shape[1::-1])
    shown = np.round(_SHOWN * full).astype(int)
    middle = np.nanmean(considered["pixels"], axis=(0, 1, 2))
    left, upper = (int(value) for value in np.clip(np.round(middle - shown / 2), 0, full - shown))
    return left, upper, left + int(shown[0]), upper + int(shown[1])


def _under(panel: Panel) -> list[tuple[str, tuple[int, int, int], int]]:
    summary = panel.summary
    fell = ", ".join(f"{reason} {count}" for reason, count in summary.failures.items()) or "none failed"
    return [
        (counts(summary), _INK, 26),
        (f"left {summary.left}, right {summary.right}, neither {summary.neither}; {fell}", _SOFT, 22),
        (_drawn(panel.considered), _SOFT, 22),
    ]


def _drawn(considered: Considered) -> str:
    if considered.through == considered.samples:
        return "Drawn: the chunk it gives each time, through the box (yellow)"
    ways = f"{considered.left} to the arm's left (green), {considered.right} to its right (blue)"
    return f"Drawn: {considered.samples} chunks, {ways}, {considered.through} through the box (yellow)"


def _fan(considered: dict[str, NDArray[Any]], panel: Panel) -> Image.Image:
    """The picture with the paths of one policy; what something in the picture stands before is dimmed."""
    picture = Image.fromarray(considered["picture"])
    size = (picture.width * _FINER, picture.height * _FINER)
    lines = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(lines)
    paths, hidden = considered["pixels"][panel.row], considered["hidden"][panel.row]
    colours = _colours(considered, panel)
    same = bool(np.ptp(considered["tips"][panel.row], axis=0).max() < 1e-4)  # a policy without noise
    if same:
        _draw_path(pen, paths[0], hidden[0], (0, 0, 0), 10)
    for k in range(1 if same else len(paths)):
        _draw_path(pen, paths[k], hidden[k], colours[k], 6 if same else 2)
    smooth = lines.resize(picture.size, Image.Resampling.LANCZOS)
    return Image.alpha_composite(picture.convert("RGBA"), smooth).convert("RGB")


def _draw_path(
    pen: ImageDraw.ImageDraw, path: NDArray[np.float64], hidden: NDArray[np.bool_], colour: tuple[int, int, int],
    width: int,
) -> None:  # fmt: skip
    ends = [(float(x) * _FINER, float(y) * _FINER) for x, y in path]
    for start, end, behind in zip(ends[:-1], ends[1:], hidden[1:], strict=True):
        if np.isfinite([*start, *end]).all():
            pen.line([start, end], fill=(*colour, _DIM if behind else _SOLID), width=width * _FINER)
    x, y = ends[-1]
    radius = 1.4 * width * _FINER
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, _DIM if hidden[-1] else _SOLID))


def _colours(considered: dict[str, NDArray[Any]], panel: Panel) -> list[tuple[int, int, int]]:
    """Green to the arm's left, blue to its right, grey to neither; yellow through the box."""
    across = considered["tips"][panel.row, :, -1, 1]
    order = np.argsort(across)
    colours = [_NEITHER] * len(across)
    for k in order[: panel.considered.right]:
        colours[k] = _RIGHT
    for k in order[len(across) - panel.considered.left :]:
        colours[k] = _LEFT
    return [
        _THROUGH if through else colour
        for colour, through in zip(colours, considered["through"][panel.row], strict=True)
    ]


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
