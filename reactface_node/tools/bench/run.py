"""Chooses the sections of a benchmark, with their weights and inputs."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import resolve_device
from reactface_node.model.official.session import OfficialListener
from reactface_node.model.reactface import ReactFace
from reactface_node.tools.bench.clock import taken_s
from reactface_node.tools.bench.compare import WINDOWS, compare
from reactface_node.tools.bench.contexts import contexts
from reactface_node.tools.bench.engines import Engines
from reactface_node.tools.bench.flat import flat
from reactface_node.tools.bench.machine import machine
from reactface_node.tools.bench.pipeline import paced, pipeline
from reactface_node.tools.bench.recording import BenchRecording, enlarged
from reactface_node.tools.bench.sessions import batched, sessions
from reactface_node.tools.bench.simulated import BenchClip, SimulatedSession, tracked_clip
from reactface_node.tools.bench.stages import stages
from reactface_node.tools.bench.weights import complete, complete_portrait

SECTIONS = ("pipeline", "stages", "flat", "sessions", "paced")
STAGES_S = 15.0


@dataclass(frozen=True)
class BenchOptions:
    """Options of the command line.

    only: sections; empty = all. pipeline_s: seconds of the recording; None = all. minutes: of
    the session; None = what runs in under two minutes. paced_s, pictures ("sample" or "720p"):
    of the paced run. untrained: always use random weights.
    """

    only: tuple[str, ...] = ()
    pipeline_s: float | None = None
    minutes: float | None = None
    sessions: int = 4
    paced_s: float = 20.0
    pictures: str = "sample"
    untrained: bool = False

    def sections(self) -> tuple[str, ...]:
        """The sections in the order in which they run; UserError if one is unknown."""
        unknown = sorted(set(self.only) - set(SECTIONS))
        if unknown:
            raise UserError(f"no section '{unknown[0]}'; there are: {', '.join(SECTIONS)}")
        return tuple(name for name in SECTIONS if not self.only or name in self.only)


class Bench:
    """The measurements of one config; tracking and engines are prepared when first needed."""

    def __init__(self, config: Config, wanted: BenchOptions, folder: Path) -> None:
        """folder: for temporary files."""
        resolve_device(config.device)
        self.recording = BenchRecording(config)
        completed, self.weights = complete(config, folder, wanted.untrained)
        self.config, drawn = complete_portrait(completed, self.recording, folder)
        self.weights |= drawn
        self._wanted = wanted

    @cached_property
    def engines(self) -> Engines:
        """Engines that share one set of weights."""
        return Engines(self.config)

    @cached_property
    def clip(self) -> BenchClip:
        """The observations of the tracker in the recording."""
        return tracked_clip(self.config, self.recording)

    def session(self) -> SimulatedSession:
        """A new session on simulated time."""
        return SimulatedSession(self.config, self.engines.start(), self.clip)

    def measure(self, section: str) -> dict[str, Any]:
        """One of ``SECTIONS``."""
        return self._sections()[section]()

    def _sections(self) -> dict[str, Callable[[], dict[str, Any]]]:
        wanted, window = self._wanted, self.config.model.window
        return {
            "pipeline": self._pipeline,
            "stages": self._stages,
            "flat": partial(flat, self.session, wanted.minutes, window),
            "sessions": self._several,
            "paced": self._paced,
        }

    def _pipeline(self) -> dict[str, Any]:
        seconds = self._wanted.pipeline_s
        return pipeline(self.config, self.engines.start(), self.recording, seconds)

    def _stages(self) -> dict[str, Any]:
        session = self.session()
        session.window()
        block_s = 10 * taken_s(session.window, "cpu")
        return stages(
            self.config, self.engines.model, session, max(3, min(10, int(STAGES_S / block_s)))
        )

    def _several(self) -> dict[str, Any]:
        config, count, model = self.config, self._wanted.sessions, self.engines.model
        found = sessions(self.session, count, config.model.window)
        # Frame mode and the released code have no batch.
        if config.mode == "window" and not isinstance(model, OfficialListener):
            found["batch"] = batched(config, self.clip, count)
        return found

    def _paced(self) -> dict[str, Any]:
        wanted = self._wanted
        with tempfile.TemporaryFile() as file:
            pictures = enlarged(self.recording, file) if wanted.pictures == "720p" else None
            found = paced(
                self.config, self.engines.start(), self.recording, wanted.paced_s, pictures
            )
        return {"pictures": _PICTURES[wanted.pictures]} | found


_PICTURES = {
    "sample": "the recording's JPEGs, 640x480 at 30 fps, forward and backward",
    "720p": "raw 1280x720 at 30 fps, four seconds of the recording, forward and backward",
}


def bench(config: Config, wanted: BenchOptions) -> dict[str, Any]:
    """Machine, settings and the chosen sections by name. UserError as the sections."""
    chosen = wanted.sections()
    with tempfile.TemporaryDirectory() as folder:
        found = Bench(config, wanted, Path(folder))
        measured = {section: found.measure(section) for section in chosen}
    return _about(config, found.weights) | measured


def bench_compare(
    named: dict[str, Any],
    file: Path | None,
    untrained: bool,
    whole: bool,
    windows: tuple[int, ...] = WINDOWS,
) -> dict[str, Any]:
    """The ``paper`` profile's state beside the ``official`` one's history. named, file:
    settings of both, by dotted name and in YAML. Both run on as many threads as ``official`` says.
    """
    past = {"model.official_past": "history"}
    theirs = Config.load("official", file, named | past)
    ours = Config.load("paper", file, named).replace(threads=theirs.threads)
    with tempfile.TemporaryDirectory() as name:
        loaded: list[Any] = []
        said: dict[str, str] = {}
        for config in (ours, theirs):
            completed, about = complete(config, _made(Path(name) / config.profile), untrained)
            loaded.append(Engines(completed).model)
            said[config.profile] = about["weights"]
    paper, official = loaded
    assert isinstance(paper, ReactFace) and isinstance(official, OfficialListener)
    samples, device = ours.playout.samples, ours.device
    found = compare(paper, official, samples, device, windows, whole)
    result = _about(theirs, said)
    result["about"] |= {"profile": "paper beside official", "renderer": "none"}
    return result | {"compare": found}


def bench_contexts(config: Config, seconds: list[float], untrained: bool) -> dict[str, Any]:
    """See ``contexts``."""
    with tempfile.TemporaryDirectory() as folder:
        found = Bench(config, BenchOptions(untrained=untrained), Path(folder))
        measured = contexts(found.config, found.clip, seconds)
    return _about(config, found.weights) | {"contexts": measured}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _about(config: Config, weights: dict[str, str]) -> dict[str, Any]:
    settings = config.to_dict()
    del settings["training"]
    about = {
        "profile": config.profile,
        "renderer": config.render.renderer,
        "device": config.device,
        "threads": torch.get_num_threads(),
        **weights,
    }
    return {"machine": machine(config.device), "about": about, "settings": settings}
