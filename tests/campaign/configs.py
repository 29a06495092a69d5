"""Part b: configuration files, ``--set`` strings and ROS parameter files with random text."""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from campaign.damage import damaged
from campaign.files import change_value
from campaign.isolated import FAULT, WHOLE, Outcome, isolated
from campaign.settings_mutators import ALL, NAMES
from campaign.tally import Tally
from reactface_node.config import Config, profile_names
from reactface_node.config.settings import parse_overrides
from reactface_node.files import resources

PART = "configs"
LIMIT_S, LIMIT_MB = 10.0, 1000.0
SLOW_S = 2.0
SCALARS = (
    "1e-3",
    "-1e-1",
    "1e400",
    "0123",
    "no",
    "on",
    "~",
    "null",
    "0x1F",
    "0o17",
    "1_000",
    ".inf",
    "-.inf",
    ".nan",
    "2001-01-01",
    "2001-01-01 10:00:00",
    "2001-13-45",
    "12:30:45",
    "190:20:30",
    "!!binary aGVsbG8=",
    "!!binary ?",
    "!!python/object/apply:os.system [ls]",
    "!!set {a, b}",
    "!!omap [a: 1]",
    "!!timestamp x",
    "!!int x",
    "!!float x",
    "!!bool x",
    "!!null x",
    "!x y",
    "!!python/name:os.system",
    "&a",
    "*a",
    "*nobody",
    "<<: *a",
    "<<: 1",
    "? x",
    "- - -",
    "[",
    "{",
    "}",
    "[[[[",
    "{a: b",
    "'",
    '"',
    '"\\x"',
    "'\\0'",
    "|",
    ">",
    "|9",
    "%YAML 9.9",
    "---",
    "...",
    "@",
    "`",
    "\t",
    "\ufeff1",
    "\x00",
    "\x07",
    "\ud7ff",
    "é",
    "=",
    "a: b: c",
    "# x",
    "1 # x",
    "9" * 5000,
    "9" * 100_000,
    "0." + "1" * 5000,
    "x" * 100_000,
    "[" * 2000,
    "{a: " * 500,
    "- " * 1000,
    "1.5",
    "1",
    "true",
    "default",
    "''",
    "[1, 2]",
    "{gain: 1}",
    "{? {a: b} : c}",
    "{[1]: 2}",
    "{1: 2}",
    "{null: 2}",
    "0b2",
    "08",
    "1.",
    ".5",
    "+1",
    "1e5",
    "1E5",
    "e5",
)


@dataclass(frozen=True)
class Case:
    """A file's bytes and ``--set``'s texts."""

    kind: str
    data: bytes | None
    sets: tuple[str, ...]


