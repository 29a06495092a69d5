"""The result of one check."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """name: what was checked. fact: what was found. cure: what the user can do; '' if ok."""

    level: Level
    name: str
    fact: str
    cure: str = ""

    def line(self) -> str:
        """One line of text."""
        text = f"{self.level:4}  {self.name}: {self.fact}" + (
            f" -> {self.cure}" if self.cure else ""
        )
        return " ".join(text.splitlines())


def ok(name: str, fact: str) -> Finding:
    return Finding("ok", name, fact)


def warn(name: str, fact: str, cure: str) -> Finding:
    return Finding("warn", name, fact, cure)


def fail(name: str, fact: str, cure: str) -> Finding:
    return Finding("fail", name, fact, cure)
