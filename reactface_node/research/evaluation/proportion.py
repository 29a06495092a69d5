"""Proportionality: how listeners answer one channel of the speaker's face, from 0 to 1."""

import numpy as np
import torch

from reactface_node.config import Config
from reactface_node.files.progress import ProgressBar
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import SpeakerInput
from reactface_node.research.evaluation.probes import ProbeResult
from reactface_node.research.training.learner import Reactor
from reactface_node.schema import (
    ARKIT_NAMES,
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    SAMPLES_PER_FRAME,
    indices_of,
    stem_of,
)

STEP = 0.05
LEVELS = np.round(np.arange(0.0, 1.0 + STEP / 2, STEP), 2)
LISTENERS, FEWER_LISTENERS = 10, 4
"""For the channels of a smile, and for the others."""
REST_S, SHOWN_S, SETTLED_S = 1.5, 2.5, 1.0
"""A neutral face, then the channel at its level; the answer is the mean after it has settled."""
LARGEST_STEP, LARGEST_FALL = 0.15, 0.02
"""Most by which an answer may change for 0.05 of input, and fall in all while the input rises: half
the weight that is noise."""
SMILE, ALONE = "mouthSmile", ("eyeSquint", "cheekSquint")
GRADED = ((0.1, 0.06), (0.3, 0.2), (0.6, 0.4), (1.0, 0.65))
"""Speaker's smile, and about what the mean listener answers; half of it less or more is
accepted."""
SMILES = indices_of(SMILE)


def proportions(reactor: Reactor, config: Config) -> list[ProbeResult]:
    """Sweeps each channel of the face, both sides at once, by steps of 0.05 with a silent speaker.
    The listeners' chance is the same at every level."""
    stems = list(dict.fromkeys(stem_of(name) for name in ARKIT_NAMES))
    bar = ProgressBar(stems, "proportions", unit="channel", leave=False)
    return judge({stem: sweep(reactor, config, stem) for stem in bar})


def judge(answers: dict[str, np.ndarray]) -> list[ProbeResult]:
    """answers: for each channel (L, M, 52), the mean answer of M listeners at L levels."""
    means = {stem: answer.mean(axis=1) for stem, answer in answers.items()}
    steps = {stem: float(np.abs(np.diff(mean, axis=0)).max()) for stem, mean in means.items()}
    falls = {stem: backward(mean) for stem, mean in means.items()}
    steepest, backmost = max(steps, key=steps.__getitem__), max(falls, key=falls.__getitem__)
    smiling = answers[SMILE][..., SMILES].mean(axis=-1)
    worst = max(backward(one[:, None]) for one in smiling.T)
    found = [
        ProbeResult(
            f"largest step of an answer for {STEP} of input ({steepest})",
            steps[steepest],
            "weight",
            high=LARGEST_STEP,
        ),
        ProbeResult(
            f"an answer falls while the input rises ({backmost})",
            falls[backmost],
            "weight",
            high=LARGEST_FALL,
        ),
        ProbeResult(
            "a smile falls while the speaker's rises, worst listener",
            worst,
            "weight",
            high=LARGEST_FALL,
        ),
    ]
    for level, answer in GRADED:
        value = float(smiling[round(level / STEP)].mean())
        name = f"smile at {SMILE} {level:g}"
        found.append(ProbeResult(name, value, "weight", 0.5 * answer, 1.5 * answer))
    for stem in ALONE:
        value = float(means[stem][:, SMILES].mean(axis=-1).max())
        found.append(ProbeResult(f"smile at {stem} alone, most", value, "weight", high=STEP))
    return found


def backward(answer: np.ndarray) -> float:
    """How far the largest answer goes back: of (L, C), the channel that changes most from the first
    to the last level."""
    change = answer[-1] - answer[0]
    at = int(np.argmax(np.abs(change)))
    course = answer[:, at] * (1.0 if change[at] >= 0 else -1.0)
    return float((np.maximum.accumulate(course) - course).max())


def sweep(reactor: Reactor, config: Config, stem: str) -> np.ndarray:
    """(L, M, 52) the mean answer of each listener at each level of a channel."""
    listeners = LISTENERS if stem in (SMILE, *ALONE) else FEWER_LISTENERS
    speakers = speakers_showing(stem, config.model.window).to(config.device)
    if isinstance(reactor, ReactFace):
        drawn = reactor.react(speakers, listeners, torch.Generator().manual_seed(0), alike=True)
    else:
        # One level at a time: in a batch each would have other noise.
        parts = [
            SpeakerInput(*(v[[at]] for v in vars(speakers).values())) for at in range(len(LEVELS))
        ]
        react = reactor.react
        drawn = torch.cat([react(p, listeners, torch.Generator().manual_seed(0)) for p in parts])
    settled = round((REST_S + SETTLED_S) * FRAME_RATE_HZ)
    mean: np.ndarray = drawn[:, :, settled:, :NUM_EXPRESSION].mean(dim=2).cpu().numpy()
    return mean.clip(0.0, 1.0)


def speakers_showing(stem: str, window: int) -> SpeakerInput:
    """L silent persons who are neutral for 1.5 s and then show one channel, each at another level,
    for whole windows."""
    frames = -(-round((REST_S + SHOWN_S) * FRAME_RATE_HZ) // window) * window
    face = torch.zeros(len(LEVELS), frames, NUM_COEFFICIENTS)
    shown = torch.from_numpy(LEVELS).float()[:, None, None]
    face[:, round(REST_S * FRAME_RATE_HZ) :, indices_of(stem)] = shown
    silence = torch.zeros(len(LEVELS), frames * SAMPLES_PER_FRAME)
    there = torch.ones(len(LEVELS), frames, dtype=torch.bool)
    return SpeakerInput(face, torch.ones_like(face, dtype=torch.bool), silence, there)
