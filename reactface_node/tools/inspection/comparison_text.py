"""A comparison of finders as tables of text, at most 100 columns wide."""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from reactface_node.schema import COEFFICIENT_NAMES, NUM_EXPRESSION
from reactface_node.tools.inspection.agreement import CHANNELS
from reactface_node.tools.inspection.comparison import ClipFinding, Comparison, StillCase
from reactface_node.tools.inspection.label_shares import CALLED, SLIGHT
from reactface_node.tools.inspection.report import plain

NAME_COLUMNS = 18
WIDTH = 100


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """What ``json.dumps`` takes; the still images' arrays are by coefficient name."""
    values = dataclasses.asdict(comparison)
    for case in values["still"]:
        given = case.pop("given")
        for name in ("highest", "noise"):
            case[name] = {
                coefficient: float(value)
                for coefficient, value, is_known in zip(
                    COEFFICIENT_NAMES, case[name], given, strict=True
                )
                if is_known
            }
    result: dict[str, Any] = plain(values)
    return result


def comparison_text(comparison: Comparison) -> str:
    """For the person at the terminal."""
    sections = (
        ("clips", _clip_lines(comparison)),
        ("blinks, seconds", _blink_lines(comparison)),
        *_channel_sections(comparison),
        ("head: changes over 0.4 s against those of a head transform", _head_lines(comparison)),
        (
            "one image held still: highest value on neutral faces; noise (deviation with a "
            "camera's noise)",
            _still_lines(comparison),
        ),
        (
            f"labels: share of their time called a smile, a frown, an open jaw (over {CALLED}; "
            f"slight: {SLIGHT})",
            _kind_lines(comparison),
        ),
        (
            f"labelled smiles: time to the first smile over {CALLED}, share over it, mean",
            _smile_lines(comparison),
        ),
        ("left out", list(comparison.left_out)),
        ("contact sheets", _wrapped(comparison.sheets)),
    )
    lines: list[str] = []
    for title, body in sections:
        if body:
            lines += [*([""] if lines else []), title, *(f"  {line}" for line in body)]
    return "\n".join(lines)


def _clip_lines(comparison: Comparison) -> list[str]:
    lines = [
        f"{'clip':{NAME_COLUMNS}} {'finder':8} {'seconds':>7} {'images':>6} {'size':>9} "
        f"{'found':>6} {'lost':>4} {'without':>8} {'people':>6} {'cpu ms':>6}"
    ]
    for one in comparison.clips:
        size = f"{one.width}x{one.height}"
        lines.append(
            f"{_cut(one.clip)} {one.finder:8} {one.duration_s:7.1f} {one.images:6d} {size:>9} "
            f"{one.found:6.1%} {one.lost:4d} {one.longest_without_s:6.1f} s {one.people:6d} "
            f"{_number(one.cpu_ms, '6.1f')}"
        )
    for finder in comparison.finders:
        of_it = [one for one in comparison.clips if one.finder == finder]
        images = sum(one.images for one in of_it)
        found = sum(one.found * one.images for one in of_it) / images
        lines.append(
            f"{'all':{NAME_COLUMNS}} {finder:8} {sum(one.duration_s for one in of_it):7.1f} "
            f"{images:6d} {'':9} {found:6.1%} {sum(one.lost for one in of_it):4d} "
            f"{max(one.longest_without_s for one in of_it):6.1f} s "
            f"{sum(one.people for one in of_it):6d} {_number(_mean_cpu_ms(of_it), '6.1f')}"
        )
    return lines


def _mean_cpu_ms(findings: Sequence[ClipFinding]) -> float | None:
    known = [(one.cpu_ms, one.images) for one in findings if one.cpu_ms is not None]
    if not known:
        return None
    return sum(cpu_ms * images for cpu_ms, images in known) / sum(images for _, images in known)


