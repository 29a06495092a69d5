"""The rows of Table 2: who reacts, how, and what the metrics say of it."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from reactface_node.config import Config, RenderConfig
from reactface_node.data.clips import Clips
from reactface_node.evaluation.metrics import all_metrics
from reactface_node.render import make_renderer
from reactface_node.training.baselines import TITLES, Mirror, NearestNeighbour, Random
from reactface_node.training.corpus import speaker_input
from reactface_node.training.learner import Reactor
from reactface_node.training.networks import load_network

GT, OURS = "GT", "ReactFace (ours)"
BATCH = 4
SPEED_RUNS, SPEED_FRAMES = 5, 200


def untrained(train: Clips) -> Iterator[tuple[str, Reactor]]:
    """The baselines that only look things up."""
    yield TITLES["mirror"], Mirror()
    yield TITLES["random"], Random.fit(train)
    yield TITLES["nn_motion"], NearestNeighbour(train, "motion")
    yield TITLES["nn_audio"], NearestNeighbour(train, "audio")


def trained(path: Path, config: Config) -> tuple[str, Reactor]:
    """A checkpoint's title and its reactor; UserError where it cannot be read."""
    network, name = load_network(path, config)
    reactor: Reactor = network  # type: ignore[assignment]
    return (OURS if name == "reactface" else TITLES[name]), reactor


def first_clips(clips: Clips, count: int) -> Clips:
    """The first so many clips, all for 0; their appropriate reactions stay the same."""
    if not count:
        return clips
    return replace(
        clips, names=clips.names[:count], frames=clips.frames[:count],
        speaker=clips.speaker[:count], audio=clips.audio[:count],
        appropriate=clips.appropriate[:count],
        faces=None if clips.faces is None else clips.faces[:count],
    )  # fmt: skip


def react_to(reactor: Reactor, clips: Clips, samples: int, config: Config) -> np.ndarray:
    """(N, M, T, 58) reactions to every clip, T its whole windows; the seed decides them."""
    window, pixels = config.model.window, config.model.face_encoder == "pixels"
    frames = int(clips.frames.min()) // window * window
    parts = []
    for start in tqdm(range(0, len(clips), BATCH), "reacting", unit="batch", leave=False):
        speaker = speaker_input(clips, slice(start, start + BATCH), frames, pixels)
        speaker = type(speaker)(*(part.to(config.device) for part in vars(speaker).values()))
        generator = torch.Generator().manual_seed(config.training.seed * 1_000_003 + start)
        parts.append(reactor.react(speaker, samples, generator).cpu().numpy())
    return np.concatenate(parts)


def real_reactions(clips: Clips, frames: int) -> np.ndarray:
    """(N, 1, T, 58): what every clip's own listener did."""
    own = [known[0] for known in clips.appropriate]
    return np.asarray(clips.reactions[own, None, :frames])


def measure(
    predictions: np.ndarray, clips: Clips, paper_scale: bool, workers: int, band: int | None
) -> dict[str, float]:
    """All metrics of reactions (N, M, T, 58) to the clips."""
    frames = predictions.shape[2]
    return all_metrics(
        predictions, np.asarray(clips.speaker[:, :frames]), clips.reactions[:, :frames],
        clips.lasting(frames), paper_scale, workers, band,
    )  # fmt: skip


def frames_per_second(reactor: Reactor, clips: Clips, config: Config) -> float:
    """FPS, up: one reaction with its pictures drawn, warm, median of five runs."""
    draw = make_renderer(RenderConfig()).render
    frames = min(SPEED_FRAMES, int(clips.frames.min())) // config.model.window * config.model.window
    speaker = speaker_input(clips, slice(0, 1), frames, config.model.face_encoder == "pixels")
    seconds = []
    for run in range(SPEED_RUNS + 1):
        begin = time.perf_counter()
        reaction = reactor.react(speaker, 1, torch.Generator().manual_seed(run))[0, 0].numpy()
        for frame in reaction:
            draw(frame)
        seconds.append(time.perf_counter() - begin)
    return frames / statistics.median(seconds[1:])
