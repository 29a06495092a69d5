"""Tables 2-7 of the paper as Markdown, JSON and PNG."""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reactface_node.files.figures import new_figure, save_figure
from reactface_node.files.whole import write_text
from reactface_node.research.evaluation.seeds import decided, half_range, pooled_deviation

# The columns in order, and which way is better: +1 up, -1 down, 0 neither.
DIRECTIONS: Mapping[str, int] = {
    "FRDvs": 1,
    "FRVar": 1,
    "FRDiv": 1,
    "FRRea": -1,
    "FRCorr": 1,
    "FRCorr_best": 1,
    "FRCorr_sum": 0,
    "FRDist": -1,
    "FRDist_best": -1,
    "FRDist_sum": 0,
    "FRSyn": -1,
    "FRSyn_released": -1,
    "jumps": -1,
    "FPS": 1,
    "FPS_core": 1,
}
ARROWS = {1: " ↑", -1: " ↓", 0: ""}
GT, MIRROR = "GT", "Mirror"
# Rows that copy real faces: the paper prints them without ranking them.
UNRANKED = (GT, MIRROR)
TOLERANCE = 0.3
LIVELY = ("FRVar", "FRDvs")
DAGGER, CHECK, MISSING = "†", "✓", "-"
# FPS is mostly the time to draw the same avatar, so that differences between rows are noise.
# FPS_core is a cost, not a quality.
NEVER_BOLD = ("FPS", "FPS_core")
RANKED = tuple(key for key, way in DIRECTIONS.items() if way and key not in NEVER_BOLD)
LEGEND_BEST = "Bold: best of its column, GT and Mirror aside; not FPS, nor what all rows share."
LEGEND_LIVELY = f"{DAGGER}: moves like people, FRVar and FRDvs within {TOLERANCE:.0%} of GT's."
CONSTANT = "constant_dimensions"
LEGEND_CONSTANT = "FRSyn leaves out dimensions that do not move, a clip's mean:"
DIGITS = 4
LETTER_IN, PADDING_IN, LINE_IN = 0.085, 0.22, 0.27


@dataclass(frozen=True)
class Row:
    """metrics: by the name of the column; missing values and NaN are printed as '-'.
    marks: the check marks of an ablation table. seeds: the metrics of each seed, of which
    ``metrics`` are the means; () for a row without seeds."""

    name: str
    metrics: dict[str, float]
    marks: tuple[bool, ...] = ()
    seeds: tuple[Mapping[str, float], ...] = ()

    def values(self, key: str) -> list[float]:
        """The finite values of the seeds."""
        found = (one.get(key, math.nan) for one in self.seeds)
        return [value for value in found if math.isfinite(value)]


@dataclass(frozen=True)
class Cell:
    text: str
    bold: bool = False


