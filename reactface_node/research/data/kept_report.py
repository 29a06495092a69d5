"""The report of a conversion: what became clips, what did not, and why.

``OUT/SPLIT-report.md`` with the picture ``SPLIT-report.svg``; ``SPLIT-report.csv`` has a row for
each clip and each part that was left out.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from reactface_node.files.whole import write_text

SHOWN = 200
"""Most conversations in the page's table; the csv has all."""
DRAWN, ROW_PX, WIDE_PX, LEFT_PX = 40, 22, 720, 220
COLOURS = ("#b0413e", "#d99a3c", "#6a5acd", "#7a7a7a", "#c06090", "#4f81bd", "#8c6d46")
KEPT = "#2a9d8f"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class FloorPart:
    """A part of a conversation in which ``speaker`` has the floor. name: of the clip that it
    became; '' if it was left out for ``reason``."""

    talk: str
    speaker: str
    listener: str
    start_s: float
    end_s: float
    name: str = ""
    reason: str = ""

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s

    @property
    def why(self) -> str:
        """The reason without the person's name before it and numbers in brackets after it."""
        return re.sub(r" \([^()]*\)$", "", self.reason).rpartition(": ")[2]


@dataclass(frozen=True)
class Kept:
    """What a report tells. parts: in order of conversations. lengths_s: of each conversation.
    left_out: (conversation, reason) of those that were not used at all. notes: further lines. what:
    what the parts are of."""

    title: str
    parts: Sequence[FloorPart]
    lengths_s: dict[str, float]
    left_out: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    what: str = "in which one of two has the floor"


def write_report(kept: Kept, out: Path, split: str) -> Path:
    """Write the three files and return the page's path. UserError if they cannot be written."""
    page = out / f"{split}-report.md"
    write_text(page.with_suffix(".svg"), _writable(_picture(kept)))
    write_text(page.with_suffix(".csv"), _writable(_table(kept.parts)))
    write_text(page, _writable("\n".join(_page(kept, page.stem)) + "\n"))
    return page


def _writable(text: str) -> str:
    """Without what names may hold and text files may not, but with its numbers: bytes that are no
    UTF-8, and control characters, which make a picture unreadable."""
    known = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", known)


def summary(kept: Kept) -> str:
    """One line: how much was kept."""
    clips = [part for part in kept.parts if part.name]
    held_s = sum(part.seconds for part in kept.parts)
    total_s = sum(kept.lengths_s.values())
    return (
        f"{len(clips)} clips, {_time(sum(part.seconds for part in clips))} of {_time(held_s)} "
        f"{kept.what}, in {len(kept.lengths_s)} conversations of {_time(total_s)}; "
        f"{len(kept.left_out)} conversations left out"
    )


def _page(kept: Kept, stem: str) -> Iterator[str]:
    yield from (f"# {kept.title}", "", summary(kept) + ".", "")
    yield from (f"![What was kept, over time]({stem}.svg)", "")
    yield from _totals(kept)
    yield from (line for note in kept.notes for line in (note, ""))
    yield from _conversations(kept)
    if kept.left_out:
        yield from ("## Conversations that were left out", "")
        yield from ("| conversation | why |", "| --- | --- |")
        for talk, reason in kept.left_out[:SHOWN]:
            yield f"| {_cell(talk)} | {_cell(reason)} |"
        yield from _more(len(kept.left_out))
    yield f"Each clip, and each part that was left out, is a row of [{stem}.csv]({stem}.csv)."


def _totals(kept: Kept) -> Iterator[str]:
    seconds = _seconds(("kept" if part.name else part.why, part) for part in kept.parts)
    whole = sum(seconds.values()) or 1.0
    yield from ("| outcome | time | share |", "| --- | --- | --- |")
    for reason, total in sorted(seconds.items(), key=lambda one: (one[0] != "kept", -one[1])):
        said = reason if reason == "kept" else f"left out: {reason}"
        yield f"| {_cell(said)} | {_time(total)} | {total / whole:.1%} |"
    yield ""


