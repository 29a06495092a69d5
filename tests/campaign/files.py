"""Part b: damaged bags and videos, replayed with a fake model and a fake tracker."""

import argparse
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from campaign.damage import damaged
from campaign.isolated import FAULT, PARTIAL, UNTOLD, WHOLE, Outcome, isolated, judged, listening
from campaign.recordings import write_all
from campaign.stubs import StubStepper, StubTracker, make_config
from campaign.tally import Tally
from reactface_node.engine.engine import Engine, frames_at_once
from reactface_node.ros.bags.replay import replay, summary
from reactface_node.session.session import ReactionSession

PART = "files"
LIMIT_S, LIMIT_MB = 15.0, 3000.0
VALUES: tuple[Any, ...] = (0, -1, 1, 2**63 - 1, 10**30, "", "x", None, [], {}, 1.5, True, "é" * 99)
UNSAID = 0.8
"""A decoder may conceal damaged frames without an error; a larger share is a loss."""


@dataclass(frozen=True)
class Case:
    """What a case is made of; ``data`` is the one file that was changed."""

    index: int
    kind: str
    way: str
    source: Path
    data: bytes
    out: Path


class Maker:
    """Cases by number from whole recordings."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        (folder / "whole").mkdir()
        self.whole = write_all(folder / "whole")
        self.kinds = tuple(self.whole)

    def make(self, index: int) -> Case:
        rng = np.random.default_rng([self.seed, 1, index])
        kind = self.kinds[index % len(self.kinds)]
        target = self.place(kind)
        if self.whole[kind].is_file():
            data = damaged(self.whole[kind].read_bytes(), rng)
            target.write_bytes(data)
            return Case(index, kind, "video", target, data, self.out)
        shutil.copytree(self.whole[kind], target)
        way, changed = self._damage_bag(target, rng)
        data = changed.read_bytes() if changed.is_file() else b""
        # Some give the file itself, beside which the metadata does not count.
        given = target if way != "file alone" else changed
        return Case(index, kind, way, given, data, self.out)

    @property
    def out(self) -> Path:
        return self.folder / f"out-{os.getpid()}"

    def place(self, kind: str) -> Path:
        """For this process's case alone."""
        folder = self.folder / f"case-{os.getpid()}"
        _clear(folder)
        return folder / self.whole[kind].name

    def _damage_bag(self, bag: Path, rng: np.random.Generator) -> tuple[str, Path]:
        metadata = bag / "metadata.yaml"
        (data,) = (path for path in bag.iterdir() if path != metadata)
        way = ("data", "data", "data", "file alone", "text", "value", "value", "absent")[
            int(rng.integers(0, 8))
        ]
        if way in ("data", "file alone"):
            data.write_bytes(damaged(data.read_bytes(), rng))
            return way, data
        if way == "text":
            metadata.write_bytes(damaged(metadata.read_bytes(), rng))
        elif way == "absent":
            metadata.unlink()
        else:
            said = yaml.safe_load(metadata.read_text("utf-8"))
            name = change_value(said, rng)
            metadata.write_text(yaml.safe_dump(said), "utf-8")
            way = f"value {name}"
        return way, metadata


def change_value(tree: Any, rng: np.random.Generator) -> str:
    """One value, at any depth, is another; its name."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = keys[int(rng.integers(0, len(keys)))]
        below = tree[key]
        if isinstance(below, dict | list) and below and rng.random() < 0.9:
            tree = below
            continue
        if rng.random() < 0.15:
            del tree[key]
        else:
            tree[key] = VALUES[int(rng.integers(0, len(VALUES)))]
        return str(key)


def stub_session(config: Any) -> ReactionSession:
    return ReactionSession(
        config, Engine(StubStepper(config), frames_at_once(config)), StubTracker()
    )


def replayed(case: Case) -> tuple[int, str, list[str]]:
    """How many messages were used, what was said, what lies beside the source afterwards."""
    config = make_config()
    out = case.out
    _clear(out)
    with listening() as said:
        try:
            stats = replay(config, case.source, out / "bag", None, lambda: stub_session(config))
            lines = summary(case.source, stats).splitlines()
        except BaseException:
            left = [path.name for path in out.iterdir()]
            if left:
                raise RuntimeError(f"left behind: {left}") from None
            raise
    used = int(stats.get("images", 0) + stats.get("audio", 0))
    left = [path.name for path in out.iterdir() if path.name != "bag"]
    return used, "\n".join([said(), *lines[1:]]).strip(), left


class Judge:
    """Compares with what the whole recordings give."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.used: dict[str, int] = {}
        self.unread: dict[str, str] = {}
        for kind in maker.kinds:
            case = Case(-1, kind, "whole", _copied(maker, kind), b"", maker.out)
            outcome = judged(self._measure, case)
            if outcome.kind != WHOLE:
                self.unread[kind] = outcome.detail

    def _measure(self, case: Case) -> Outcome:
        self.used[case.kind], said, _ = replayed(case)
        return Outcome(FAULT if said else WHOLE, said)

    def act(self, index: int) -> Outcome:
        """As ``isolated`` calls it."""
        case = self.maker.make(index)
        used, said, left = replayed(case)
        if left:
            return Outcome(FAULT, f"left behind: {left}")
        whole = self.used[case.kind]
        if used >= whole:
            return Outcome(WHOLE, said)
        needed = whole * (UNSAID if case.way == "video" else 1.0)
        if used < needed and not said and case.kind == "mkv":
            # FFmpeg goes on behind a damaged cluster of Matroska without an error.
            return Outcome(UNTOLD, f"{used} of {whole}")
        if used < needed and not said:
            return Outcome(
                FAULT, f"{case.kind}, {case.way}: {used} of {whole}, and nothing is said"
            )
        return Outcome(PARTIAL, said)


def _copied(maker: Maker, kind: str) -> Path:
    target = maker.place(kind)
    copy = shutil.copy if maker.whole[kind].is_file() else shutil.copytree
    copy(maker.whole[kind], target)
    return target


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def run(tally: Tally, seed: int, count: int, only: int | None = None) -> None:
    began_s, slowest_s = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        judge = Judge(Maker(Path(name), seed))
        for kind, reason in judge.unread.items():
            command = f"python tests/campaign/run.py files --seed {seed}"
            tally.fault(PART, f"{kind} that is whole: {reason}".replace(name, ""), command)
        cases = [only] if only is not None else list(range(count))
        kinds = judge.maker.kinds
        cases = [index for index in cases if kinds[index % len(kinds)] not in judge.unread]
        for index, outcome in isolated(judge.act, cases, LIMIT_S, LIMIT_MB):
            case = judge.maker.make(index)
            tally.count(PART, f"{case.kind}: {outcome.kind}")
            slowest_s = max(slowest_s, outcome.seconds)
            if outcome.kind == FAULT:
                reason = f"{case.kind}, {case.way}: {outcome.detail}".replace(name, "")
                command = f"python tests/campaign/run.py files --seed {seed} --case {index}"
                tally.fault(PART, reason, command, outcome.trace, case.data)
    tally.fact(PART, slowest_s=f"{slowest_s:.2f}", wall_s=f"{time.monotonic() - began_s:.0f}")


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="damaged bags and videos, replayed")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, options.count, options.case)
