"""The last phase of training: the heads of nods and laughs alone.

Their gradients do not reach the encoders, so that a step needs no reaction. Crops are longer than
before, so that the heads learn what long silences and pauses bring, and all of a crop's listeners
are learned from at once, since events are rare.
"""

import numpy as np
import torch
from torch import Tensor

from reactface_node.config import TrainingConfig
from reactface_node.files.progress import ProgressBar
from reactface_node.model.reactface import ReactFace
from reactface_node.research.training.corpus import Batch, Corpus

CROP_FRAMES, BATCH = 480, 12
LEARNING_RATE, CLIP_NORM = 2e-3, 1.0


def train_events(model: ReactFace, corpus: Corpus, settings: TrainingConfig) -> float:
    """Train the heads of ``model`` in place for ``settings.event_steps`` steps; returns the mean
    loss per frame of the last tenth. The same seed gives the same weights."""
    heads = [head for head in (model.nods, model.laughs) if head is not None]
    parameters = [one for head in heads for one in head.parameters()]
    steps = settings.event_steps if parameters else 0
    if not steps:
        return 0.0
    for one in parameters:
        one.requires_grad_(True)
    optimiser = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    frames = min(CROP_FRAMES, int(corpus.clips.frames.min())) // model.config.window
    frames *= model.config.window
    device, seen = model.listener_mean.device, []
    for step in ProgressBar(range(steps), "nods and laughs", unit="step", leave=False):
        rng = np.random.default_rng([settings.seed, 5, step])
        drawn = BATCH, frames, settings.listeners, settings.channel_dropout, settings.begins_share
        loss = event_loss(model, corpus.batch(rng, *drawn).to(str(device)), settings)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimiser.step()
        schedule.step()
        seen.append(float(loss.detach()))
    return float(np.mean(seen[-max(steps // 10, 1) :]))


def event_loss(model: ReactFace, batch: Batch, settings: TrainingConfig) -> Tensor:
    """Negative log-likelihood per frame of the nods and laughs of all listeners of the crops. In
    crops with which no session begins, the first frames do not count: what was before is unknown.
    """
    assert model.nods is not None and model.laughs is not None
    count, listeners, frames = batch.may_nod.shape
    lead = 0 if batch.begins else min(settings.lead_frames, frames - model.config.window)
    counts = torch.arange(frames, device=batch.may_nod.device) >= lead
    with torch.no_grad():
        state = model.initial_state(count, listeners)
        hear = batch.speaker.audio_valid & model.config.use_speech
        see = batch.speaker.face_valid & model.config.use_face
        speech, _ = model.speech_encoder(batch.speaker.audio, hear, state.speech)
        face, _ = model.face_encoder(batch.speaker.face, see, state.face)
        aligned = model.alignment(face, speech)
    nods, remembered, _ = model.nods(aligned, speech, listeners, state.nod_memory)
    nod_loss = model.nods.loss(nods, batch.nods, batch.may_nod & counts, batch.nod_age)
    logits = model.laughs(remembered)
    return nod_loss + model.laughs.loss(logits, batch.laughs, batch.may_laugh & counts)
