"""The Episodes page over a large collection: filter, sort, select, scroll and read again.

`python -m tests.benchmarks.bench_episodes_page [--episodes N] [--repeats R]` prints the rows of docs/benchmarks.md.
Every step is timed beside a fixed reference in the same run: one plain pass over the same rows that folds the case of
three texts. The ratio tells whether the page got slower; the milliseconds depend on the machine too. They are this
process's time on the CPU: other work on the machine does not count.
"""

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication

from teleop_studio.status import EpisodeRow
from tests.ui.stand_in_library import varied_rows
from tests.ui.stand_in_studio import StandInStudio
from ui import theme
from ui.bridge import Bridge
from ui.main_window import MainWindow
from ui.widgets.episode_model import COLUMN_NUMBERS


@dataclass(frozen=True)
class Step:
    """One thing an operator does; `run` does it once."""

    name: str
    run: Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=21)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app)
    with tempfile.TemporaryDirectory() as folder:
        studio = StandInStudio(Path(folder))
        studio.rows = varied_rows(studio.workspace.episodes, options.episodes)
        bridge = Bridge(studio)  # type: ignore[arg-type]  # the stand-in has Studio's surface, not its type
        window = MainWindow(bridge)
        window.resize(1920, 1080)
        window.show()
        window.show_page("episodes")
        page: Any = window.pages["episodes"]
        bridge.refresh()
        app.processEvents()
        print_table(steps(page, studio), studio.rows, options.repeats)
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def steps(page: Any, studio: StandInStudio) -> Iterator[Step]:
    """Each leaves the page so that it can be run again."""
    filters, table = page.list.filters, page.table
    letters = itertools.cycle(("b", "bo", "bot", "sunlight bottle", "217", ""))
    yield Step("type a letter of a search", lambda: filters.text.setText(next(letters)))
    yield Step("clear every filter", lambda: (filters.text.setText("b"), filters.clear_all()))
    outcomes = itertools.cycle((1, 2, 3, 0))
    yield Step("filter by an outcome", lambda: filters.outcome.setCurrentIndex(next(outcomes)))
    filters.clear_all()
    for name in ("task", "duration", "tags"):
        orders = itertools.cycle((Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder))
        yield Step(
            f"sort by {name}", lambda name=name, orders=orders: table.sortByColumn(COLUMN_NUMBERS[name], next(orders))
        )
    yield Step("select everything", lambda: (table.clearSelection(), table.selectAll()))
    yield Step("sort with everything selected", lambda: (table.selectAll(), table.sortByColumn(7, next(orders))))
    table.clearSelection()
    newer = itertools.count(len(studio.rows) + 1)

    def record_one() -> None:
        studio.rows = [*studio.rows, studio._episode(next(newer), "human")]
        page._read()

    yield Step("read again with one episode more", record_one)
    bar = table.verticalScrollBar()
    places = itertools.cycle(range(0, bar.maximum(), max(bar.maximum() // 37, 1)))

    def scroll() -> None:
        bar.setValue(next(places))
        table.viewport().repaint()

    yield Step("scroll to rows never shown and paint them", scroll)


def print_table(listed: Iterator[Step], rows: list[EpisodeRow], repeats: int) -> None:
    """Medians of `repeats`, each beside the reference measured right after it."""
    print(f"| {len(rows):,} episodes | median ms | worst ms | times the reference |")
    print("|---|---|---|---|")
    for step in listed:
        step.run()  # warm up
        took, reference = [], []
        for _ in range(repeats):
            took.append(milliseconds(step.run))
            reference.append(milliseconds(lambda: reference_pass(rows)))
        median = statistics.median(took)
        ratio = median / statistics.median(reference)
        print(f"| {step.name} | {median:.1f} | {max(took):.1f} | {ratio:.1f} |", flush=True)
    print(f"| the reference | {statistics.median(reference):.1f} | {max(reference):.1f} | 1.0 |")


def reference_pass(rows: list[EpisodeRow]) -> list[str]:
    return [f"{row.task}\n{row.operator}\n{row.note}".casefold() for row in rows]


def milliseconds(run: Callable[[], object]) -> float:
    began = process_time()
    run()
    return (process_time() - began) * 1e3


if __name__ == "__main__":
    main()
