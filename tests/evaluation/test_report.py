"""The report says what happened, carries everything it shows, and does not break on odd words or missing figures."""

import base64
import math
import re
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from teleop_studio.evaluation.machine import machine_facts
from teleop_studio.evaluation.report import Demonstrations, Report, ReportPicture, Training, write_report
from teleop_studio.evaluation.trials import TrialResult, TrialSheet

STEPS = np.arange(100, 6501, 100.0)
VOID = {"meta", "img", "br"}


def png() -> bytes:
    """The smallest whole PNG: one grey pixel."""

    def block(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", body) + block(b"IEND", b"")


@pytest.fixture
def report(tmp_path: Path) -> Report:
    picture = tmp_path / "record.png"
    picture.write_bytes(png())
    trials = [
        TrialResult("flow-001", 5000 + k, k != 3, "the bottle fell" if k == 3 else "", ("left", "right")[k % 2], 5.5)
        for k in range(30)
    ]
    return Report(
        title="One unattended run",
        made_at="25 November 2026, 14:05",
        rig="Simulated rig, bottle scene.",
        success_means="the bottle is lifted.",
        demonstrations=Demonstrations(41, 20, 20, "by a scripted operator", 228.0, 13_678, 13_680),
        trainings=(Training("flow-001", "flow-matching", 6500, 605.0, np.stack([STEPS, 1 / STEPS], axis=1)),),
        trials=TrialSheet(trials),
        pictures=(ReportPicture("Record", picture, "A demonstration."),),
        timings=(("recording", 62.0), ("training", 605.0)),
        machine=machine_facts(),
        commands=("make demo",),
    )


class Outline(HTMLParser):
    """Checks that tags nest, and collects the text and what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def outline(path: Path) -> Outline:
    parsed = Outline()
    parsed.feed(path.read_text(encoding="utf-8"))
    parsed.close()
    assert parsed.open == []
    return parsed


def test_the_page_says_what_was_recorded_trained_and_tried(tmp_path: Path, report: Report) -> None:
    text = outline(write_report(tmp_path / "demo", report)).text
    for said in (
        "41 demonstrations (20 left, 20 right, 1 neither), 3 min 48 s of robot time, recorded by a scripted operator",
        "13678 of 13680 camera pictures that were due are in the files; the missing 2 are listed",
        "flow-matching, 6500 steps in 10 min 05 s",
        "97 %, 95 % interval 83 – 100 %",
        "14 / 15",
        "the bottle fell",
        "This is interpolation",
        "11 min 07 s",
        "make demo",
        "A trial succeeds when the bottle is lifted.",
    ):
        assert said in text


def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path, report: Report) -> None:
    path = write_report(tmp_path, report)
    page = outline(path)
    assert page.loads == ["data:image/png;base64," + base64.b64encode(png()).decode("ascii")]
    assert not re.search(r"https?:|@import|url\(|<script|<link", path.read_text(encoding="utf-8"))


def test_odd_words_stay_words(tmp_path: Path, report: Report) -> None:
    evil = "<b>&\"'</b></svg>"
    sheet = TrialSheet([TrialResult(evil, 1, False, evil), TrialResult("other", 1, True)])
    training = replace(report.trainings[0], run=evil, policy=evil)
    odd = replace(report, title=evil, rig=evil, trials=sheet, trainings=(training,), commands=(evil,), notes=(evil,))
    page = outline(write_report(tmp_path, odd))
    assert page.text.count(evil) >= 7


def test_two_runs_are_compared_on_their_shared_starts(tmp_path: Path, report: Report) -> None:
    others = [TrialResult("mean-001", 5000 + k, k < 20) for k in range(40)]
    sheet = TrialSheet([*report.trials.results, *others])
    text = outline(write_report(tmp_path, replace(report, trials=sheet))).text
    assert "On the 30 starts that both tried, only flow-001 succeeded on 10 and only mean-001 on 1;" in text
    assert "exact McNemar test: p = 0.012" in text


def test_what_came_out_stands_before_what_it_does_not_show(tmp_path: Path, report: Report) -> None:
    found = replace(report, findings=("Both did well.",), notes=("One scene.",), pictures_title="Two fans")
    words = outline(write_report(tmp_path / "found", found)).text
    assert words.index("What came out") < words.index("Both did well.") < words.index("One scene.")
    assert "Two fans" in words
    assert "What came out" not in outline(write_report(tmp_path / "plain", report)).text


def test_what_was_not_measured_is_said_not_drawn(tmp_path: Path, report: Report) -> None:
    bare = replace(report, trials=TrialSheet(), pictures=(), timings=(), machine={}, trainings=(), commands=())
    text = outline(write_report(tmp_path, bare)).text
    assert "No trials were run." in text
    text = outline(write_report(tmp_path, report)).text
    assert "not measured" in text
    assert "held-out episodes: not enough points for a curve" in text
    assert "nan" not in text


def test_a_missing_picture_is_an_error_and_leaves_the_old_report(tmp_path: Path, report: Report) -> None:
    before = write_report(tmp_path / "demo", report).read_text(encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        write_report(tmp_path / "demo", replace(report, pictures=(ReportPicture("Gone", tmp_path / "gone.png"),)))
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["report.html"]
    assert (tmp_path / "demo" / "report.html").read_text(encoding="utf-8") == before


@pytest.mark.parametrize("top", [1e-9, 0.037, 1.0, 123456.0])
def test_a_curve_stays_inside_its_frame(tmp_path: Path, report: Report, top: float) -> None:
    curve = np.stack([STEPS, top * np.linspace(1, 0.01, len(STEPS))], axis=1)
    curve[5] = math.nan
    training = replace(report.trainings[0], loss_curve=curve, held_out_curve=curve)
    page = write_report(tmp_path, replace(report, trainings=(training,))).read_text(encoding="utf-8")
    lines = re.findall(r'<polyline class="curve" points="([^"]*)"', page)
    assert len(lines) == 2
    for line in lines:
        x, y = np.array([point.split(",") for point in line.split()], float).T
        assert x.min() >= 52
        assert x.max() <= 446
        assert y.min() >= 11.9
        assert y.max() <= 186.1


def test_a_long_curve_is_thinned_but_keeps_its_level(tmp_path: Path, report: Report) -> None:
    curve = np.stack([np.arange(1.0, 50_001), np.full(50_000, 0.5)], axis=1)
    training = replace(report.trainings[0], loss_curve=curve)
    path = write_report(tmp_path, replace(report, trainings=(training,)))
    assert path.stat().st_size < 60_000
    assert "0.5 at step 50000" in outline(path).text


def test_the_machine_is_described_without_naming_it() -> None:
    facts = machine_facts()
    assert "usable cores" in facts["Processor"]
    assert re.fullmatch(r"\d+ GiB|unknown", facts["Memory"])
    assert re.match(r"\d+\.\d+", facts["numpy"])
