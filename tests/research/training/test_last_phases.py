"""The last phase of training: nods and laughs alone, on long crops."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config

from reactface_node.research.data.clips import Clips
from reactface_node.research.data.motion import envelope, frame_times
from reactface_node.research.data.nods import Nod, pitch_of
from reactface_node.research.training.corpus import Corpus
from reactface_node.research.training.events import event_loss, train_events
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.schema import ROTATION, index_of, indices_of

pytestmark = pytest.mark.slow

FRAMES, CAUSE_S = 200, (2.0, 5.0)


def clips(count=4):
    """Speakers raise a cheek at known times; listeners nod 0.4 s and laugh 0.8 s later."""
    speaker = np.zeros((count, FRAMES, 58), np.float32)
    reactions = np.zeros((count, FRAMES, 58), np.float32)
    times = frame_times(FRAMES)
    for start in CAUSE_S:
        shown = envelope(times, start, start + 0.2, 0.1, 0.1)
        speaker[:, :, indices_of("cheekSquint")] += shown[None, :, None]
        laugh = envelope(times, start + 0.8, start + 1.6, 0.2, 0.3)
        reactions[:, :, indices_of("mouthSmile")] += 0.6 * laugh[None, :, None]
        reactions[:, :, index_of("jawOpen")] += 0.2 * laugh
    nods = tuple(Nod(start + 0.4, 2, 0.08, 1.5) for start in CAUSE_S)
    reactions[:, :, ROTATION.start] += pitch_of(nods, FRAMES)
    return Clips(
        names=tuple(map(str, range(count))),
        frames=np.full(count, FRAMES),
        speaker=speaker,
        audio=np.zeros((count, FRAMES * 640), np.int16),
        reactions=reactions,
        appropriate=tuple(np.array([i]) for i in range(count)),
        reaction_frames=np.full(count, FRAMES),
    )


def settings(steps):
    named = {"training.event_steps": steps, "training.channel_dropout": 0.0}
    return small_config(model__nods=True).replace({**named, "training.listeners": 1})


def learner_of(config):
    torch.manual_seed(0)
    return ReactFaceLearner(config).eval()


def test_only_the_heads_learn_and_they_learn_when_events_come():
    config = settings(60)
    learner = learner_of(config)
    model = learner.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    corpus = Corpus(clips())
    drawn = corpus.batch(np.random.default_rng(3), 4, FRAMES, 1, 0.0, 1.0)
    with torch.no_grad():
        first = float(event_loss(learner, drawn))
    train_events(learner, corpus, config.training)
    with torch.no_grad():
        assert float(event_loss(learner, drawn)) < 0.8 * first
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith(("nods.", "laughs.")), name


def test_the_same_seed_gives_the_same_heads_and_no_steps_change_nothing():
    config = settings(3)
    learners = [learner_of(config) for _ in range(2)]
    losses = [train_events(one, Corpus(clips()), config.training) for one in learners]
    assert losses[0] == losses[1] > 0
    ours, theirs = (one.state_dict() for one in learners)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert train_events(learners[0], Corpus(clips()), settings(0).training) == 0.0
