"""A probe with a recording of real speech."""

from pathlib import Path

import numpy as np
import torch

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media.audio import integers_to_float
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.decode import read_audio
from reactface_node.research.data.head_nods import head_nods
from reactface_node.research.evaluation.probes import ANSWER_S, ProbeResult
from reactface_node.research.training.learner import Reactor
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, ROTATION, SAMPLES_PER_FRAME

SAMPLES = 20
# A frame is silent if it is this far below the loud ones. A pause is as long as a usual gap between
# turns (Stivers et al. 2009) and follows enough speech for a back-channel (Ward and Tsukahara).
SILENT_DB = -26.0
PAUSE_FRAMES, SPEECH_FRAMES = 6, 18
SPEECH_SHARE = 0.6
LEAST_PAUSES = 3


def recording(reactor: Reactor, path: Path, config: Config) -> list[ProbeResult]:
    """The timing of nods to the voice of a sound or video file, without a face, and for comparison
    without the voice.

    UserError if the file holds no sound or fewer than three pauses.
    """
    audio = integers_to_float(read_audio(path))
    frames = len(audio) // SAMPLES_PER_FRAME // config.model.window * config.model.window
    audio = audio[: frames * SAMPLES_PER_FRAME]
    starts = pauses(audio)
    if len(starts) < LEAST_PAUSES:
        raise UserError(f"{path} has {len(starts)} pauses in speech, {LEAST_PAUSES} are needed")
    heard, unheard = (_nods(reactor, audio, there, config) for there in (True, False))
    minutes = frames / FRAME_RATE_HZ / 60
    lift, deaf = (timing(nods, starts, frames / FRAME_RATE_HZ) for nods in (heard, unheard))
    return [
        ProbeResult(f"{path.name}: nods", _count(heard) / minutes, "a minute"),
        ProbeResult(f"{path.name}: they start within 1.5 s of a pause", lift, "times chance"),
        ProbeResult("unheard: nods", _count(unheard) / minutes, "a minute"),
        ProbeResult("unheard: they start within 1.5 s of a pause", deaf, "times chance"),
    ]


def pauses(audio: np.ndarray) -> np.ndarray:
    """(P,) seconds at which a pause begins in (n,) samples at 16 kHz."""
    frames = audio[: len(audio) // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME]
    level = np.sqrt(np.square(frames.reshape(-1, SAMPLES_PER_FRAME)).mean(1))
    loud = level > np.percentile(level, 90) * 10 ** (SILENT_DB / 20)
    found = [
        at
        for at in range(SPEECH_FRAMES, len(loud) - PAUSE_FRAMES)
        if loud[at - 1]
        and not loud[at : at + PAUSE_FRAMES].any()
        and loud[at - SPEECH_FRAMES : at].mean() >= SPEECH_SHARE
    ]
    return np.array(found) / FRAME_RATE_HZ


def timing(nods_s: list[np.ndarray], starts_s: np.ndarray, seconds: float) -> float:
    """Share of the nods that begin within 1.5 s after one of the starts (P,), divided by the share
    of the time that these intervals cover: 1 is chance, NaN without a nod. nods_s: one array of
    onsets per listener."""
    times = np.arange(0, seconds, 1 / FRAME_RATE_HZ)
    onsets = np.concatenate(nods_s)
    if not len(onsets):
        return float("nan")
    return float(_after(onsets, starts_s).mean() / _after(times, starts_s).mean())


def _after(times_s: np.ndarray, starts_s: np.ndarray) -> np.ndarray:
    since = times_s[:, None] - starts_s
    return np.asarray(((since >= 0) & (since < ANSWER_S)).any(axis=1))


def _count(nods_s: list[np.ndarray]) -> float:
    return float(np.mean([len(one) for one in nods_s]))


def _nods(reactor: Reactor, audio: np.ndarray, heard: bool, config: Config) -> list[np.ndarray]:
    """Onsets in seconds of each sample's nods."""
    frames = len(audio) // SAMPLES_PER_FRAME
    nothing = torch.zeros(1, frames, NUM_COEFFICIENTS)
    speaker = SpeakerInput(
        nothing, nothing.bool(), torch.from_numpy(audio)[None], torch.full((1, frames), heard)
    ).to(config.device)
    faces = reactor.react(speaker, SAMPLES, torch.Generator().manual_seed(0))[0].cpu().numpy()
    pitch = faces[..., ROTATION.start].astype(np.float64)
    return [np.array([nod.start_s for nod in head_nods(one)]) for one in pitch]