def _blink_lines(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for one in comparison.clips:
        labelled = ""
        if one.blinks_expected is not None:
            labelled = f", {one.blinks_matched} of {one.blinks_expected} labelled"
        times = [f"{time_s:.1f}" for time_s in one.blinks_s]
        head = f"{_cut(one.clip)} {one.finder:8} {len(times):3d}{labelled}"
        lines += _wrapped(times, head)
    return lines


def _channel_sections(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    for (first, second), rows in groupby(comparison.channels, lambda row: (row.first, row.second)):
        lines = [
            f"{'channel':{NAME_COLUMNS}} {'images':>7} {'correlation':>12} {'slope':>7} "
            f"{'difference':>11}"
        ]
        for row in rows:
            found = row.agreement
            lines.append(
                f"{row.channel:{NAME_COLUMNS}} {found.n:7d} {_number(found.correlation, '12.2f')} "
                f"{_number(found.slope, '7.2f')} {_number(found.difference, '+11.3f')}"
            )
        yield f"channels: {second} against {first} (slope of its line, mean difference)", lines


def _head_lines(comparison: Comparison) -> list[str]:
    if not comparison.head:
        return []
    lines = [f"{'angle':6} {'finder':8} {'transform of':12} {'correlation':>12} {'slope':>7}"]
    for row in comparison.head:
        lines.append(
            f"{row.axis:6} {row.finder:8} {row.reference:12} "
            f"{_number(row.agreement.correlation, '12.2f')} {_number(row.agreement.slope, '7.2f')}"
        )
    return lines


def _still_lines(comparison: Comparison) -> list[str]:
    if not comparison.still:
        return []
    finders = comparison.finders
    titles = "".join(f" {finder:>7}{'':18}" for finder in finders)
    heads = "".join(f" {'highest':>7} {'in':10} {'noise':>6}" for _ in finders)
    lines = [f"{'':{NAME_COLUMNS}}{titles}".rstrip(), f"{'channel':{NAME_COLUMNS}}{heads}"]
    for channel, at in CHANNELS.items():
        cells = [_still_cell(comparison.still, finder, list(at)) for finder in finders]
        if at[0] < NUM_EXPRESSION and any(cell.strip(" -") for cell in cells):
            lines.append(f"{channel:{NAME_COLUMNS}}{''.join(cells)}")
    chosen = {
        case.clip: f"{case.clip} {case.time_s:.1f} s{'' if case.is_neutral else ' (not labelled)'}"
        for case in comparison.still
    }
    return lines + _wrapped(list(chosen.values()), "images:")


def _still_cell(cases: Sequence[StillCase], finder: str, at: list[int]) -> str:
    """The worst of all clips; the highest value only of those whose image is labelled neutral."""
    of_it = [case for case in cases if case.finder == finder and case.given[at].all()]
    if not of_it:
        return f" {'-':>7} {'':10} {'-':>6}"
    noise = f"{max(float(case.noise[at].max()) for case in of_it):6.3f}"
    neutral = [case for case in of_it if case.is_neutral]
    if not neutral:
        return f" {'-':>7} {'':10} {noise}"
    worst = max(neutral, key=lambda case: float(case.highest[at].max()))
    return f" {worst.highest[at].max():7.2f} {worst.clip[:10]:10} {noise}"


def _kind_lines(comparison: Comparison) -> list[str]:
    if not comparison.kinds:
        return []
    lines = [
        f"{'kind':{NAME_COLUMNS}} {'seconds':>7} {'finder':8} {'found':>6} {'smile':>6} "
        f"{'slight':>6} {'highest':>7} {'frown':>6} {'jaw':>6}  told as"
    ]
    for row in comparison.kinds:
        lines.append(
            f"{row.kind:{NAME_COLUMNS}} {row.seconds:7.1f} {row.finder:8} {row.found:6.1%} "
            f"{row.smile:6.1%} {row.slight_smile:6.1%} {row.highest_smile:7.2f} {row.frown:6.1%} "
            f"{row.jaw:6.1%}  {row.told} {row.told_share:.0%}"
        )
    return lines


def _smile_lines(comparison: Comparison) -> list[str]:
    if not comparison.smiles:
        return []
    lines = [
        f"{'clip':{NAME_COLUMNS}} {'from':>6} {'to':>6} {'finder':8} {'onset':>7} {'share':>6} "
        f"{'mean':>5}"
    ]
    for row in comparison.smiles:
        onset = "never" if row.onset_s is None else f"{row.onset_s:.2f} s"
        lines.append(
            f"{_cut(row.clip)} {row.start_s:6.1f} {row.end_s:6.1f} {row.finder:8} {onset:>7} "
            f"{row.share:6.1%} {row.mean:5.2f}"
        )
    return lines


def _cut(name: str) -> str:
    return f"{name[:NAME_COLUMNS]:{NAME_COLUMNS}}"


def _number(value: float | None, form: str) -> str:
    width = int("".join(c for c in form.split(".")[0] if c.isdigit()))
    return f"{'?':>{width}}" if value is None or not np.isfinite(value) else format(value, form)


def _wrapped(words: Sequence[str], head: str = "") -> list[str]:
    """Words on as many lines as they need, after ``head`` on the first."""
    lines, line = [], head
    for word in words:
        joined = f"{line}  {word}" if line else word
        if line and len(joined) > WIDTH - 2:
            lines.append(line)
            joined = " " * (min(len(head), 2)) + word
        line = joined
    return [*lines, line] if line else lines
