"""Seeded texts for YAML files and ``--set``: valid ones, mutated ones, and garbage."""

from collections.abc import Iterator

import numpy as np

SCALARS = (
    "1e-3",
    "-1e-1",
    "1E5",
    ".5",
    "-.5",
    "+1",
    "1.",
    "0123",
    "1_000",
    "12:30",
    "0x1F",
    "0o17",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "9999-99-99",
    "no",
    "on",
    "y",
    "~",
    "null",
    "true",
    ".inf",
    "-.inf",
    ".nan",
    "1e999",
    "9" * 5000,
    "0." + "1" * 5000,
    "-" + "9" * 70,
    "''",
    '""',
    '"\\ud800"',
    '"\\U00110000"',
    '"\\x00"',
    '"\\q"',
    "'a",
    '"a',
    "!!python/name:os.system x",
    "!!python/object/apply:os.system [ls]",
    "!!binary aGk=",
    "!!binary '&'",
    "!!int x",
    "!!int ''",
    "!!float x",
    "!!bool x",
    "!!null x",
    "!!timestamp x",
    "!!set {a}",
    "!!omap [a: 1]",
    "!x 1",
    "!!str 1",
    "! 1",
    "&a 1",
    "*a",
    "&a [*a]",
    "{a: 1, a: 2}",
    "{[1]: 2}",
    "{{a: b}: c}",
    "{? a}",
    "[1, 2",
    "{a",
    "]",
    "}",
    "- 1",
    "? a",
    ": b",
    "|",
    ">-",
    "|99",
    "@",
    "`",
    "%",
    "%YAML 1.1",
    "%YAML 9999999999999.1",
    "%TAG ! !",
    "--- a",
    "...",
    "<<",
    "<<: *a",
    "<<: 1",
    "=",
    "\t",
    "#",
    "\x00",
    "\x07",
    "\x85",
    "\u2028",
    "\ufeff",
    "\ud800",
    "\udc80",
    "🙂",
    "é",
    "[" * 3000,
    "{" * 3000,
    "{a: " * 300,
    "- " * 2000,
    "? " * 2000,
    "a: " * 50,
    "!" * 100,
    "&" * 100,
    "*" * 100,
    "default",
    "avatar",
    "speaking",
    "portrait",
    "x" * 3000,
)
NAMES = (
    "playout",
    "gain",
    "playout.gain",
    "playout.samples",
    "ros",
    "face_id",
    "ros.face_id",
    "model",
    "model.lrd",
    "mode",
    "weights",
    "training",
    "training.clips",
    "web.port",
    "playout.mirror",
    "self",
    "",
    ".",
    "a..b",
    "playout.",
    ".gain",
    " playout.gain",
    "playout.gain.x",
    "1",
    "<<",
    "/**",
    "/ns/node",
    "reactface",
    "ros__parameters",
    "use_sim_time",
    "robot_name",
    "profile",
)
BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
WHOLE = (
    "playout: {gain: 1.5, samples: 3}\nros:\n  face_id: 0123\n",
    "/**:\n  ros__parameters:\n    playout.gain: 1e-1\n    robot_name: pepper\n",
    "/a/reactface:\n  ros__parameters:\n    playout: {gain: .5}\n/b: {ros__parameters: {a: 1}}\n",
    "a: &a {gain: 2.0}\nplayout: *a\n",
    BOMB,
    BOMB.replace("[", "{k: [").replace("]", "]}"),
    "a: &a\n  <<: *a\n",
    "playout: &p\n  <<: [{gain: 1.0}, {samples: 2}]\n",
    "--- {}\n--- {}\n",
    "# nothing\n",
)
PARTS = (*"[]{},:&*!|>'\"%@`#-?\t\n \x00\\~<=.", "\n  ", ": ", "\r\n", "\x1b", "\ufeff")


def texts(count: int, seed: int) -> Iterator[str]:
    """So many, the same for the same seed."""
    made = _Texts(np.random.default_rng(seed))
    for _ in range(count):
        yield made.text()


class _Texts:
    def __init__(self, rng: np.random.Generator):
        self._rng = rng

    def text(self) -> str:
        rng, kind = self._rng, self._rng.random()
        if kind < 0.3:
            return self._mutated(self._any(WHOLE))
        if kind < 0.8:
            return self._mutated(self._mapping(2))
        if kind < 0.9:
            return "".join(self._any(PARTS + SCALARS) for _ in range(rng.integers(0, 12)))
        return "".join(chr(c) for c in rng.integers(0, 300, rng.integers(0, 60)))

    def _any(self, values):
        return values[self._rng.integers(len(values))]

    def _mapping(self, deep: int) -> str:
        lines = []
        for _ in range(self._rng.integers(1, 5)):
            value = self._any(SCALARS)
            if deep and self._rng.random() < 0.4:
                inner = self._mapping(deep - 1).splitlines()
                value = "\n" + "\n".join(f"  {line}" for line in inner)
            lines.append(f"{self._any(NAMES)}: {value}")
        return "\n".join(lines)

    def _mutated(self, text: str) -> str:
        for _ in range(self._rng.integers(0, 6)):
            at, end = sorted(self._rng.integers(0, len(text) + 1, 2))
            changes = (
                text[:at] + self._any(PARTS) + text[at:],
                text[:at] + text[min(end, at + 5) :],
                text[:end] + text[at:end] + text[end:],
            )
            text = self._any(changes)
        return text
