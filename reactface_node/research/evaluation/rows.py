"""The rows of Table 2: reactors, their reactions and metrics."""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reactface_node.config import Config, RenderConfig
from reactface_node.faceverse import Space
from reactface_node.files import resources
from reactface_node.files.progress import ProgressBar
from reactface_node.model.face import PixelEncoder
from reactface_node.model.official.layers import VideoConvolutions
from reactface_node.render import make_renderer
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.metrics import all_metrics
from reactface_node.research.evaluation.synchrony import SHORTEST
from reactface_node.research.evaluation.workers import Workers
from reactface_node.research.training.baselines import TITLES, Mirror, NearestNeighbour, Random
from reactface_node.research.training.corpus import speaker_input
from reactface_node.research.training.dataset import open_split
from reactface_node.research.training.learner import Reactor
from reactface_node.research.training.networks import load_network
from reactface_node.research.training.splits import long_enough

GT, OURS = "GT", "ReactFace (ours)"
BATCH = 4
SPEED_RUNS, SPEED_FRAMES = 5, 200


def untrained(train: Clips) -> Iterator[tuple[str, Reactor]]:
    """The baselines without training."""
    yield TITLES["mirror"], Mirror()
    yield TITLES["random"], Random.fit(train)
    yield TITLES["nn_motion"], NearestNeighbour(train, "motion")
    yield TITLES["nn_audio"], NearestNeighbour(train, "audio")


def trained(path: Path, config: Config) -> tuple[str, Reactor]:
    """A checkpoint's title and its reactor; UserError if it cannot be read."""
    network, name = load_network(path, config)
    reactor: Reactor = network  # type: ignore[assignment]
    return (OURS if name == "reactface" else TITLES[name]), reactor


def test_split(folder: Path, config: Config, count: int) -> tuple[Clips, str]:
    """The first ``count`` test clips (0: all) that are long enough for every metric, and the
    split's hash; prints one line on clips that are left out. UserError if none remains."""
    clips, digest = open_split(folder, "test", config.training)
    chosen, _, note = long_enough(clips, SHORTEST, config.model.window, count)
    if note:
        print(note, file=sys.stderr)
    return chosen, digest


def whole_frames(clips: Clips, window: int, most: int | None = None) -> int:
    """T of the whole windows in the shortest clip, or in its first ``most`` frames."""
    shortest = int(clips.frames.min())
    return (shortest if most is None else min(most, shortest)) // window * window


def react_to(reactor: Reactor, clips: Clips, samples: int, config: Config) -> np.ndarray:
    """(N, M, T, 58) reactions to every clip, T the frames of its whole windows; reproducible by the
    seed."""
    frames, pixels = whole_frames(clips, config.model.window), reads_pixels(reactor)
    parts = []
    for start in ProgressBar(range(0, len(clips), BATCH), "reacting", unit="batch", leave=False):
        chosen = slice(start, start + BATCH)
        speaker = speaker_input(clips, chosen, frames, pixels).to(config.device)
        generator = torch.Generator().manual_seed(config.training.seed * 1_000_003 + start)
        parts.append(reactor.react(speaker, samples, generator).cpu().numpy())
    return np.concatenate(parts)


def reads_pixels(reactor: Reactor) -> bool:
    """Whether a reactor reads the speaker's pictures. A table may also hold baselines that read
    coefficients only."""
    parts = reactor.modules() if isinstance(reactor, nn.Module) else ()
    return any(isinstance(part, PixelEncoder | VideoConvolutions) for part in parts)


def real_reactions(clips: Clips, frames: int) -> np.ndarray:
    """(N, 1, T, 58): the reaction of every clip's own listener."""
    own = [known[0] for known in clips.appropriate]
    return np.asarray(clips.reactions[own, None, :frames])


@dataclass(frozen=True)
class Scale:
    """The units of the metrics. paper: FRDvs and FRDiv by the paper's equations, not as released.
    band: largest shift in frames of FRDist's time warp, None for any. space: FaceVerse's, as in
    published tables, if the data set came in it."""

    paper: bool = False
    band: int | None = None
    space: Space | None = None


def space_of(facts: Mapping[str, Any]) -> Space | None:
    """The original coefficient space of a split, as noted at conversion; None if the coefficients
    were tracked or made in ours."""
    return Space.from_facts(dict(facts)) if "offset" in facts else None


def measure(
    name: str, predictions: np.ndarray, clips: Clips, workers: Workers | None, scale: Scale
) -> dict[str, float]:
    """All metrics of reactions (N, M, T, 58), in our units, to the clips; prints how long they took
    for the row ``name`` on stderr. Channels that the data set does not have are left out."""
    began_s = time.monotonic()
    frames = predictions.shape[2]
    faces = predictions, np.asarray(clips.speaker[:, :frames]), clips.reactions[:, :frames]
    told = (part if scale.space is None else scale.space.to_faceverse(part) for part in faces)
    ours, speakers, real = (part[..., clips.known] if clips.missing else part for part in told)
    found = all_metrics(
        ours, speakers, real, clips.lasting(frames), scale.paper, workers, scale.band
    )
    took_s = time.monotonic() - began_s
    used = f"FRDist took {found['FRDist_s']:.1f} s of CPU time"
    ProgressBar.write(f"{name}: {used}, all metrics {took_s:.1f} s", file=sys.stderr)
    return found


def frames_per_second(reactor: Reactor, clips: Clips, config: Config) -> float:
    """FPS, up: one reaction with its pictures drawn, after a warm-up, median of five runs."""
    draw = make_renderer(RenderConfig()).render
    frames = whole_frames(clips, config.model.window, SPEED_FRAMES)
    speaker = speaker_input(clips, slice(0, 1), frames, reads_pixels(reactor)).to(config.device)
    seconds = []
    for run in range(SPEED_RUNS + 1):
        begin = time.perf_counter()
        drawn = reactor.react(speaker, 1, torch.Generator().manual_seed(run))
        for frame in drawn[0, 0].cpu().numpy():
            draw(frame)
        seconds.append(time.perf_counter() - begin)
    return frames / statistics.median(seconds[1:])


def device_name(device: str) -> str:
    """The device on which FPS was measured."""
    if torch.device(device).type == "cuda":
        return f"{device}, {torch.cuda.get_device_name(device)}"
    return f"{device}, {resources.processor()}"