def _conversations(kept: Kept) -> Iterator[str]:
    yield from ("| conversation | length | clips | kept | left out |", "| --- " * 5 + "|")
    by_talk: dict[str, list[FloorPart]] = {talk: [] for talk in kept.lengths_s}
    for part in kept.parts:
        by_talk[part.talk].append(part)
    for talk, parts in list(by_talk.items())[:SHOWN]:
        clips = [part for part in parts if part.name]
        reasons = _seconds((part.reason, part) for part in parts if not part.name)
        longest = sorted(reasons.items(), key=lambda one: -one[1])
        said = "; ".join(f"{_time(total)} {why}" for why, total in longest)
        kept_s = sum(part.seconds for part in clips)
        yield (
            f"| {_cell(talk)} | {_time(kept.lengths_s[talk])} | {len(clips)} | {_time(kept_s)} | "
            f"{_cell(said)} |"
        )
    yield ""
    yield from _more(len(by_talk))


def _seconds(named: Iterable[tuple[str, FloorPart]]) -> dict[str, float]:
    """The lengths of parts, added up by name."""
    found: dict[str, float] = {}
    for name, part in named:
        found[name] = found.get(name, 0.0) + part.seconds
    return found


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield from (f"And {count - SHOWN} more.", "")


def _table(parts: Iterable[FloorPart]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["conversation", "speaker", "listener", "start_s", "end_s", "clip", "left_out"])
    for part in parts:
        times = f"{part.start_s:.2f}", f"{part.end_s:.2f}"
        rows.writerow([part.talk, part.speaker, part.listener, *times, part.name, part.reason])
    return text.getvalue()


def _picture(kept: Kept) -> str:
    """Two lanes a conversation, the upper for the first speaker; coloured where one has the
    floor."""
    talks = list(kept.lengths_s)[:DRAWN]
    ends_s = [part.end_s for part in kept.parts if part.talk in talks]
    longest_s = max([*(kept.lengths_s[talk] for talk in talks), *ends_s], default=0.0) or 1.0
    reasons = list(dict.fromkeys(part.why for part in kept.parts if not part.name))
    colours = {reason: COLOURS[k % len(COLOURS)] for k, reason in enumerate(reasons)}
    legend = {"kept": KEPT, **colours}
    height = ROW_PX * (len(talks) + len(legend)) + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT_PX + WIDE_PX + 20}" '
        f'height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="{height}" fill="white"/>',
    ]
    for row, talk in enumerate(talks):
        top = 10 + row * ROW_PX
        wide = WIDE_PX * kept.lengths_s[talk] / longest_s
        lines.append(f'<text x="4" y="{top + 13}">{escape(_short(talk))}</text>')
        lines.append(_box(LEFT_PX, top, wide, ROW_PX - 4, "#e8e8e8", talk))
        parts = [part for part in kept.parts if part.talk == talk]
        people = list(dict.fromkeys(part.speaker for part in parts))
        for part in parts:
            left = LEFT_PX + WIDE_PX * part.start_s / longest_s
            lane = top + (ROW_PX - 4) / 2 * min(people.index(part.speaker), 1)
            colour = KEPT if part.name else colours[part.why]
            said = part.name or f"{part.speaker}: {part.reason}"
            wide = WIDE_PX * part.seconds / longest_s
            lines.append(_box(left, lane, wide, (ROW_PX - 4) / 2, colour, said))
    for row, (said, colour) in enumerate(legend.items(), len(talks)):
        top = 10 + row * ROW_PX
        lines.append(_box(LEFT_PX, top + 4, 12, 12, colour, said))
        lines.append(f'<text x="{LEFT_PX + 18}" y="{top + 14}">{escape(said)}</text>')
    return "\n".join([*lines, "</svg>\n"])


def _box(left: float, top: float, wide: float, high: float, colour: str, said: str) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" '
        f'fill="{colour}"><title>{escape(said)}</title></rect>'
    )


def _short(text: str, most: int = 34) -> str:
    return text if len(text) <= most else f"...{text[3 - most :]}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
