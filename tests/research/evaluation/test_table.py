"""Tables: bold values, the mark of rows that move like people, missing values."""

import json

import cv2
import pytest

from reactface_node.research.evaluation.table import Row, Table, number

NAN = float("nan")


def table2():
    return Table(
        "Quantitative results",
        [
            Row("GT", {"FRVar": 0.0120, "FRDvs": 0.0374, "FRCorr": 9.48, "FRDist": 20.0}),
            Row("Mirror", {"FRVar": 0.0120, "FRDvs": 0.0374, "FRCorr": 9.0, "FPS": 900.0}),
            Row(
                "Trans-AE",
                {"FRVar": 0.0003, "FRDvs": 0.0063, "FRCorr": 0.245, "FRDist": 80.0, "FPS": 119.73},
            ),
            Row(
                "Ours",
                {
                    "FRVar": 0.0090,
                    "FRDvs": 0.0470,
                    "FRCorr": 0.197,
                    "FRDist": 90.0,
                    "FPS": NAN,
                    "constant_dimensions": 2.0,
                },
            ),
        ],
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0374, "0.03740"),
        (48.46, "48.46"),
        (54.9612, "54.96"),
        (119.73, "119.7"),
        (9.99996, "10.00"),
        (12345.0, "12340"),
        (0.0, "0"),
        (-0.12346, "-0.1235"),
        (0.0003, "0.0003000"),
        (0.0000123456, "1.235e-05"),
        (NAN, "-"),
        (float("inf"), "-"),
    ],
)
def test_four_significant_digits(value, text):
    assert number(value) == text


def test_columns_are_in_order_and_those_without_a_value_are_dropped():
    head = table2().markdown().splitlines()[2]
    assert head == "| Method | FRDvs ↑ | FRVar ↑ | FRCorr ↑ | FRDist ↓ | FPS ↑ |"


def test_best_is_bold_in_its_own_direction_and_gt_and_mirror_are_not_ranked():
    lines = table2().markdown().splitlines()
    assert lines[4:8] == [
        "| GT | 0.03740 | 0.01200 | 9.480 | 20.00 | - |",
        "| Mirror † | 0.03740 | 0.01200 | 9.000 | - | 900.0 |",
        "| Trans-AE | 0.006300 | 0.0003000 | **0.2450** | **80.00** | 119.7 |",
        "| Ours † | **0.04700** | **0.009000** | 0.1970 | 90.00 | - |",
    ]


def test_equal_as_printed_shares_the_bold_and_sums_have_no_best():
    rows = [
        Row("a", {"FRSyn": 43.9401, "FRCorr_sum": 1.0}),
        Row("b", {"FRSyn": 43.9399, "FRCorr_sum": 2.0}),
        Row("c", {"FRSyn": 44.5}),
    ]
    cells = Table("t", rows).cells()
    assert [line[2].bold for line in cells] == [True, True, False]
    assert not any(line[1].bold for line in cells)


def test_what_all_share_and_what_is_noise_is_not_bold():
    rows = [
        Row("GT", {"FRSyn_released": 12.0, "FRVar": 3.0, "FPS": 1.0}),
        Row("a", {"FRSyn_released": 49.0, "FRVar": 1.0, "FPS": 119.7}),
        Row("b", {"FRSyn_released": 49.0, "FRVar": 2.0, "FPS": 121.2}),
    ]
    table = Table("t", rows)
    assert [row["best"] for row in table.to_json()["rows"]] == [[], [], ["FRVar"]]
    assert "not FPS, nor what all rows share" in table.markdown()


@pytest.mark.parametrize(
    ("metrics", "lively"),
    [
        ({"FRVar": 0.701, "FRDvs": 2.599}, True),
        ({"FRVar": 0.69, "FRDvs": 2.0}, False),
        ({"FRVar": 1.0, "FRDvs": 2.61}, False),
        ({"FRVar": 1.0, "FRDvs": NAN}, False),
        ({"FRVar": 1.0}, False),
    ],
)
def test_moves_like_people_within_30_percent_of_gt_in_both(metrics, lively):
    row = Row("x", metrics)
    table = Table("t", [Row("GT", {"FRVar": 1.0, "FRDvs": 2.0}), row])
    assert table.moves_like_people(row) is lively
    assert ("†: moves like people" in table.markdown()) is lively
    assert not Table("t", [row]).moves_like_people(row)


