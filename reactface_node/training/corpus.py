"""A synthetic corpus in memory, and training batches cut from it."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from reactface_node.config import TrainingConfig
from reactface_node.data.synthetic import Dyad, make_dyad
from reactface_node.model.reactface import SpeakerInput
from reactface_node.perception.measures import ESTIMATED
from reactface_node.schema import (
    COEFFICIENT_NAMES,
    EXPRESSION,
    NUM_COEFFICIENTS,
    POSE_NAMES,
    SAMPLES_PER_FRAME,
)

TRACKER_GAIN = (0.6, 1.4)  # how a tracker's scale differs from channel to channel and person
TRACKER_OFFSET = 0.04  # and its neutral,
LARGE_OFFSET = 0.25  # which for a few channels may be far off
LARGE_OFFSET_SHARE = 0.1
FACE_MESH_SHARE = 0.5  # of crops that show exactly the channels FaceMesh gives
TRACKER_JITTER = 0.012
SMALLEST_STD = np.concatenate([np.full(52, 0.02), np.full(3, 0.01), np.full(3, 0.002)])


@dataclass(frozen=True)
class Batch:
    """speaker: what the model sees. truth (B, T, 58): the speaker without a tracker's faults.
    listeners (B, L, T, 58): the appropriate reactions."""

    speaker: SpeakerInput
    truth: torch.Tensor
    listeners: torch.Tensor


@dataclass(frozen=True)
class Statistics:
    """Per-channel numbers that the model standardises with, float32."""

    listener_mean: np.ndarray
    listener_std: np.ndarray
    speaker_std: np.ndarray


class Corpus:
    """Clips of one split, made from a seed; audio is kept as 16-bit to save memory."""

    def __init__(self, clips: list[Dyad]):
        self.speaker = np.stack([clip.speaker for clip in clips])
        self.listeners = np.stack([clip.listeners for clip in clips])
        audio = np.stack([clip.audio for clip in clips])
        self.audio = np.round(audio.clip(-1, 1) * 32767).astype(np.int16)

    @property
    def data_hash(self) -> str:
        """SHA-256 of everything in it."""
        digest = hashlib.sha256()
        for array in (self.speaker, self.listeners, self.audio):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def statistics(self) -> Statistics:
        flat = self.listeners.reshape(-1, NUM_COEFFICIENTS)
        return Statistics(
            flat.mean(0).astype(np.float32),
            np.maximum(flat.std(0), SMALLEST_STD).astype(np.float32),
            np.maximum(self.speaker.reshape(-1, NUM_COEFFICIENTS).std(0), SMALLEST_STD).astype(
                np.float32
            ),
        )

    def batch(self, rng: np.random.Generator, size: int, frames: int, dropout: float) -> Batch:
        """``size`` random crops, with a tracker's faults and missing streams at that rate."""
        clips = rng.integers(len(self.speaker), size=size)
        starts = rng.integers(self.speaker.shape[1] - frames + 1, size=size)
        spans = [slice(start, start + frames) for start in starts]
        truth = np.stack([self.speaker[c, s] for c, s in zip(clips, spans, strict=True)])
        listeners = np.stack([self.listeners[c, :, s] for c, s in zip(clips, spans, strict=True)])
        audio = np.stack(
            [
                self.audio[c, s.start * SAMPLES_PER_FRAME : s.stop * SAMPLES_PER_FRAME]
                for c, s in zip(clips, spans, strict=True)
            ]
        )
        face, valid = _as_tracked(rng, truth, dropout)
        heard = np.repeat(rng.random((size, 1)) >= dropout, frames, axis=1)
        return Batch(
            SpeakerInput(
                torch.from_numpy(face),
                torch.from_numpy(valid),
                torch.from_numpy(audio.astype(np.float32) / 32768),
                torch.from_numpy(heard),
            ),
            torch.from_numpy(truth),
            torch.from_numpy(listeners),
        )


def make_corpus(config: TrainingConfig, clips: int, stream: int, workers: int) -> Corpus:
    """``clips`` dyads; ``stream`` keeps the splits apart. Any number of workers gives the same."""
    seeds = [(config.seed, stream, index) for index in range(clips)]
    jobs = [(seed, config.clip_s, config.listeners) for seed in seeds]
    with ProcessPoolExecutor(workers) as pool:
        made = pool.map(_make_clip, jobs, chunksize=4)
        return Corpus(list(tqdm(made, "synthetic dyads", total=clips, unit="clip")))


def _make_clip(job: tuple[tuple[int, int, int], float, int]) -> Dyad:
    seed, seconds, listeners = job
    return make_dyad(np.random.default_rng(seed), seconds, listeners)


def _as_tracked(
    rng: np.random.Generator, truth: np.ndarray, dropout: float
) -> tuple[np.ndarray, np.ndarray]:
    """What a tracker might have made of the true coefficients, and its mask."""
    size, frames, channels = truth.shape
    one = (size, 1, channels)
    expression = np.zeros(channels, bool)
    expression[EXPRESSION] = True
    jitter = TRACKER_JITTER * rng.random((size, 1, 1)) * rng.standard_normal(truth.shape)
    wrong = LARGE_OFFSET * (rng.random(one) < LARGE_OFFSET_SHARE)
    offset = (TRACKER_OFFSET + wrong) * rng.standard_normal(one)
    face = truth * rng.uniform(*TRACKER_GAIN, one)
    face = np.where(expression, (face + offset + jitter).clip(0, 1), face + 0.3 * jitter)
    # Which channels there are is a tracker's property: whole channels go, for the whole crop.
    share = rng.choice([0.0, 0.25, 0.5], size=(size, 1, 1))
    valid = np.broadcast_to(rng.random(one) >= share, truth.shape).copy()
    given = np.array([name in ESTIMATED or name in POSE_NAMES for name in COEFFICIENT_NAMES])
    valid[rng.random(size) < FACE_MESH_SHARE] = given
    valid[rng.random(size) < dropout] = False
    gone = rng.random(size) < dropout
    at = rng.integers(frames, size=size)
    for index in np.flatnonzero(gone):
        valid[index, at[index] : at[index] + rng.integers(5, 40)] = False
    return np.where(valid, face, 0.0).astype(np.float32), valid
