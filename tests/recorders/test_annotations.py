"""What the operator says about episodes: kept beside them, line by line, whatever else is in the file."""

import json
from pathlib import Path

import pytest

from recorders.annotations import LABELS_FILE, NOTHING_SAID, Annotation, AnnotationFile, annotate, annotation_of

LONGEST = "t" * 40


def test_what_was_said_last_counts_and_nothing_else_is_lost(tmp_path: Path) -> None:
    annotate(tmp_path, "a", "ada", outcome="success", add_tags=["slow", "good light"])
    annotate(tmp_path, "a", "bob", outcome="failure", remove_tags=["slow"], note="hit the box\nat the end")
    annotate(tmp_path, "a", split="held_out", dismiss="trim", add_tags=["good light", "new"])
    annotate(tmp_path, "b", note="another one")
    assert annotation_of(tmp_path, "a") == Annotation(
        "failure", ("good light", "new"), "hit the box\nat the end", "held_out", ("trim",)
    )
    assert annotation_of(tmp_path, "b") == Annotation(note="another one")
    assert annotation_of(tmp_path, "c") == NOTHING_SAID
    lines = [json.loads(line) for line in (tmp_path / LABELS_FILE).read_text().splitlines()]
    assert [(line["uuid"], line.get("who")) for line in lines] == [("a", "ada"), ("a", "bob"), ("a", None), ("b", None)]
    assert all(line["at"].startswith("20") for line in lines)


def test_a_note_and_a_split_can_be_taken_back(tmp_path: Path) -> None:
    annotate(tmp_path, "a", note="wrong", split="train")
    annotate(tmp_path, "a", note="", split="")
    assert annotation_of(tmp_path, "a") == NOTHING_SAID


def test_lines_of_the_first_version_stay_valid(tmp_path: Path) -> None:
    (tmp_path / LABELS_FILE).write_text('{"uuid": "a", "outcome": "failure", "at": "2026-01-01T00:00:00+00:00"}\n')
    assert annotation_of(tmp_path, "a") == Annotation("failure")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"outcome": "great"}, "outcome 'great' is none of"),
        ({"add_tags": ["  "]}, "'  ' is no tag: use 1 to 40 characters on one line"),
        ({"add_tags": [LONGEST + "t"]}, "is no tag"),
        ({"add_tags": ["two\nlines"]}, "is no tag"),
        ({"add_tags": ["bell\a"]}, "is no tag"),
        ({"add_tags": ["\ud800"]}, "is no tag"),
        ({"note": "n" * 2001}, "the note has 2001 characters, 2000 are possible"),
        ({"note": "bell\a"}, "the note holds control characters"),
        ({"split": "test"}, "split 'test' is none of"),
        ({"dismiss": "everything"}, "suggestion 'everything' is none of"),
        ({"colour": "red"}, "'colour' can not be said about an episode"),
    ],
)
def test_what_can_not_be_said_is_refused_and_leaves_no_line(
    tmp_path: Path, said: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        annotate(tmp_path, "a", **said)
    assert not (tmp_path / LABELS_FILE).exists()


def test_tags_lose_the_spaces_around_them_and_may_be_as_long_as_that(tmp_path: Path) -> None:
    annotate(tmp_path, "a", add_tags=["  größe 2 ", LONGEST])
    assert annotation_of(tmp_path, "a").tags == ("größe 2", LONGEST)


@pytest.mark.parametrize(
    "line",
    [
        b'{"uuid": "a", "outc',
        b"[]",
        b"3",
        b'{"outcome": "failure"}',
        b'{"uuid": 3, "outcome": "failure"}',
        b'{"uuid": "a", "outcome": "great", "split": 3, "add_tags": "x", "note": [], "dismiss": {}}',
        b'{"uuid": "a", "outcome": ["failure"]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_torn_or_strange_costs_only_itself(tmp_path: Path, line: bytes) -> None:
    annotate(tmp_path, "a", outcome="stopped")
    with open(tmp_path / LABELS_FILE, "ab") as file:
        file.write(line)
    assert annotation_of(tmp_path, "a") == Annotation("stopped")
    annotate(tmp_path, "a", note="after it")
    assert annotation_of(tmp_path, "a") == Annotation("stopped", note="after it")


def test_only_what_is_new_is_read_and_it_says_whom_it_is_about(tmp_path: Path) -> None:
    file = AnnotationFile(tmp_path)
    assert file.refresh() is None or file.refresh() == set()
    annotate(tmp_path, "a", outcome="failure")
    annotate(tmp_path, "b", outcome="failure")
    file.refresh()
    assert file.refresh() == set()
    annotate(tmp_path, "b", note="late")
    assert file.refresh() == {"b"}
    assert (file.of("a"), file.of("b")) == (Annotation("failure"), Annotation("failure", note="late"))


def test_a_file_that_was_put_in_its_place_is_read_anew(tmp_path: Path) -> None:
    annotate(tmp_path, "a", outcome="failure")
    file = AnnotationFile(tmp_path)
    file.refresh()
    copy = tmp_path / "older"
    copy.write_text('{"uuid": "b", "outcome": "success"}\n')
    copy.replace(tmp_path / LABELS_FILE)
    assert file.refresh() is None
    assert (file.of("a"), file.of("b").outcome) == (NOTHING_SAID, "success")