class Maker:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.profiles = [
            (resources.folder("config") / "profiles" / f"{name}.yaml").read_bytes()
            for name in profile_names()
        ]
        self.defaults = yaml.safe_dump(Config().to_dict())

    def make(self, index: int) -> Case:
        rng = np.random.default_rng([self.seed, 2, index])
        kinds = (self._bytes, self._values, self._scalar, self._sets, self._ros, self._bomb)
        # All of it, seldom the slow ones.
        return kinds[int(rng.choice(6, p=[0.2, 0.2, 0.2, 0.25, 0.13, 0.02]))](rng)

    def _bytes(self, rng: np.random.Generator) -> Case:
        texts = [*self.profiles, self.defaults.encode()]
        return Case("damaged", damaged(texts[int(rng.integers(0, len(texts)))], rng), ())

    def _values(self, rng: np.random.Generator) -> Case:
        tree = yaml.safe_load(self.defaults)
        for _ in range(int(rng.integers(1, 4))):
            change_value(tree, rng)
        return Case("values", yaml.safe_dump(tree).encode(), ())

    def _scalar(self, rng: np.random.Generator) -> Case:
        """A setting is any text that YAML may read."""
        *sections, leaf = self._name(rng).split(".")
        lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(sections)]
        lines.append(f"{'  ' * len(sections)}{leaf}: {_scalar(rng)}")
        return Case("scalar", "\n".join(lines).encode("utf-8", "replace"), ())

    def _sets(self, rng: np.random.Generator) -> Case:
        pairs = []
        for _ in range(int(rng.integers(1, 4))):
            between = ("=", "=", "=", "=", " = ", "", "==", ":")[int(rng.integers(0, 8))]
            pairs.append(f"{self._name(rng)}{between}{_scalar(rng)}")
        return Case("--set", None, tuple(pairs))

    def _ros(self, rng: np.random.Generator) -> Case:
        """As ``ros2 param dump`` writes, of us and of others."""
        node = ("/**", "/reactface", "reactface", "/a/b", "*", "/*", "")[int(rng.integers(0, 7))]
        name, value = self._name(rng), _scalar(rng)
        *sections, leaf = name.split(".") if rng.random() < 0.5 else [name]
        lines = [f"{node or repr('')}:", "  ros__parameters:", "    robot_name: pepper"]
        lines += [f"{'  ' * (2 + depth)}{one}:" for depth, one in enumerate(sections)]
        lines.append(f"{'  ' * (2 + len(sections))}{leaf}: {value}")
        text = "\n".join(lines).encode("utf-8", "replace")
        return Case("ros", damaged(text, rng) if rng.random() < 0.3 else text, ())

    def _bomb(self, rng: np.random.Generator) -> Case:
        depth = int(rng.integers(5, 30))
        kind = int(rng.integers(0, 3))
        if kind == 0:
            rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
            rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, depth)]
            text = "\n".join([*rows, f"playout: *a{depth - 1}"])
        elif kind == 1:
            text = "\n".join(f"{' ' * i}a:" for i in range(100 * depth))
        else:
            text = "playout: &p {gain: 1.0, self: *p}"
        return Case("bomb", text.encode(), ())

    def _name(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.7:
            return ALL[int(rng.integers(0, len(ALL)))].name
        return NAMES[int(rng.integers(0, len(NAMES)))]


def _scalar(rng: np.random.Generator) -> str:
    if rng.random() < 0.2:
        return bytes(rng.integers(32, 127, int(rng.integers(1, 12)), np.uint8)).decode()
    return SCALARS[int(rng.integers(0, len(SCALARS)))]


@dataclass(frozen=True)
class Judge:
    maker: Maker
    folder: Path

    def act(self, index: int) -> Outcome:
        """As ``isolated`` calls it."""
        case = self.maker.make(index)
        path = None
        if case.data is not None:
            path = self.folder / "config.yaml"
            path.write_bytes(case.data)
        began_s = time.perf_counter()
        config = Config.load("default", path, parse_overrides(list(case.sets)))
        if time.perf_counter() - began_s > SLOW_S:
            return Outcome(FAULT, f"took {time.perf_counter() - began_s:.1f} s")
        if Config.from_dict(config.to_dict()) != config:
            return Outcome(FAULT, "is not the same when read again")
        return Outcome(WHOLE)


def run(tally: Tally, seed: int, count: int, only: int | None = None) -> None:
    began_s, slowest_s = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        judge = Judge(Maker(seed), Path(name))
        cases = [only] if only is not None else list(range(count))
        for index, outcome in isolated(judge.act, cases, LIMIT_S, LIMIT_MB):
            case = judge.maker.make(index)
            tally.count(PART, f"{case.kind}: {outcome.kind}")
            slowest_s = max(slowest_s, outcome.seconds)
            if outcome.kind == FAULT or outcome.seconds > SLOW_S:
                said = outcome.detail or f"took {outcome.seconds:.1f} s"
                command = f"python tests/campaign/run.py configs --seed {seed} --case {index}"
                data = case.data if case.data is not None else "\n".join(case.sets).encode()
                tally.fault(
                    PART, f"{case.kind}: {said}".replace(name, ""), command, outcome.trace, data
                )
    tally.fact(PART, slowest_s=f"{slowest_s:.2f}", wall_s=f"{time.monotonic() - began_s:.0f}")


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="configuration files and --set of any text")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, options.count, options.case)