@dataclass(frozen=True)
class Table:
    """columns: headers of the check marks, in the order of the rows' ``marks``. notes: further
    lines of the legend. directions: the metrics to print, and which way is better.

    ValueError if a row has another number of marks.
    """

    title: str
    rows: Sequence[Row]
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    directions: Mapping[str, int] = field(default_factory=lambda: DIRECTIONS)
    shown: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.marks) != len(self.columns):
                raise ValueError(f"{row.name}: {len(row.marks)} marks, not {len(self.columns)}")
        found = (key for key in self.directions if any(_known(row, key) for row in self.rows))
        object.__setattr__(self, "shown", tuple(found))

    def moves_like_people(self, row: Row) -> bool:
        """Whether FRVar and FRDvs are within 30 % of those of the GT row; False for the GT row
        itself and if a value is unknown."""
        real = next((other for other in self.rows if other.name == GT), None)
        if real is None or row.name == GT:
            return False
        if not all(_known(row, key) and _known(real, key) for key in LIVELY):
            return False
        return all(
            abs(row.metrics[key] - real.metrics[key]) <= TOLERANCE * abs(real.metrics[key])
            for key in LIVELY
        )

    def best(self, key: str) -> str | None:
        """A column's best value as printed, so that rows with equal text share it; None if no row
        is ranked, all are equal, or the seeds do not decide between the best two."""
        ranked = [row for row in self.rows if row.name not in UNRANKED and _known(row, key)]
        way = 0 if key in NEVER_BOLD else self.directions.get(key, 0)
        if len({number(row.metrics[key]) for row in ranked}) < 2 or not way:
            return None
        first, second, *_ = sorted(ranked, key=lambda row: -way * row.metrics[key])
        if first.seeds and second.seeds and not self.differ(key, first, second):
            return None
        return number(first.metrics[key])

    def differ(self, key: str, one: Row, other: Row) -> int:
        """1 if the first row is better in a column, -1 if it is worse, 0 if the two lie within
        their seeds' spread."""
        spread = pooled_deviation([row.values(key) for row in self.rows])
        if not decided(one.values(key), other.values(key), spread):
            return 0
        return self.directions[key] * (1 if one.metrics[key] > other.metrics[key] else -1)

    def headers(self) -> list[str]:
        return [*self.columns, "Method", *(f"{k}{ARROWS[self.directions[k]]}" for k in self.shown)]

    def cells(self) -> list[list[Cell]]:
        """One list per row, as long as ``headers``."""
        best = {key: self.best(key) for key in self.shown}
        lines = []
        for row in self.rows:
            name = f"{row.name} {DAGGER}" if self.moves_like_people(row) else row.name
            line = [Cell(CHECK if mark else "") for mark in row.marks] + [Cell(name)]
            for key in self.shown:
                text = number(row.metrics.get(key, math.nan))
                bold = row.name not in UNRANKED and text == best[key]
                if len(values := row.values(key)) > 1:
                    text += f" ±{half_range(values):.1g}"
                line.append(Cell(text, bold))
            lines.append(line)
        return lines

    def legend(self) -> list[str]:
        """One line for each mark that the table has; the dimensions that FRSyn leaves out; the
        notes."""
        lines = [LEGEND_BEST] if any(cell.bold for line in self.cells() for cell in line) else []
        lines += [LEGEND_LIVELY] * any(self.moves_like_people(row) for row in self.rows)
        still = [
            f"{row.name} {number(row.metrics[CONSTANT])}"
            for row in self.rows
            if _known(row, CONSTANT) and row.metrics[CONSTANT]
        ]
        if still:
            lines.append(f"{LEGEND_CONSTANT} {', '.join(still)}.")
        return [*lines, *self.notes]

    def markdown(self) -> str:
        """Title, table and legend."""
        sides = [":-:"] * len(self.columns) + [":--"] + ["--:"] * len(self.shown)
        lines = [self.headers(), sides]
        lines += [[f"**{c.text}**" if c.bold else c.text for c in line] for line in self.cells()]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return "\n\n".join([f"## {self.title}", table, *self.legend()]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Every measured value, unrounded, also those that are not printed; null for NaN."""
        rows = [
            {
                "name": row.name,
                "marks": dict(zip(self.columns, row.marks, strict=True)),
                "moves_like_people": self.moves_like_people(row),
                "metrics": {
                    key: row.metrics[key] if _known(row, key) else None for key in row.metrics
                },
                "seeds": [dict(one) for one in row.seeds],
                "best": [key for key, cell in self._printed(line) if cell.bold],
            }
            for row, line in zip(self.rows, self.cells(), strict=True)
        ]
        better = {key: {1: "up", -1: "down", 0: None}[self.directions[key]] for key in self.shown}
        return {"title": self.title, "better": better, "rows": rows, "legend": self.legend()}

    def save(self, stem: Path) -> None:
        """Write ``stem``.md, .json and .png, each atomically."""
        write_text(stem.with_name(stem.name + ".md"), self.markdown())
        write_text(stem.with_name(stem.name + ".json"), json.dumps(self.to_json(), indent=2) + "\n")
        draw_table(self, stem.with_name(stem.name + ".png"))

    def _printed(self, line: list[Cell]) -> list[tuple[str, Cell]]:
        return list(zip(self.shown, line[len(self.columns) + 1 :], strict=True))


def number(value: float) -> str:
    """Four significant digits; '-' for NaN and infinity."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    exact = float(f"{value:.{DIGITS - 1}e}")
    size = math.floor(math.log10(abs(exact)))
    if size < -4:
        return f"{value:.{DIGITS - 1}e}"
    return f"{exact:.{max(0, DIGITS - 1 - size)}f}"


def draw_table(table: Table, path: Path) -> None:
    """The table as PNG, with rules above and below as in print."""
    head = [Cell(text) for text in table.headers()]
    lines = table.cells()
    widths = [
        LETTER_IN * max(len(line[i].text) for line in [head, *lines]) + PADDING_IN
        for i in range(len(head))
    ]
    width = max(sum(widths), LETTER_IN * len(table.title) * 1.2) + PADDING_IN
    wrap = textwrap.TextWrapper(int((width - PADDING_IN) / LETTER_IN))
    legend = [line for note in table.legend() for line in wrap.wrap(note)]
    height = LINE_IN * (len(lines) + len(legend) + 1) + 2 * PADDING_IN
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()

    def write(line: list[Cell], y: float, heavy: bool = False) -> None:
        left = PADDING_IN / 2
        for index, (cell, room) in enumerate(zip(line, widths, strict=True)):
            marks = len(table.columns)
            side, x = "right", left + room - PADDING_IN / 2
            if index <= marks:
                side, x = ("left", left) if index == marks else ("center", left + room / 2)
            weight = "bold" if cell.bold or heavy else "normal"
            axes.text(x, y, cell.text, ha=side, va="center", fontsize=9.5, weight=weight)
            left += room

    y = PADDING_IN
    axes.text(PADDING_IN / 2, y, table.title, va="center", fontsize=11, weight="bold")
    edges = (PADDING_IN / 2, PADDING_IN / 2 + sum(widths))
    for index, line in enumerate([head, *lines]):
        y += LINE_IN
        write(line, y)
        if index in (0, len(lines)):
            axes.plot(edges, [y + LINE_IN / 2] * 2, color="black", linewidth=0.8)
    axes.plot(edges, [PADDING_IN + LINE_IN / 2] * 2, color="black", linewidth=1.2)
    for note in legend:
        y += LINE_IN
        axes.text(PADDING_IN / 2, y + 0.06, note, va="center", fontsize=8.5, color="0.3")
    save_figure(figure, path)


def _known(row: Row, key: str) -> bool:
    return math.isfinite(row.metrics.get(key, math.nan))
