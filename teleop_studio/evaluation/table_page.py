"""The table of policies as a page that travels: intervals, sides, and success against the time of training."""

from html import escape
from pathlib import Path

from teleop_studio.evaluation import charts
from teleop_studio.evaluation.policy_table import PolicyTable, TableRow
from teleop_studio.evaluation.report_page import document, table
from teleop_studio.evaluation.success_curve import success_curve
from teleop_studio.evaluation.table_text import checkpoint_cells, columns, markdown, notes
from teleop_studio.evaluation.whole_file import write_whole

TABLE_PAGE, TABLE_TEXT = "policies.html", "policies.md"


def write_table(folder: Path, policies: PolicyTable, title: str, said: str) -> Path:
    """Write `folder`/policies.html and policies.md, each whole or not at all; returns the page.

    `said` one paragraph: when, on which machine and in which scene the trials were made.
    """
    write_whole(folder / TABLE_TEXT, f"# {title}\n\n{said}\n\n{markdown(policies)}")
    return write_whole(folder / TABLE_PAGE, page(policies, title, said))


def page(policies: PolicyTable, title: str, said: str) -> str:
    """The whole document; nothing in it is fetched from elsewhere."""
    sections = [
        f'<header><h1>{escape(title)}</h1><p class="made">{escape(said)}</p></header>',
        _rates(policies),
        _everything(policies),
        _sides(policies),
        *(_checkpoints(row) for row in policies.rows if len(row.checkpoints) > 1),
    ]
    return document(title, sections)


def _rates(policies: PolicyTable) -> str:
    rows = [
        (
            escape(row.facts.run),
            f"{row.summary.successes} / {row.summary.trials}",
            charts.interval(row.summary),
            escape(_failures(row)),
        )
        for row in policies.rows
    ]
    names = ("policy", "succeeded", "95 % interval", "why trials failed")
    return f"<section><h2>Success</h2>{table(names, rows)}</section>"


def _failures(row: TableRow) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in row.summary.failures.items()) or "none failed"


def _everything(policies: PolicyTable) -> str:
    shown = columns()
    rows = [[escape(column.text(row)) for column in shown] for row in policies.rows]
    said = "".join(f"<p>{escape(note)}</p>" for note in notes(policies))
    return f"<section><h2>Figures</h2>{table([column.title for column in shown], rows)}{said}</section>"


def _sides(policies: PolicyTable) -> str:
    rows: list[tuple[str, float, float]] = []
    for row in policies.rows:
        if row.pooled:
            continue
        summary, count = row.summary, max(row.summary.trials, 1)
        rows.append((f"{row.facts.run}: shown", row.facts.left_demonstrations, row.facts.right_demonstrations))
        rows.append(("samples", summary.left_samples, summary.right_samples))
        rows.append(("trials", summary.left / count, summary.right / count))
    return (
        "<section><h2>Both ways round</h2><p>What the demonstrations show, what the policy draws at the start, and "
        f"which way the trials went. Grey went neither way.</p>{charts.sides(rows)}</section>"
    )


def _checkpoints(row: TableRow) -> str:
    cells = [[escape(cell) for cell in checkpoint_cells(one)] for one in row.checkpoints]
    names = ("step", "trained: CPU (wall)", "succeeded", "95 % interval", "flips")
    return (
        f"<section><h2>{escape(row.facts.run)} while it learns</h2>{success_curve(row.checkpoints)}"
        f"{table(names, cells)}</section>"
    )
