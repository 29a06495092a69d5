"""Tables in the form of the paper's: Markdown to read, JSON to use, PNG to show."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

# What is better: 1 more, -1 less, 0 neither (it is another form of its neighbour).
DIRECTIONS = {
    "FRDvs": 1, "FRVar": 1, "FRDiv": 1, "FRRea": -1, "FRCorr": 1, "FRCorr_best": 1,
    "FRCorr_sum": 0, "FRDist": -1, "FRDist_best": -1, "FRDist_sum": 0, "FRSyn": -1,
    "FRSyn_released": 0, "jumps": -1, "FPS": 1,
}  # fmt: skip
ARROWS = {1: " ↑", -1: " ↓", 0: ""}
REFERENCES = ("GT", "Mirror")  # never the best, as in the paper
HUMAN_SHARE = 0.3
LEGEND = "† moves like people: FRVar and FRDvs within 30 % of GT's. Bold: best but GT and Mirror."


@dataclass(frozen=True)
class Row:
    """name: of the method. metrics: by the name of their column. marks: an ablation's ticks."""

    name: str
    metrics: dict[str, float]
    marks: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Table:
    """rows, and for an ablation the names of its ``columns`` of check marks."""

    title: str
    rows: Sequence[Row]
    columns: tuple[str, ...] = ()

    def metrics(self) -> list[str]:
        """The columns that some row has a number for."""
        return [name for name in DIRECTIONS if any(_known(row, name) for row in self.rows)]

    def moves_like_people(self, row: Row) -> bool:
        """FRVar and FRDvs within 30 % of the row GT; False without one."""
        real = next((other for other in self.rows if other.name == "GT"), None)
        if real is None:
            return False
        return all(
            _known(row, name)
            and abs(row.metrics[name] / real.metrics[name] - 1.0) <= HUMAN_SHARE
            for name in ("FRVar", "FRDvs")
        )

    def best(self, name: str) -> float | None:
        """The best value of a column among the methods, None where there is no better."""
        values = [
            row.metrics[name]
            for row in self.rows
            if _known(row, name) and row.name not in REFERENCES
        ]
        direction = DIRECTIONS[name]
        if not values or not direction:
            return None
        return max(values) if direction > 0 else min(values)

    def cells(self) -> tuple[list[str], list[list[str]], list[list[bool]]]:
        """Headers, the text of every row, and which texts are the best of their column."""
        names = self.metrics()
        headers = ["Method", *self.columns, *(name + ARROWS[DIRECTIONS[name]] for name in names)]
        texts, bold = [], []
        for row in self.rows:
            person = " †" if self.moves_like_people(row) else ""
            ticks = ["✓" if mark else "" for mark in row.marks]
            texts.append([row.name + person, *ticks, *(_text(row, name) for name in names)])
            best = [_known(row, n) and row.metrics[n] == self.best(n) for n in names]
            reference = row.name in REFERENCES
            bold.append([False] * (1 + len(ticks)) + [b and not reference for b in best])
        return headers, texts, bold

    def markdown(self) -> str:
        headers, texts, bold = self.cells()
        lines = [f"**{self.title}**", "", _line(headers), _line(["---"] * len(headers))]
        for row, strong in zip(texts, bold, strict=True):
            lines.append(_line([f"**{t}**" if b else t for t, b in zip(row, strong, strict=True)]))
        return "\n".join([*lines, "", LEGEND, ""])

    def to_json(self) -> dict[str, Any]:
        """NaN as None."""
        return {
            "title": self.title,
            "rows": [
                {
                    "name": row.name,
                    "marks": dict(zip(self.columns, row.marks, strict=False)),
                    "moves_like_people": self.moves_like_people(row),
                    "metrics": {
                        name: value if math.isfinite(value) else None
                        for name, value in row.metrics.items()
                    },
                }
                for row in self.rows
            ],
        }

    def save(self, stem: Path) -> None:
        """Writes ``stem`` .md, .json and .png."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".md").write_text(self.markdown(), encoding="utf-8")
        stem.with_suffix(".json").write_text(json.dumps(self.to_json(), indent=2))
        self.draw().savefig(stem.with_suffix(".png"), dpi=130)

    def draw(self) -> Figure:
        headers, texts, bold = self.cells()
        figure = Figure(figsize=(1.6 + 0.95 * len(headers), 1.1 + 0.3 * len(texts)))
        axes = figure.add_axes((0.01, 0.1, 0.98, 0.78))
        axes.axis("off")
        axes.set_title(self.title, fontsize=11, loc="left")
        drawn = axes.table(texts, colLabels=headers, loc="center", cellLoc="right", edges="horizontal")
        drawn.auto_set_font_size(False)
        drawn.set_fontsize(8.5)
        drawn.auto_set_column_width(list(range(len(headers))))
        for (line, column), cell in drawn.get_celld().items():
            strong = line == 0 or bold[line - 1][column]
            cell.get_text().set_fontweight("bold" if strong else "normal")
            if column == 0:
                cell.get_text().set_horizontalalignment("left")
        figure.text(0.01, 0.02, LEGEND, fontsize=7.5)
        return figure


def _known(row: Row, name: str) -> bool:
    return name in row.metrics and math.isfinite(row.metrics[name])


def _text(row: Row, name: str) -> str:
    return f"{row.metrics[name]:.4g}" if _known(row, name) else "-"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
