"""The counts and faults of a campaign, and the table that it prints."""

import re
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPORTED = 3
"""Inputs of one kind of fault that are saved; the others are counted."""


@dataclass
class Fault:
    """A kind of fault: how often it came, and the command that repeats the first one."""

    part: str
    reason: str
    command: str
    trace: str
    times: int = 0


class Tally:
    """Counts of outcomes, and faults without repetition. folder: where failing inputs go."""

    def __init__(self, folder: Path) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.facts: dict[str, dict[str, str]] = {}
        self.faults: dict[tuple[str, str], Fault] = {}
        self._folder = folder
        self._began_s = time.monotonic()

    def count(self, part: str, outcome: str, by: int = 1) -> None:
        self.counts.setdefault(part, Counter())[outcome] += by

    def fact(self, part: str, **values: object) -> None:
        """Numbers of a part, such as its longest gap."""
        self.facts.setdefault(part, {}).update({k: str(v) for k, v in values.items()})

    def fault(
        self, part: str, reason: str, command: str, trace: str = "", data: bytes | None = None
    ) -> None:
        """Something that must not happen; data: the input, which is saved."""
        self.count(part, "FAULT")
        # Numbers, names and addresses differ between faults of one kind.
        kind = _place(trace) or re.sub(r"0x[0-9a-f]+|'.*?'|[-\d.]+", "N", reason)[:60]
        found = self.faults.setdefault((part, kind), Fault(part, reason[:300], command, trace))
        found.times += 1
        if found.times > REPORTED:
            return
        number = list(self.faults).index((part, kind))
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = self._folder / f"{part.replace(' ', '-')}-{number}-{found.times}"
        if data is not None:
            stem.with_suffix(".bin").write_bytes(data)
        text = f"{command}\n{reason}\n{trace}"
        stem.with_suffix(".txt").write_text(text, encoding="utf-8", errors="backslashreplace")
        print(f"FAULT {part}: {reason[:200]}\n  repeat: {command}", file=sys.stderr, flush=True)

    def table(self) -> str:
        """Totals by part, then every kind of fault once."""
        lines = [f"{'part':<18} {'outcome':<28} {'number':>10}"]
        for part, counts in self.counts.items():
            for outcome, number in sorted(counts.items()):
                lines.append(f"{part:<18} {outcome:<28} {number:>10,}")
        for part, facts in self.facts.items():
            lines += [f"{part:<18} {name:<28} {value}" for name, value in facts.items()]
        lines.append(
            f"kinds of faults: {len(self.faults)}; {time.monotonic() - self._began_s:.0f} s"
        )
        for fault in self.faults.values():
            lines.append(
                f"- {fault.part}, {fault.times} times: {fault.reason[:160]}"
                f"{_place(fault.trace)}\n  repeat: {fault.command}"
            )
        return "\n".join(lines)


def trace_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def reason_of(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _place(trace: str) -> str:
    """The exception, and the innermost function of the package, of a traceback."""
    found = re.findall(r'File ".*?reactface_node/([\w/]+\.py)", line \d+, in (\w+)', trace)
    raised = re.findall(r"^(\w[\w.]*)(?::|$)", trace, re.MULTILINE)
    return f" [{raised[-1] if raised else ''} in {found[-1][0]}:{found[-1][1]}]" if found else ""
