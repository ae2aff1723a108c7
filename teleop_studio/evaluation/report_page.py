"""The report's HTML, section by section."""

import base64
import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from teleop_studio.evaluation import charts
from teleop_studio.evaluation.report_content import Demonstrations, Report, ReportPicture, Training
from teleop_studio.evaluation.trials import RunSummary, TrialSheet


def page(report: Report) -> str:
    """The whole document. Raises `FileNotFoundError` for a picture that is not there."""
    sections = [
        _head(report),
        _results(report),
        _sides(report),
        _demonstrations(report.demonstrations),
        *(_training(training) for training in report.trainings),
        _pictures(report.pictures_title, report.pictures),
        _made(report),
    ]
    return document(report.title, sections)


def document(title: str, sections: Iterable[str]) -> str:
    """A page of HTML sections, with its style inside; empty sections are left out."""
    style = resources.files("teleop_studio.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    cards = []
    for run in report.trials.runs:
        summary = report.trials.summary(run)
        cards.append(
            f'<div class="card"><span class="name">{escape(run)}</span>'
            f'<span class="big">{summary.successes}<small> of {summary.trials}</small></span>'
            f'<span class="plain">{_percent(summary.rate)}, 95 % interval {_interval(summary)}</span></div>'
        )
    if not cards:
        cards.append('<div class="card"><span class="name">No trials were run.</span></div>')
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    found = "".join(f"<p>{escape(finding)}</p>" for finding in report.findings)
    findings = f"<section><h2>What came out</h2>{found}</section>\n" if found else ""
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="made">{escape(report.made_at)} · {escape(report.rig)}</p></header>\n'
        f'<section class="cards">{"".join(cards)}</section>\n{findings}'
        f'<aside class="limits"><h2>What this does not show</h2>{notes}</aside>'
    )


def _results(report: Report) -> str:
    if not report.trials.runs:
        return ""
    summaries = [report.trials.summary(run) for run in report.trials.runs]
    rows = [
        (
            escape(summary.run),
            f"{summary.successes} / {summary.trials}",
            _percent(summary.rate),
            _interval(summary),
            charts.interval(summary),
            f"{summary.left_ok} / {summary.left}",
            f"{summary.right_ok} / {summary.right}",
            _seconds(summary.median_duration_s),
        )
        for summary in summaries
    ]
    names = ("run", "succeeded", "rate", "95 % interval", "", "left: ok / tried", "right: ok / tried", "median success")
    parts = [
        f"<section><h2>Trials</h2><p>A trial succeeds when {escape(report.success_means)} "
        "The interval is Clopper and Pearson's exact one.</p>",
        table(names, rows),
    ]
    for summary in summaries:
        parts.append(f"<h3>{escape(summary.run)}, start by start</h3>")
        parts.append(charts.trial_strip(report.trials.of_run(summary.run)))
        parts.append(_failures(summary))
    parts.append(_legend())
    parts.append(_comparisons(report.trials))
    return "".join(parts) + "</section>"


def _legend() -> str:
    return (
        '<p class="legend"><span class="key left"></span> went left <span class="key right"></span> went right '
        '<span class="key neither"></span> neither; a cross is a failure. Left and right are the robot\'s own.</p>'
    )


def _failures(summary: RunSummary) -> str:
    if not summary.failures:
        return "<p>No trial failed.</p>"
    rows = [(escape(reason), str(count)) for reason, count in summary.failures.items()]
    return table(("why trials failed", "trials"), rows, narrow=True)


def _comparisons(sheet: TrialSheet) -> str:
    first = sheet.runs[0]
    lines = []
    for other in sheet.runs[1:]:
        try:
            found = sheet.compare(first, other)
        except ValueError as error:
            lines.append(escape(str(error)))
            continue
        lines.append(
            f"On the {found.both + found.only_first + found.only_second + found.neither} starts that both tried, only "
            f"{escape(first)} succeeded on {found.only_first} and only {escape(other)} on {found.only_second}; "
            f"exact McNemar test: {_p_value(found.p_value)}."
        )
    return "".join(f"<p>{line}</p>" for line in lines)


