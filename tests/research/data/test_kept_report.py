"""The report of a conversion."""

import csv
import xml.etree.ElementTree as ElementTree

import pytest

from reactface_node.research.data.kept_report import (
    SHOWN,
    FloorPart,
    Kept,
    summary,
    write_report,
)

PARTS = (
    FloorPart("one", "a", "b", 1.0, 9.0, name="one/a/000025"),
    FloorPart("one", "a", "b", 9.0, 10.0, reason="b: no face"),
    FloorPart("one", "b", "a", 12.0, 15.0, reason="shorter than 4 s"),
    FloorPart("two & <more>", "c|c", "d", 0.0, 4.0, name="two/c/000000"),
    FloorPart("two & <more>", "d", "c|c", 5.0, 6.0, reason="c|c: no face"),
)
KEPT = Kept(
    "What was kept of talks, train",
    PARTS,
    {"one": 20.0, "two & <more>": 7200.0},
    [("three", "x.wav is missing")],
    ["A note."],
)


def test_the_page_says_what_was_kept_and_why_the_rest_was_not(tmp_path):
    page = write_report(KEPT, tmp_path, "train")
    assert page == tmp_path / "train-report.md"
    text = page.read_text()
    for line in (
        "2 clips, 12.0 s of 17.0 s in which one of two has the floor, in 2 conversations of 2.0 h; "
        "1 conversations left out.",
        "| kept | 12.0 s | 70.6% |",
        "| left out: shorter than 4 s | 3.0 s | 17.6% |",
        "| left out: no face | 2.0 s | 11.8% |",
        "| one | 20.0 s | 1 | 8.0 s | 3.0 s shorter than 4 s; 1.0 s b: no face |",
        "| two & <more> | 2.0 h | 1 | 4.0 s | 1.0 s c\\|c: no face |",
        "| three | x.wav is missing |",
        "A note.",
        "![What was kept, over time](train-report.svg)",
    ):
        assert line in text.splitlines()
    assert summary(KEPT) + "." in text


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("talks/a (1): no face", "no face"),
        ("the sounds are exchanged (r 0.51 and 0.62)", "the sounds are exchanged"),
        ("shorter than 4 s", "shorter than 4 s"),
    ],
)
def test_totals_are_of_reasons_without_names_and_numbers(reason, why):
    assert FloorPart("x", "a", "b", 0.0, 1.0, reason=reason).why == why


def test_the_table_has_every_part(tmp_path):
    write_report(KEPT, tmp_path, "train")
    with (tmp_path / "train-report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == [part.name for part in PARTS]
    assert rows[1] == {
        "conversation": "one",
        "speaker": "a",
        "listener": "b",
        "start_s": "9.00",
        "end_s": "10.00",
        "clip": "",
        "left_out": "b: no face",
    }


def test_the_picture_has_a_lane_for_each_person(tmp_path):
    write_report(KEPT, tmp_path, "train")
    picture = ElementTree.parse(tmp_path / "train-report.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    boxes = {
        box.find(f"{space}title").text: box for box in picture.iter(f"{space}rect") if len(box)
    }
    mine, theirs = boxes["one/a/000025"], boxes["b: shorter than 4 s"]
    assert float(mine.get("y")) < float(theirs.get("y"))
    assert float(mine.get("width")) == pytest.approx(720 * 8 / 7200, abs=0.1)
    assert float(mine.get("width")) / float(theirs.get("width")) == pytest.approx(8 / 3, rel=0.2)


def test_a_long_list_is_cut_on_the_page_and_whole_in_the_table(tmp_path):
    parts = [FloorPart(f"t{k}", "a", "b", 0.0, 5.0, name=f"t{k}/a/0") for k in range(SHOWN + 7)]
    kept = Kept("x", parts, {part.talk: 10.0 for part in parts})
    text = write_report(kept, tmp_path, "val").read_text()
    assert "And 7 more." in text and f"| t{SHOWN - 1} |" in text and f"| t{SHOWN} |" not in text
    assert len((tmp_path / "val-report.csv").read_text().splitlines()) == SHOWN + 8


def test_nothing_at_all(tmp_path):
    text = write_report(Kept("x", [], {}), tmp_path, "test").read_text()
    assert "0 clips" in text
