"""``reactface evaluate --people``: a listener beside the statistics of people."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reactface_node.config import Config
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import write_text
from reactface_node.research.evaluation.affect import measure_affect
from reactface_node.research.evaluation.human import (
    AFFECT,
    LISTENER,
    SITUATIONS,
    SPEAKER,
    Statistic,
)
from reactface_node.research.evaluation.listening import clip_meetings, situation_meetings
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.people import measure_people, measure_speakers
from reactface_node.research.evaluation.probes import ProbeResult
from reactface_node.research.evaluation.situation_measures import (
    alone_with_a_voice,
    at_a_still_face,
    same_seed,
)
from reactface_node.research.evaluation.situations import (
    dyads,
    laughing_voice,
    still_face,
    voice_alone,
)

SYNTHETIC, CLIPS = "synthetic", "clips"
COLUMNS = (SYNTHETIC, CLIPS)
DYAD_S = 60.0
TITLE_WIDTH, VALUE_WIDTH, PEOPLE_WIDTH, ASKED_WIDTH = 49, 9, 15, 15


@dataclass(frozen=True)
class PeopleChoice:
    """folder: of clips, None for none. seeds: sessions of seeds 0 to seeds - 1. samples: listeners
    of each seed on synthetic speakers. clips: synthetic speakers of each seed."""

    folder: Path | None = None
    seeds: int = 3
    samples: int = 10
    clips: int = 6


@dataclass(frozen=True)
class PeopleRow:
    """values: by column; without a column where it has nothing to measure."""

    statistic: Statistic
    values: Mapping[str, float]

    @property
    def judged(self) -> str:
        """The column by which the row passes or fails."""
        order = (CLIPS, SYNTHETIC) if self.statistic.of_clips else (SYNTHETIC, CLIPS)
        return next(column for column in order if column in self.values)

    @property
    def passed(self) -> bool:
        return self.statistic.holds(self.values[self.judged])

    def line(self) -> str:
        one = self.statistic
        mark = "ok" if self.passed else "no"
        cells = [
            _number(self.values[column]) + ("*" if column == self.judged else " ")
            if column in self.values
            else ""
            for column in COLUMNS
        ]
        return _line(
            mark, f"{one.title}, {one.unit}".rstrip(", "), cells, one.people, _asked(one)
        ) + (one.source)

    def to_json(self) -> dict[str, Any]:
        found = {
            column: value if math.isfinite(value) else None for column, value in self.values.items()
        }
        return asdict(self.statistic) | {
            "values": found,
            "judged": self.judged,
            "passed": self.passed,
        }

    def as_probe(self) -> ProbeResult:
        one = self.statistic
        name = f"people: {one.title} ({self.judged})"
        return ProbeResult(name, self.values[self.judged], one.unit, one.low, one.high)


@dataclass(frozen=True)
class PeopleTable:
    """Rows in the order of ``human``; those that nothing was measured for are left out."""

    rows: Sequence[PeopleRow]

    def met(self) -> tuple[list[int], list[int]]:
        """Numbers of the rows on listeners in the table of human statistics whose lines all hold,
        and of the others."""
        numbers = sorted({row.statistic.row for row in self.rows if row.statistic in LISTENER})
        failed = {row.statistic.row for row in self.rows if not row.passed}
        return [n for n in numbers if n not in failed], [n for n in numbers if n in failed]

    @property
    def passed(self) -> bool:
        return all(row.passed for row in self.rows)

    def text(self) -> str:
        """A header, one line a row that begins with ok or no, and a summary."""
        head = _line("  ", "", COLUMNS, "people", "asked") + "source"
        good, bad = self.met()
        held = sum(row.passed for row in self.rows)
        summary = [
            "*: the column that decides. A distribution of people is 10/50/90 %.",
            f"{held} of {len(self.rows)} lines hold",
            f"{len(good)} of {len(good) + len(bad)} rows on listeners hold with all their lines; "
            f"the others: {', '.join(map(str, bad)) or 'none'}",
        ]
        return "\n".join([head, *(row.line() for row in self.rows), *summary])

    def to_json(self) -> dict[str, Any]:
        good, bad = self.met()
        return {
            "title": "Human statistics",
            "rows": [row.to_json() for row in self.rows],
            "rows_met": good,
            "rows_failed": bad,
        }

    def save(self, stem: Path) -> None:
        """Write ``stem``.json and ``stem``.txt, each atomically."""
        write_text(stem.with_suffix(".json"), json.dumps(self.to_json(), indent=2) + "\n")
        write_text(stem.with_suffix(".txt"), self.text() + "\n")


def compare_with_people(config: Config, choice: PeopleChoice) -> PeopleTable:
    """The table of a config's listener. UserError if its model cannot run in a session, or a clip
    cannot be read."""
    # The clips first: a bad one is then said at once.
    clips = clip_meetings(config, choice.seeds, choice.folder) if choice.folder else []
    made = list(_made(config, choice))
    values = {SYNTHETIC: made_values(made), CLIPS: clip_values(clips)}
    return PeopleTable(table_rows(values))


def table_rows(values: Mapping[str, Mapping[str, float]]) -> list[PeopleRow]:
    """values: numbers by the keys of the statistics, by column."""
    rows = []
    for statistic in (*LISTENER, *SPEAKER, *AFFECT, *SITUATIONS):
        found = {
            column: known[statistic.key]
            for column, known in values.items()
            if statistic.key in known
        }
        if found:
            rows.append(PeopleRow(statistic, found))
    return rows


@dataclass(frozen=True, eq=False)
class Made:
    """The meetings of one seed: with synthetic dyads, a still face, a voice and a laughing one."""

    dyads: list[Meeting]
    still: Meeting
    voice: Meeting
    laughing: Meeting


def made_values(made: Sequence[Made]) -> dict[str, float]:
    """All measures of meetings with synthetic speakers."""
    met = [meeting for one in made for meeting in one.dyads]
    return {
        **measure_people(met),
        **measure_speakers(met),
        **measure_affect(met),
        **at_a_still_face([one.still for one in made]),
        **alone_with_a_voice([one.voice for one in made], [one.laughing for one in made]),
        **same_seed(met),
    }


def clip_values(clips: Sequence[Meeting]) -> dict[str, float]:
    """All measures of meetings with clips; none without a clip."""
    if not clips:
        return {}
    return {**measure_people(clips), **measure_affect(clips), **same_seed(clips)}


def _made(config: Config, choice: PeopleChoice) -> Iterator[Made]:
    """The synthetic meetings, seed by seed; each seed has other speakers."""
    for seed in ProgressBar(range(choice.seeds), "listening", unit="seed", leave=False):
        first = seed * choice.clips
        situations = [
            *dyads(config.training.seed, first, choice.clips, DYAD_S),
            still_face(),
            voice_alone(seed),
            laughing_voice(seed),
        ]
        *met, still, voice, laughing = situation_meetings(config, seed, choice.samples, situations)
        yield Made(met, still, voice, laughing)


def _line(mark: str, title: str, cells: Sequence[str], people: str, asked: str) -> str:
    values = "".join(f"{cell:>{VALUE_WIDTH}}" for cell in cells)
    return f"{mark} {title:<{TITLE_WIDTH}}{values}  {people:<{PEOPLE_WIDTH}}{asked:<{ASKED_WIDTH}}"


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "-"


def _asked(one: Statistic) -> str:
    if one.low is None or one.high is None:
        sign, limit = ("<=", one.high) if one.low is None else (">=", one.low)
        return f"{sign} {limit:.3g}"
    return f"{one.low:.3g} to {one.high:.3g}"
