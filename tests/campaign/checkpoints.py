"""Part b: damaged weights, and weights with wrong metadata."""

import argparse
import json
import os
import shutil
import struct
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rigs.model_inputs import small_config, small_model

from campaign.damage import damaged
from campaign.files import VALUES, change_value
from campaign.isolated import FAULT, WHOLE, Outcome, isolated
from campaign.stubs import StubTracker
from campaign.tally import Tally
from reactface_node.config import Config
from reactface_node.engine.engine import load_engine
from reactface_node.errors import UserError
from reactface_node.session.session import ReactionSession

PART = "checkpoints"
LIMIT_S, LIMIT_MB = 20.0, 3000.0
LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Case:
    kind: str
    way: str
    path: Path
    data: bytes


class Maker:
    """Cases by number from a small model's checkpoint, and its export where one can be made."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed
        self.config = small_config()
        self.whole = folder / "whole.safetensors"
        self.exported = folder / "whole_onnx"

    def build(self, with_export: bool) -> Outcome:
        """In a process of its own: torch's threads do not outlive a fork."""
        from reactface_node.model.checkpoint import save_checkpoint

        model = small_model(self.config)
        save_checkpoint(self.whole, model, self.config, {}, "none")
        if with_export:
            from reactface_node.engine.export import export

            export(model, self.whole, self.exported)
        return Outcome(WHOLE)

    def make(self, index: int) -> Case:
        rng = np.random.default_rng([self.seed, 3, index])
        if self.exported.is_dir() and index % 3 == 0:
            return self._exported(rng)
        data, target = self.whole.read_bytes(), self.folder / f"case-{os.getpid()}.safetensors"
        ways = (self._header, self._header, self._metadata, self._tensor, self._anywhere)
        way = ways[int(rng.integers(0, len(ways)))]
        changed = way(data, rng)
        target.write_bytes(changed)
        return Case("safetensors", way.__name__[1:], target, changed)

    def _exported(self, rng: np.random.Generator) -> Case:
        target = self.folder / f"case-{os.getpid()}_onnx"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.exported, target)
        files = sorted(path for path in target.iterdir() if path.is_file())
        path = next(p for p in files if p.suffix == ".json")
        way = "value"
        if rng.random() < 0.5:
            said = json.loads(path.read_text("utf-8"))
            change_value(said, rng)
            path.write_text(json.dumps(said), "utf-8")
        else:
            path, way = files[int(rng.integers(0, len(files)))], "bytes"
            if rng.random() < 0.1:
                path.unlink()
                return Case("exported", f"no {path.name}", target, b"")
            path.write_bytes(damaged(path.read_bytes(), rng))
        return Case("exported", f"{path.name} {way}", target, path.read_bytes())

    def _header(self, data: bytes, rng: np.random.Generator) -> bytes:
        """The length and the names, offsets and metadata."""
        end = 8 + LENGTH.unpack_from(data)[0]
        return damaged(data[:end], rng) + data[end:]

    def _anywhere(self, data: bytes, rng: np.random.Generator) -> bytes:
        return damaged(data, rng)

    def _metadata(self, data: bytes, rng: np.random.Generator) -> bytes:
        """Valid JSON, other values: also inside of the configuration."""
        size = LENGTH.unpack_from(data)[0]
        header, rest = json.loads(data[8 : 8 + size]), data[8 + size :]
        about = header["__metadata__"]
        if rng.random() < 0.6:
            config = json.loads(about["config"])
            change_value(config["model"] if rng.random() < 0.5 else config, rng)
            about["config"] = json.dumps(config)
        elif rng.random() < 0.5:
            name = sorted(about)[int(rng.integers(0, len(about)))]
            about[name] = str(VALUES[int(rng.integers(0, len(VALUES)))])
        else:
            change_value(header, rng)
        text = json.dumps(header).encode()
        return LENGTH.pack(len(text)) + text + rest

    def _tensor(self, data: bytes, rng: np.random.Generator) -> bytes:
        """One tensor, or all, of no numbers or all alike."""
        size = LENGTH.unpack_from(data)[0]
        header, changed = json.loads(data[8 : 8 + size]), bytearray(data)
        names = [name for name in header if name != "__metadata__"]
        value = (np.nan, np.inf, 0.0, 1e38)[int(rng.integers(0, 4))]
        chosen = names if rng.random() < 0.3 else [names[int(rng.integers(0, len(names)))]]
        for name in chosen:
            start, end = (8 + size + place for place in header[name]["data_offsets"])
            if header[name]["dtype"] == "F32":
                filled = np.full((end - start) // 4, value, "<f4").tobytes()
                changed[start:end] = filled
        return bytes(changed)


@dataclass(frozen=True)
class Judge:
    maker: Maker

    def act(self, index: int) -> Outcome:
        """As ``isolated`` calls it: loads it and takes two steps."""
        case = self.maker.make(index)
        return played(self.maker.config.replace(weights=str(case.path)))


def played(config: Config) -> Outcome:
    """As a session starts: the model is checked; then two steps."""
    session = ReactionSession(config, load_engine(config), StubTracker())
    try:
        session.check_model()
        faces = [session.run_silence() for _ in range(2)]
    finally:
        session.close()
    if not all(np.isfinite(face).all() for face in faces):
        return Outcome(FAULT, "a model whose reactions are no numbers is taken")
    return Outcome(WHOLE)


def run(
    tally: Tally, seed: int, count: int, only: int | None = None, with_export: bool = True
) -> None:
    began_s, slowest_s = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="campaign-") as name:
        maker = Maker(Path(name), seed)
        ((_, built),) = isolated(maker.build, [with_export], 300.0, 1e5)
        if built.kind != WHOLE:
            raise UserError(f"no whole checkpoint can be made: {built.detail}\n{built.trace}")
        judge = Judge(maker)
        cases = [only] if only is not None else list(range(count))
        for index, outcome in isolated(judge.act, cases, LIMIT_S, LIMIT_MB):
            case = maker.make(index)
            tally.count(PART, f"{case.kind}: {outcome.kind}")
            slowest_s = max(slowest_s, outcome.seconds)
            if outcome.kind == FAULT:
                command = f"python tests/campaign/run.py checkpoints --seed {seed} --case {index}"
                reason = f"{case.kind}, {case.way}: {outcome.detail}".replace(name, "")
                tally.fault(PART, reason, command, outcome.trace, case.data)
    tally.fact(PART, slowest_s=f"{slowest_s:.2f}", wall_s=f"{time.monotonic() - began_s:.0f}")


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="damaged weights")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--case", type=int, help="this one alone")
    parser.add_argument("--no-export", action="store_true", help="without an exported model")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, options.count, options.case, not options.no_export)