def test_the_legend_says_what_frsyn_leaves_out_and_the_notes():
    rows = [
        Row("GT", {"FRSyn": 40.0, "constant_dimensions": 0.0}),
        Row("Trans-AE", {"FRSyn": 44.0, "constant_dimensions": 3.5}),
    ]
    table = Table("t", rows, notes=("FPS: on a machine.",))
    assert table.legend()[-2:] == [
        "FRSyn leaves out dimensions that do not move, a clip's mean: Trans-AE 3.500.",
        "FPS: on a machine.",
    ]
    assert table.markdown().count("3.500") == 1 and "FPS: on a machine." in table.markdown()
    assert table.to_json()["legend"] == table.legend()
    assert Table("t", rows[:1]).legend() == []


def test_an_ablation_has_check_marks_first():
    rows = [
        Row("mim", {"FRVar": 0.0107}, (True, False)),
        Row("full", {"FRVar": 0.0159}, (True, True)),
    ]
    lines = Table("Components", rows, ("MIM", "VIM")).markdown().splitlines()
    assert lines[2:6] == [
        "| MIM | VIM | Method | FRVar ↑ |",
        "| :-: | :-: | :-- | --: |",
        "| ✓ |  | mim | 0.01070 |",
        "| ✓ | ✓ | full | **0.01590** |",
    ]
    with pytest.raises(ValueError, match="full: 2 marks, not 1"):
        Table("Components", rows[1:], ("MIM",))


def test_saved_files_say_the_same(tmp_path):
    table = table2()
    table.save(tmp_path / "new" / "table2")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "table2.json",
        "table2.md",
        "table2.png",
    ]
    assert (tmp_path / "new/table2.md").read_text(encoding="utf-8") == table.markdown()

    def no_constant(name):
        raise AssertionError(f"{name} is not JSON")

    text = (tmp_path / "new/table2.json").read_text()
    rows = {row["name"]: row for row in json.loads(text, parse_constant=no_constant)["rows"]}
    assert rows["Trans-AE"]["metrics"]["FPS"] == 119.73
    assert rows["Trans-AE"]["best"] == ["FRCorr", "FRDist"]
    assert rows["Ours"]["metrics"]["FPS"] is None
    assert rows["Ours"]["metrics"]["constant_dimensions"] == 2.0
    assert rows["Ours"]["moves_like_people"] and not rows["Trans-AE"]["moves_like_people"]
    picture = cv2.imread(str(tmp_path / "new/table2.png"))
    dark = (picture.min(axis=2) < 128).any(axis=0).nonzero()[0]
    assert dark[0] > 0 and dark[-1] < picture.shape[1] - 1  # nothing runs off the page


def test_another_table_of_the_same_rows_has_its_own_columns_and_directions(tmp_path):
    rows = [
        Row("GT", {"FD_exp": 0.0, "SID_exp": 4.0, "FRDist": 20.0}),
        Row("Trans-AE", {"FD_exp": 0.7, "SID_exp": 2.0, "FRDist": 80.0}),
        Row("Ours", {"FD_exp": 0.2, "SID_exp": 3.0, "FRDist": 90.0}),
    ]
    table = Table("Metrics of the field", rows, directions={"FD_exp": -1, "SID_exp": 0})
    assert table.headers() == ["Method", "FD_exp ↓", "SID_exp"]
    assert table.best("FD_exp") == "0.2000" and table.best("SID_exp") is None
    assert table.best("FRDist") is None
    stored = table.to_json()
    assert stored["better"] == {"FD_exp": "down", "SID_exp": None}
    assert stored["rows"][2]["metrics"]["FRDist"] == 90.0
