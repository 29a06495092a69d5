"""A phase of training for answers in proportion to their cause.

In conversations a weak smile is mostly the beginning or the end of a strong one, so that a model
answers a weak one that is held as if it grew. Here made speakers hold one channel at a random
level: a smile is to be answered by a share of it, a squint or a raised cheek alone by nothing. The
energy score of real crops goes on meanwhile. The encoders stay as they are, and with them what the
heads of nods and laughs have learned.
"""

import numpy as np
import torch
from torch import Tensor

from reactface_node.config import TrainingConfig
from reactface_node.files.progress import ProgressBar
from reactface_node.model.reactface import ReactFace
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.corpus import Corpus
from reactface_node.research.training.mixture import Mixture
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    SAMPLES_PER_FRAME,
    indices_of,
)

SPEAKERS, SAMPLES, FRAMES = 8, 4, 96
WEIGHT, LEARNING_RATE, CLIP_NORM = 10.0, 3e-4, 1.0
ANSWERED, ALONE = "mouthSmile", ("eyeSquint", "cheekSquint")
SHARE, REST = 0.62, 0.025
"""Listeners return 0.675 of a smile on average and have a rest of 0.027 (``dispositions``); less
here, as they sometimes laugh too."""
ALONE_CHANCE = 0.5
REST_S, SETTLED_S = (0.4, 1.6), 1.0
TREMBLING = 0.004  # what a tracker's noise leaves, in weights
SMILES = indices_of("mouthSmile")


def train_proportion(
    learner: ReactFaceLearner, corpus: Corpus | Mixture, settings: TrainingConfig
) -> float:
    """Train what follows the encoders in place for ``settings.proportion_steps`` steps; returns the
    mean error of the last tenth, in weights. The same seed gives the same weights."""
    # Without smiles in the data there is no proportion to learn.
    steps = settings.proportion_steps if corpus.known[SMILES].all() else 0
    model = learner.model
    parts = (model.interaction, model.decoder, model.synchroniser, model.head)
    parameters = [one.requires_grad_(True) for part in parts for one in part.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=settings.weight_decay)
    device, errors = str(model.listener_mean.device), []
    drawn = settings.batch, settings.crop_frames, settings.listeners, settings.channel_dropout
    for step in ProgressBar(range(steps), "proportion", unit="step", leave=False):
        rng = np.random.default_rng([settings.seed, 6, step])
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        batch = corpus.batch(rng, *drawn, settings.begins_share).to(device)
        terms = learner.losses(batch, generator, settings.steps)
        error = proportion_error(model, rng)
        optimiser.zero_grad()
        (torch.stack(list(terms.values())).sum() + WEIGHT * error.square().mean()).backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimiser.step()
        errors.append(float(error.detach().abs().mean()))
    return float(np.mean(errors[-max(steps // 10, 1) :])) if errors else 0.0


def proportion_error(model: ReactFace, rng: np.random.Generator) -> Tensor:
    """(S,) the smile of the mean listener to S made speakers, less what is wanted, in weights."""
    speaker, levels = made_speakers(rng, model.config.window)
    device = model.listener_mean.device
    windows = speaker.face.shape[1] // model.config.window
    width = SPEAKERS, SAMPLES, windows, model.noise_width
    noise = torch.from_numpy(rng.standard_normal(width, np.float32)).to(device)
    size = SPEAKERS, SAMPLES, model.config.disposition
    who = torch.from_numpy(rng.standard_normal(size, np.float32)).to(device)
    output, _ = model(speaker.to(str(device)), noise, model.initial_state(SPEAKERS, SAMPLES, who))
    settled = round((REST_S[1] + SETTLED_S) * FRAME_RATE_HZ)
    calm = (output.listener - output.events)[:, :, settled:, SMILES]
    error: Tensor = calm.mean(dim=(1, 2, 3)) - REST - SHARE * levels.to(device)
    return error


def made_speakers(rng: np.random.Generator, window: int) -> tuple[SpeakerInput, Tensor]:
    """S persons with a neutral face, who then hold one channel at a level; and how much of a smile
    each shows, (S,): half of them show a channel that means none. Some are silent, some hum."""
    frames = FRAMES // window * window
    face = TREMBLING * rng.standard_normal((SPEAKERS, frames, NUM_COEFFICIENTS), np.float32)
    face[..., NUM_EXPRESSION:] *= 0.5
    levels = np.zeros(SPEAKERS, np.float32)
    for who in range(SPEAKERS):
        start = round(rng.uniform(*REST_S) * FRAME_RATE_HZ)
        level = rng.uniform()
        alone = rng.random() < ALONE_CHANCE
        stem = str(rng.choice(ALONE)) if alone else ANSWERED
        face[who, start:, indices_of(stem)] += level
        levels[who] = 0.0 if alone else level
    face[..., :NUM_EXPRESSION] = face[..., :NUM_EXPRESSION].clip(0.0, 1.0)
    loud = 0.01 * rng.uniform(size=(SPEAKERS, 1)) * (rng.random((SPEAKERS, 1)) < 0.5)
    sound = loud * rng.standard_normal((SPEAKERS, frames * SAMPLES_PER_FRAME))
    heard = torch.ones(SPEAKERS, frames, dtype=torch.bool)
    seen = torch.ones(SPEAKERS, frames, NUM_COEFFICIENTS, dtype=torch.bool)
    audio = torch.from_numpy(sound.astype(np.float32))
    return SpeakerInput(torch.from_numpy(face), seen, audio, heard), torch.from_numpy(levels)