def _sides(report: Report) -> str:
    shown = report.demonstrations
    rows = [("demonstrations", *_shares(shown.left, shown.right, shown.count))]
    for run in report.trials.runs:
        summary = report.trials.summary(run)
        which = f" {run}" if len(report.trials.runs) > 1 else ""
        rows.append((f"samples{which}", summary.left_samples, summary.right_samples))
        rows.append((f"trials{which}", *_shares(summary.left, summary.right, summary.trials)))
    return (
        "<section><h2>Both ways round</h2><p>The obstacle can be passed on either side. A policy that lost one of "
        "the sides its demonstrations show would be seen here. Samples are the chunks drawn at each start, before one "
        f"of them runs.</p>{charts.sides(rows)}</section>"
    )


def _demonstrations(shown: Demonstrations) -> str:
    pictures = ""
    if shown.frames_due:
        missing = shown.frames_due - shown.frames_written
        pictures = (
            f" {shown.frames_written} of {shown.frames_due} camera pictures that were due are in the files"
            f"{'.' if not missing else f'; the missing {missing} are listed in their episodes as gaps.'}"
        )
    way = f"{shown.left} left, {shown.right} right" + (f", {shown.neither} neither" if shown.neither else "")
    return (
        f"<section><h2>Demonstrations</h2><p>{shown.count} demonstrations ({way}), {_duration(shown.duration_s)} of "
        f"robot time, recorded {escape(shown.how)}.{pictures}</p></section>"
    )


def _training(training: Training) -> str:
    told = f"{training.policy}, {training.steps} steps in {_duration(training.elapsed_s)}."
    plots = charts.curve(training.loss_curve, "Training loss", log=True)
    plots += charts.curve(training.held_out_curve, "Error of sampled chunks, held-out episodes", "rad")
    return (
        f"<section><h2>Training: {escape(training.run)}</h2><p>{escape(told)} Neither curve ranks policies; "
        f'the trials do.</p><div class="plots">{plots}</div></section>'
    )


def _pictures(title: str, pictures: Sequence[ReportPicture]) -> str:
    if not pictures:
        return ""
    figures = "".join(
        f'<figure class="page"><img alt="{escape(picture.title, quote=True)}" src="data:image/png;base64,'
        f'{base64.b64encode(picture.path.read_bytes()).decode("ascii")}">'
        f"<figcaption><b>{escape(picture.title)}</b> {escape(picture.caption)}</figcaption></figure>"
        for picture in pictures
    )
    return f'<section><h2>{escape(title)}</h2><div class="pages">{figures}</div></section>'


def _made(report: Report) -> str:
    parts = ["<section><h2>How this was made</h2>"]
    if report.timings:
        rows = [(escape(phase), _duration(seconds)) for phase, seconds in report.timings]
        rows.append(("<b>all</b>", f"<b>{_duration(sum(seconds for _, seconds in report.timings))}</b>"))
        parts.append(table(("phase", "took"), rows, narrow=True))
    if report.commands:
        parts.append(f"<pre>{escape(chr(10).join(report.commands))}</pre>")
    if report.machine:
        parts.append(table(("machine", ""), [(escape(k), escape(v)) for k, v in report.machine.items()], narrow=True))
    return "".join(parts) + "</section>"


def table(names: Sequence[str], rows: Iterable[Sequence[str]], narrow: bool = False) -> str:
    """Cells are HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    kind = ' class="narrow"' if narrow else ""
    return f'<div class="scroll"><table{kind}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _shares(left: int, right: int, count: int) -> tuple[float, float]:
    return (left / count, right / count) if count else (math.nan, math.nan)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def _interval(summary: RunSummary) -> str:
    return f"{100 * summary.interval.low:.0f} – {100 * summary.interval.high:.0f} %"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if math.isfinite(seconds) else "–"


def _duration(seconds: float) -> str:
    """ "4 min 12 s"; below a minute with a tenth."""
    if seconds < 60:
        return _seconds(seconds)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest:02d} s"


def _p_value(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
