"""Table 8 from answers to the survey, compared with counts by hand."""

import json
from pathlib import Path

import pytest

from reactface_node.errors import UserError
from reactface_node.research.evaluation.preferences import (
    QUESTIONS,
    Preference,
    markdown,
    tally,
    to_json,
    wilson_percent,
)


@pytest.fixture
def key(tmp_path):
    """Three pairs against ng, one against gt."""
    pairs = {
        "p1": {"competitor": "ng", "clip": "c1", "ours": "x"},
        "p2": {"competitor": "ng", "clip": "c2", "ours": "y"},
        "p3": {"competitor": "ng", "clip": "c3", "ours": "x"},
        "p4": {"competitor": "gt", "clip": "c1", "ours": "y"},
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"survey": "s", "ours": "ours", "pairs": pairs}))
    return path


def answer(path: Path, person: str, sides: str, choices: str, survey: str = "s") -> Path:
    """sides, choices: a letter a pair; the same choice for every question but synchrony, A."""
    pairs = [
        {"pair": f"p{n}", "a": a, **dict.fromkeys(QUESTIONS, choice), "synchrony": "A"}
        for n, (a, choice) in enumerate(zip(sides, choices, strict=True), start=1)
    ]
    path.write_text(json.dumps({"survey": survey, "participant": person, "pairs": pairs}))
    return path


def test_tally_by_hand(key, tmp_path):
    # Ours is A, B, A, A for ann and B, B, B, B for bob.
    ann = answer(tmp_path / "ann.json", "ann", "xxxy", "ABBB")
    bob = answer(tmp_path / "bob.json", "bob", "yxyx", "AAAB")
    table = tally([ann, bob], key)
    # ng: ann ours, ours, not (2 of 3, so she is for ours); bob never.
    assert table["ng"]["realism"] == Preference(2, 6, 1.0, 2)
    assert table["ng"]["realism"].percent == pytest.approx(100 / 3)
    assert table["ng"]["realism"].people_percent == 50.0
    # synchrony is always A: ours for ann's first and third.
    assert table["ng"]["synchrony"] == Preference(2, 6, 1.0, 2)
    # gt: ann has ours at A and chose B; bob has it at B and chose B.
    assert table["gt"]["realism"] == Preference(1, 2, 1.0, 2)
    assert table["gt"]["synchrony"] == Preference(1, 2, 1.0, 2)


def test_even_split_is_half_a_person(tmp_path, key):
    pairs = json.loads(key.read_text())
    del pairs["pairs"]["p3"], pairs["pairs"]["p4"]
    key.write_text(json.dumps(pairs))
    table = tally([answer(tmp_path / "a.json", "a", "xx", "AA")], key)
    assert table["ng"]["diversity"] == Preference(1, 2, 0.5, 1)


def test_wilson_interval():
    # Newcombe 1998, Table I: 81 of 263 and 0 of 20.
    assert wilson_percent(81, 263) == pytest.approx((25.53, 36.62), abs=0.005)
    assert wilson_percent(0, 20) == pytest.approx((0.0, 16.11), abs=0.005)


def test_tables(key, tmp_path):
    table = tally([answer(tmp_path / "ann.json", "ann", "xxxy", "ABBB")], key)
    text = markdown(table)
    assert "| Ours vs. ng | 66.67% [20.8, 93.9] |" in text
    assert "| Ours vs. gt | 0.00% [0.0, 79.3] |" in text
    assert "| Ours vs. ng | 100.00% | 100.00% | 100.00% | 100.00% | 1 |" in text
    cell = json.loads(json.dumps(to_json(table)))["ng"]["realism"]
    assert (cell["ours"], cell["answers"], cell["people"]) == (2, 3, 1)
    assert cell["wilson_95_percent"] == pytest.approx([20.77, 93.85], abs=0.01)


def test_tally_names_the_bad_file(key, tmp_path):
    good = answer(tmp_path / "good.json", "ann", "xxxx", "AAAA")
    again = answer(tmp_path / "again.json", "ann", "xxxx", "BBBB")
    with pytest.raises(UserError, match=r"'ann' is in two files: .*good\.json and .*again\.json"):
        tally([good, again], key)
    other = answer(tmp_path / "other.json", "bob", "xxxx", "AAAA", survey="t")
    with pytest.raises(UserError, match=r"other\.json answers another survey"):
        tally([good, other], key)
    blanks = answer(tmp_path / "blanks.json", " ann ", "xxxx", "BBBB")
    with pytest.raises(UserError, match=r"'ann' is in two files: .*good\.json and .*blanks\.json"):
        tally([good, blanks], key)
    short = answer(tmp_path / "short.json", "bob", "xx", "AA")
    with pytest.raises(UserError, match=r"short\.json answers 2 of 4 pairs"):
        tally([short], key)
    odd = answer(tmp_path / "odd.json", "bob", "xxxx", "AACA")
    with pytest.raises(UserError, match=r"odd\.json: pair p3 has no answer A or B to 'realism'"):
        tally([odd], key)
    strange = answer(tmp_path / "strange.json", "bob", "xxxxx", "AAAAA")
    with pytest.raises(UserError, match=r"strange\.json: pair 'p5' is not in"):
        tally([strange], key)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"survey": "s"}', "\udcff"])
def test_tally_refuses_what_is_no_answer(key, tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(UserError, match=r"broken\.json"):
        tally([path], key)


def test_tally_wants_files_and_a_key(key, tmp_path):
    with pytest.raises(UserError, match="no answer files"):
        tally([], key)
    good = answer(tmp_path / "good.json", "ann", "xxxx", "AAAA")
    with pytest.raises(UserError, match=r"good\.json is no key"):
        tally([good], good)
    with pytest.raises(UserError, match=r"nowhere\.json cannot be read"):
        tally([good], tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ({"competitor": "ng", "clip": "c1", "ours": "z"}, "pair p1 .* ours not x or y"),
        ({"competitor": "ng", "clip": "c1"}, "pair p1 .* ours not x or y"),
        ({"clip": "c1", "ours": "x"}, "pair p1 names no competitor"),
        ({"competitor": 3, "ours": "x"}, "pair p1 names no competitor"),
        ({"competitor": "ng", "ours": ["x"]}, "pair p1 .* ours not x or y"),
        ("x", "pair p1 names no competitor"),
        (None, "holds no pairs"),
    ],
)
def test_a_damaged_key_counts_nothing(tmp_path, pair, says):
    key = tmp_path / "key.json"
    pairs = {"p1": pair} if pair else {}
    key.write_text(json.dumps({"survey": "s", "ours": "ours", "pairs": pairs}))
    good = answer(tmp_path / "good.json", "ann", "x" * len(pairs), "A" * len(pairs))
    with pytest.raises(UserError, match=rf"key\.json .*{says}"):
        tally([good], key)
