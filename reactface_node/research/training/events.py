"""The last phase of training: the heads of nods and laughs alone.

Their gradients do not reach the encoders, so that a step needs no reaction. Crops are longer than
before, so that the heads learn what long silences and pauses bring, and all of a crop's listeners
are learned from at once, since events are rare. What laughter sounds like is learned from made
voices.
"""

import numpy as np
import torch
from torch import Tensor

from reactface_node.config import TrainingConfig
from reactface_node.files.progress import ProgressBar
from reactface_node.model.reactface import ReactFace
from reactface_node.research.training.corpus import Batch, Corpus
from reactface_node.research.training.laughter import Voices, made_voices
from reactface_node.research.training.mixture import Mixture
from reactface_node.research.training.objective import ReactFaceLearner

CROP_FRAMES, BATCH = 480, 12
VOICES, MOST_VOICES = 6, 240
"""Made voices of a step, and of all steps: 240 take a minute and a half to make."""
LEARNING_RATE, CLIP_NORM = 2e-3, 1.0


def train_events(
    learner: ReactFaceLearner, corpus: Corpus | Mixture, settings: TrainingConfig
) -> float:
    """Train the heads of nods and laughs in place for ``settings.event_steps`` steps; returns the
    mean loss per frame of the last tenth. The same seed gives the same weights."""
    model = learner.model
    model.requires_grad_(False)
    heads = [head for head in (model.nods, model.laughs) if head is not None]
    parameters = [one.requires_grad_(True) for head in heads for one in head.parameters()]
    steps = settings.event_steps if parameters else 0
    if not steps:
        return 0.0
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    window = model.config.window
    frames = min(CROP_FRAMES, corpus.shortest) // window * window
    drawn = BATCH, frames, settings.listeners, settings.channel_dropout, settings.begins_share
    count = min(MOST_VOICES, max(VOICES, steps // VOICES))
    voices = made_voices(settings.seed, count, frames)
    device, seen = str(model.listener_mean.device), []
    for step in ProgressBar(range(steps), "nods and laughs", unit="step", leave=False):
        rng = np.random.default_rng([settings.seed, 5, step])
        loss = event_loss(learner, corpus.batch(rng, *drawn).to(device))
        if model.laughs is not None:
            chosen = rng.integers(len(voices.laughing), size=VOICES)
            loss = loss + voice_loss(model, voices.chosen(chosen, device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimiser.step()
        schedule.step()
        seen.append(float(loss.detach()))
    return float(np.mean(seen[-max(steps // 10, 1) :]))


def event_loss(learner: ReactFaceLearner, batch: Batch) -> Tensor:
    """Negative log-likelihood per frame of the nods and laughs of all listeners of the crops."""
    model = learner.model
    seen, _ = model.encode(batch.speaker, model.initial_state(*batch.may_nod.shape[:2]))
    assert model.nods is not None and seen.nods is not None and seen.laughs is not None
    may_nod = learner.judged(batch.may_nod, batch)
    nods = model.nods.loss(seen.nods, batch.nods, may_nod, batch.nod_age)
    return nods + learner.laugh_loss(seen.laughs, batch)


def voice_loss(model: ReactFace, voices: Voices) -> Tensor:
    """Cross-entropy per frame of the laughter of made voices."""
    seen, _ = model.encode(voices.speaker, model.initial_state(len(voices.laughing)))
    assert model.laughs is not None and seen.laughs is not None
    return model.laughs.speaker_loss(seen.laughs[:, 1], voices.laughing)
