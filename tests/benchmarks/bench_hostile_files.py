"""Bad episode files and journals by the thousand: what the app says about each, how long it takes, how much memory.

`python -m tests.benchmarks.bench_hostile_files [--files N] [--journals N] [--seed S] [--keep FOLDER]` prints
the rows of docs/benchmarks.md. Each file is listed, read and verified, each journal brought back, in a child of its own
with 1 GB of memory to take. What should never be is counted as such and named; its files are kept in FOLDER.
"""

import argparse
import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import numpy as np

from recorders.annotations import LABELS_FILE
from recorders.catalog import label, list_episodes
from recorders.episode_builder import build_episode
from recorders.episode_writer import JOURNAL_FILE, EpisodeWriter
from tests.recorders import hostile_files, hostile_journals
from tests.recorders.hostile_journals import BROUGHT_BACK, KEPT, TOO_SHORT
from tests.recorders.hostile_looks import BY_VERIFY, ON_READING, REFUSED, WHOLE, content_digest, look
from tests.recorders.sandbox import in_sandbox
from tests.recorders.takes import START_NS, add_second, description

Row = tuple[str, str, str, float, int]  # kind, what came of it, sentence, seconds, bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1200, help="bad episode files, at least one of each kind")
    parser.add_argument("--journals", type=int, default=1000, help="bad journals")
    parser.add_argument("--labels", type=int, default=200, help="bad files of labels")
    parser.add_argument("--seed", default="2026")
    parser.add_argument("--keep", type=Path, help="folder for files that show a fault")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = [
            ("episode file", (REFUSED, ON_READING, BY_VERIFY, WHOLE), _files(Path(folder) / "files", options)),
            ("journal", (BROUGHT_BACK, KEPT, TOO_SHORT), _journals(Path(folder) / "journals", options)),
            ("labels.jsonl", ("read",), _labels(Path(folder) / "labels", options)),
        ]
        for what, expected, rows in ways:
            _print_table(what, expected, rows)


def _print_table(what: str, expected: tuple[str, ...], rows: Iterable[Row]) -> None:
    columns = " | ".join(expected)
    print(f"| {what} | how many | {columns} | never | slowest, median s | most memory MB |")
    print("|---|---" + "|---" * (len(expected) + 3) + "|")
    everything: list[Row] = []
    of_kind: list[Row] = []
    for row in rows:
        if of_kind and of_kind[0][0] != row[0]:
            _print_row(of_kind[0][0], expected, of_kind)
            of_kind = []
        of_kind.append(row)
        everything.append(row)
    if of_kind:
        _print_row(of_kind[0][0], expected, of_kind)
    _print_row("all", expected, everything)
    for kind, found, sentence, _, _ in everything:
        if found not in expected:
            print(f"    {kind}: {found} {sentence}")
    print(flush=True)


def _print_row(name: str, expected: tuple[str, ...], rows: list[Row]) -> None:
    counts = Counter(found for _, found, _, _, _ in rows)
    never = len(rows) - sum(counts[word] for word in expected)
    seconds = [row[3] for row in rows]
    cells = [str(counts[word]) for word in expected]
    slowest = f"{max(seconds, default=0.0):.2f}, {statistics.median(seconds or [0.0]):.3f}"
    most = max((row[4] for row in rows), default=0) / 1e6
    print(f"| {name} | {len(rows)} | {' | '.join(cells)} | {never} | {slowest} | {most:.0f} |", flush=True)


def _take(folder: Path) -> Path:
    """The journal of a second with something of everything."""
    writer = EpisodeWriter(folder, description())
    add_second(writer, 0)
    writer.add_event(START_NS, "mark", {"why": "benchmark"})
    writer.add_gap("front", 500, 3)
    writer.add_chunk(START_NS, 0.1, np.ones((4, 7)))
    return writer.finish("success")


