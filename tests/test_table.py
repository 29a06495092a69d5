"""Tables: the best in bold, who moves like people, what is missing."""

import json

import pytest

from reactface_node.evaluation.table import Row, Table

NAN = float("nan")
ROWS = [
    Row("GT", {"FRVar": 0.01, "FRDvs": 0.02, "FRCorr": 10.0, "FRDiv": NAN}),
    Row("Mirror", {"FRVar": 0.03, "FRDvs": 0.02, "FRCorr": 5.0, "FRDiv": 0.0}),
    Row("mean", {"FRVar": 0.002, "FRDvs": 0.02, "FRCorr": 2.0, "FRDiv": 0.0}),
    Row("ours", {"FRVar": 0.0128, "FRDvs": 0.0145, "FRCorr": 1.5, "FRDiv": 0.01}),
]


def test_best_is_bold_but_never_gt_or_mirror():
    lines = Table("T", ROWS).markdown().splitlines()
    assert lines[2] == "| Method | FRDvs ↑ | FRVar ↑ | FRDiv ↑ | FRCorr ↑ |"
    assert lines[4] == "| GT † | 0.02 | 0.01 | - | 10 |"
    assert lines[5] == "| Mirror | 0.02 | 0.03 | 0 | 5 |"
    assert lines[6] == "| mean | **0.02** | 0.002 | 0 | **2** |"
    assert lines[7] == "| ours † | 0.0145 | **0.0128** | **0.01** | 1.5 |"


def test_moving_like_people_needs_both_within_30_percent():
    table = Table("T", ROWS)
    assert [table.moves_like_people(row) for row in ROWS] == [True, False, False, True]
    assert not Table("T", ROWS[1:]).moves_like_people(ROWS[3])


def test_lower_is_better_where_the_arrow_says_so():
    rows = [Row("a", {"FRSyn": 30.0, "FRSyn_released": 1.0}), Row("b", {"FRSyn": 40.0})]
    lines = Table("T", rows).markdown().splitlines()
    assert lines[2] == "| Method | FRSyn ↓ | FRSyn_released |"
    assert lines[4] == "| a | **30** | 1 |" and lines[5] == "| b | 40 | - |"


def test_an_ablation_has_its_check_marks():
    rows = [Row("vim", {"FRVar": 1.0}, (False, True)), Row("full", {"FRVar": 2.0}, (True, True))]
    lines = Table("T", rows, ("MIM", "VIM")).markdown().splitlines()
    assert lines[2] == "| Method | MIM | VIM | FRVar ↑ |"
    assert lines[4] == "| vim |  | ✓ | 1 |"


def test_saved_in_three_forms_and_read_back(tmp_path):
    Table("T", ROWS).save(tmp_path / "new" / "table2")
    read = json.loads((tmp_path / "new" / "table2.json").read_text())
    assert read["rows"][0]["metrics"]["FRDiv"] is None
    assert read["rows"][3]["metrics"]["FRVar"] == pytest.approx(0.0128)
    assert (tmp_path / "new" / "table2.md").read_text().startswith("**T**")
    assert (tmp_path / "new" / "table2.png").read_bytes()[:4] == b"\x89PNG"
