"""Table 8 of the paper: how often people prefer ours, from the answers to the survey."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files.text import read_json, shown

QUESTIONS = ("realism", "diversity", "appropriateness", "synchrony")
HEADERS = ("Ours vs. competitor", "Realism", "Diversity", "Appropriateness", "Sync")
Z_95 = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Preference:
    """How often ours was chosen: share of the answers, and share of the people.

    A person whose answers are split evenly counts as half.
    """

    ours: int
    answers: int
    people_for_ours: float
    people: int

    @property
    def percent(self) -> float:
        return 100.0 * self.ours / self.answers

    @property
    def people_percent(self) -> float:
        return 100.0 * self.people_for_ours / self.people


Table8 = dict[str, dict[str, Preference]]  # competitor -> question -> preference


def tally(answer_files: Sequence[Path], key: Path) -> Table8:
    """Table 8: how often ours was preferred, by competitor and question.

    answer_files: the files that participants downloaded from the page. UserError, with the file's
    name, if an answer file is broken, unfinished, of another survey, or of a person who is in
    another file too, or if the key does not give the competitor and our side of every pair.
    """
    if not answer_files:
        raise UserError("there are no answer files to count")
    methods = _key(key)
    people: dict[str, Path] = {}
    votes: dict[tuple[str, str], list[list[bool]]] = {}
    for path in answer_files:
        person, answers = _answers(path, methods, key)
        if person in people:
            raise UserError(f"participant '{person}' is in two files: {people[person]} and {path}")
        people[person] = path
        for cell, chosen in answers.items():
            votes.setdefault(cell, []).append(chosen)
    table: Table8 = {}
    for (competitor, question), by_person in votes.items():
        table.setdefault(competitor, {})[question] = _preference(by_person)
    return table


def _key(path: Path) -> dict[str, Any]:
    """survey: its name. pairs by name, each with its competitor and the side of ours, x or y."""
    key = _read(path)
    pairs = key.get("pairs")
    if not isinstance(pairs, dict) or not isinstance(key.get("survey"), str):
        raise UserError(f"{path} is no key of a survey")
    if not pairs:
        raise UserError(f"{path} holds no pairs: there is nothing to count")
    for name, pair in pairs.items():
        known = pair if isinstance(pair, dict) else {}
        competitor = known.get("competitor")
        if not isinstance(competitor, str) or not competitor or known.get("ours") not in ("x", "y"):
            raise UserError(
                f"{path} is damaged: pair {name} names no competitor, or ours not x or y"
            )
    return key


def _preference(by_person: Sequence[Sequence[bool]]) -> Preference:
    shares = [sum(chosen) / len(chosen) for chosen in by_person]
    people_for_ours = sum(1.0 if s > 0.5 else 0.5 if s == 0.5 else 0.0 for s in shares)
    ours, answers = sum(map(sum, by_person)), sum(map(len, by_person))
    return Preference(ours, answers, people_for_ours, len(by_person))


def _answers(
    path: Path, methods: Mapping[str, Any], key: Path
) -> tuple[str, dict[tuple[str, str], list[bool]]]:
    """The participant, and for (competitor, question) whether ours was chosen, pair by pair."""
    given = _read(path)
    person, pairs = given.get("participant"), given.get("pairs")
    # Blanks around a participant's number are ignored: files are edited by hand.
    person = person.strip() if isinstance(person, str) else ""
    if not person or not isinstance(pairs, list):
        raise UserError(f"{path} holds no answers of a survey")
    if given.get("survey") != methods["survey"]:
        raise UserError(f"{path} answers another survey than the one of {key}")
    chosen: dict[tuple[str, str], list[bool]] = {}
    seen = set()
    for pair in pairs:
        name = pair.get("pair") if isinstance(pair, dict) else None
        known = methods["pairs"].get(name) if isinstance(name, str) else None
        if known is None or name in seen:
            raise UserError(f"{path}: pair {shown(name)} is not in {key}, or is there twice")
        seen.add(name)
        for question in QUESTIONS:
            choice, side_a = pair.get(question), pair.get("a")
            if choice not in ("A", "B") or side_a not in ("x", "y"):
                raise UserError(f"{path}: pair {name} has no answer A or B to '{question}'")
            ours_is_a = known["ours"] == side_a
            cell = chosen.setdefault((known["competitor"], question), [])
            cell.append(ours_is_a == (choice == "A"))
    if len(seen) < len(methods["pairs"]):
        raise UserError(f"{path} answers {len(seen)} of {len(methods['pairs'])} pairs")
    return person, chosen


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except UserError as error:
        raise UserError(f"{path} cannot be read as answers or key of a survey: {error}") from error


def wilson_percent(chosen: int, answers: int) -> tuple[float, float]:
    """95 % interval of a share, in percent (Wilson 1927, without continuity correction)."""
    share, z2 = chosen / answers, Z_95**2
    centre = share + z2 / (2 * answers)
    half = Z_95 * math.sqrt(share * (1 - share) / answers + z2 / (4 * answers**2))
    scale = 100.0 / (1 + z2 / answers)
    return max(0.0, (centre - half) * scale), min(100.0, (centre + half) * scale)


def to_json(table: Table8) -> dict[str, Any]:
    return {
        competitor: {
            question: {
                "ours": cell.ours,
                "answers": cell.answers,
                "percent": cell.percent,
                "wilson_95_percent": list(wilson_percent(cell.ours, cell.answers)),
                "people": cell.people,
                "people_percent": cell.people_percent,
            }
            for question, cell in cells.items()
        }
        for competitor, cells in table.items()
    }


def markdown(table: Table8) -> str:
    """Shares of answers with intervals, then shares of people, which the paper's Table 8 has (41
    people)."""
    answers, people = [], []
    for competitor, cells in table.items():
        row = [cells[question] for question in QUESTIONS]
        limits = [wilson_percent(cell.ours, cell.answers) for cell in row]
        shown = [
            f"{cell.percent:.2f}% [{low:.1f}, {high:.1f}]"
            for cell, (low, high) in zip(row, limits, strict=True)
        ]
        answers.append([f"Ours vs. {competitor}", *shown, str(row[0].answers)])
        shown = [f"{cell.people_percent:.2f}%" for cell in row]
        people.append([f"Ours vs. {competitor}", *shown, str(row[0].people)])
    return (
        "**Preference for ours, of all answers, with 95 % Wilson interval**\n\n"
        f"{_rows('Answers', answers)}\n"
        "Answers of one person are not independent, so the true interval is wider.\n\n"
        "**People who preferred ours in most of their pairs (a tie is half a person)**\n\n"
        f"{_rows('People', people)}"
    )


def _rows(count: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [[*HEADERS, count], ["---"] * (len(HEADERS) + 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