def _files(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    episode = build_episode(_take(folder / "original"))
    content, original = episode.read_bytes(), content_digest(episode)
    path = folder / "bad" / episode.name
    kinds = hostile_files.KINDS
    for number, kind in enumerate(kinds):
        for count in range(_share(options.files, len(kinds), number)):
            path.parent.mkdir()
            path.write_bytes(kind.make(Random(f"{options.seed} {kind.name} {count}"), content))
            verdict = look(path, original)
            if verdict.found == WHOLE and not kind.accepted:
                verdict = type(verdict)("WHOLE though it is not", "", verdict.seconds, verdict.growth_bytes)
            _keep(options, verdict.ok, path, f"{kind.name} {count}")
            shutil.rmtree(path.parent)
            yield kind.name, verdict.found, verdict.sentence, verdict.seconds, verdict.growth_bytes


def _journals(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    first, second = _take(folder / "original"), _take(folder / "another")
    original, another = ((journal / JOURNAL_FILE).read_bytes() for journal in (first, second))
    kinds = hostile_journals.KINDS
    for number, kind in enumerate(kinds):
        for count in range(_share(options.journals, len(kinds), number)):
            content = kind.make(Random(f"{options.seed} {kind.name} {count}"), original, another)
            verdict = hostile_journals.bring_back(folder / "bad", first.name, content, original)
            bad = folder / "bad.journal"
            bad.write_bytes(content)
            _keep(options, verdict.ok, bad, f"{kind.name} {count}")
            shutil.rmtree(folder / "bad")
            yield kind.name, verdict.found, verdict.sentence, verdict.seconds, verdict.growth_bytes


def _labels(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """An episode is labelled again and again; whatever becomes of the file, listing goes on and a new label holds."""
    path = build_episode(_take(folder))
    for _ in range(20):
        label(path, "failure")
    content = (folder / LABELS_FILE).read_bytes()
    for number, kind in enumerate(LABEL_KINDS):
        for count in range(_share(options.labels, len(LABEL_KINDS), number)):
            rng = Random(f"{options.seed} {kind} {count}")
            (folder / LABELS_FILE).write_bytes(_bad_labels(kind, rng, content))
            ended = in_sandbox(lambda: _labelled_anew(path))
            found = ended.value if not (ended.crash or ended.error) else f"FAULT {ended.crash or ended.error}"
            _keep(options, found == "read", folder / LABELS_FILE, f"labels {kind} {count}")
            yield kind, str(found), "", ended.seconds, ended.growth_bytes


LABEL_KINDS = ("bits flipped", "torn", "garbage lines", "deep or wrong JSON", "one line of 30 MB")


def _bad_labels(kind: str, rng: Random, content: bytes) -> bytes:
    match kind:
        case "bits flipped":
            changed = bytearray(content)
            for _ in range(30):
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            return bytes(changed)
        case "torn":
            return content[: rng.randrange(len(content))]
        case "garbage lines":
            return content + rng.randbytes(rng.randint(1, 5000)) + bytes(5000)
        case "deep or wrong JSON":
            lines = [
                b"[" * 200_000,
                b"null",
                b'{"uuid": []}',
                b'{"uuid": "x", "outcome": {}}',
                b"9" * 9000,
                b'{"uuid": 1e999}',
            ]
            return content + b"\n".join(rng.sample(lines, len(lines))) + b"\n"
    return content + b'{"uuid": "' + b"x" * 30_000_000 + b'"}\n'


def _labelled_anew(path: Path) -> str:
    (before,) = list_episodes(path.parent)
    label(path, "stopped")
    (after,) = list_episodes(path.parent)
    return "read" if not before.problem and after.outcome == "stopped" else f"WRONG outcome {after.outcome}"


def _share(total: int, kinds: int, number: int) -> int:
    """How many of `total` files the kind of this number gets: all nearly alike."""
    return max(1, total * (number + 1) // kinds - total * number // kinds)


def _keep(options: argparse.Namespace, ok: bool, path: Path, name: str) -> None:
    if not ok and options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, options.keep / name.replace(" ", "-").replace("/", "-"))


if __name__ == "__main__":
    main()
