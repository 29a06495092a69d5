"""What an ablation's table says of each row against the full model."""

from collections.abc import Sequence

from reactface_node.research.evaluation.table import RANKED, Row, Table

FULL = "full"
SEEDLESS = "One seed: nothing is decided."
LEGEND = (
    "± is half the range of {} seeds. Undecided: the two rows lie within their seeds' spread, that "
    "is, the ranges overlap or the means are within two standard errors."
)


def notes(table: Table) -> tuple[str, ...]:
    """The lines below a table of rows with several seeds: how to read it, and for each row in
    which columns the full model is better, worse, or undecided."""
    seeds = min((len(row.seeds) for row in table.rows if row.seeds), default=0)
    if seeds < 2:
        return (SEEDLESS,)
    full = next((row for row in table.rows if row.name == FULL), table.rows[-1])
    others = [row for row in table.rows if row.seeds and row is not full]
    return (LEGEND.format(seeds), *(_verdict(table, full, row) for row in others))


def _verdict(table: Table, full: Row, other: Row) -> str:
    ranked = [key for key in table.shown if key in RANKED]
    better = [key for key in ranked if table.differ(key, full, other) > 0]
    worse = [key for key in ranked if table.differ(key, full, other) < 0]
    rest = [key for key in ranked if key not in (*better, *worse)]
    found = {"better": better, "worse": worse, "undecided": rest}
    parts = [f"{word} in {_joined(keys)}" for word, keys in found.items() if keys]
    return f"{full.name} against {other.name}: {'; '.join(parts)}."


def _joined(keys: Sequence[str]) -> str:
    return ", ".join(keys)
