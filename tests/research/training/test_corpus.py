"""Clips of different lengths: padding after their ends never reaches training or a metric."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config
from rigs.store import one_file_split

from reactface_node.model.event_times import NEVER
from reactface_node.model.reactface import PITCH
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.convert import DyadSource, convert
from reactface_node.research.data.head_nods import head_nods, without_nods
from reactface_node.research.data.nods import Nod, nod_starts, pitch_of
from reactface_node.research.data.plan import Plan
from reactface_node.research.data.store import load_clips
from reactface_node.research.data.synthetic import make_dyad
from reactface_node.research.evaluation.rows import Scale, measure
from reactface_node.research.training.corpus import Corpus
from reactface_node.research.training.noise import CropNoise
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.research.training.splits import select
from reactface_node.research.training.train import standardise

LENGTHS = np.array([200, 192, 184])
LONGEST = 200


@pytest.fixture(scope="module")
def clips():
    """Each clip's own listener and both others are appropriate; no real value is 0."""
    rng = np.random.default_rng(0)
    inside = np.arange(LONGEST) < LENGTHS[:, None]

    def faces(mean):
        motion = rng.uniform(-0.1, 0.1, (3, LONGEST, 58)) + mean
        return (motion * inside[..., None]).astype(np.float32)

    audio = rng.integers(2000, 9000, (3, LONGEST * 640)) * inside.repeat(640, 1)
    return Clips(
        names=("a", "b", "c"),
        frames=LENGTHS,
        speaker=faces(0.6),
        audio=audio.astype(np.int16),
        reactions=faces(0.4),
        appropriate=tuple(np.roll(np.arange(3), -n) for n in range(3)),
        reaction_frames=LENGTHS,
    )


def test_statistics_are_those_of_what_is_there(clips):
    found = Corpus(clips).statistics()
    pairs = list(zip(clips.reactions, clips.speaker, LENGTHS, strict=True))
    listener = np.concatenate([reaction[:n] for reaction, _, n in pairs]).astype(np.float64)
    pitch = [reaction[:n, PITCH].astype(np.float64) for reaction, _, n in pairs]
    listener[:, PITCH] = np.concatenate([without_nods(one, head_nods(one)) for one in pitch])
    speaker = np.concatenate([face[:n] for _, face, n in pairs])
    np.testing.assert_allclose(found.listener_mean, listener.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found.listener_std, listener.std(0), rtol=1e-4)
    np.testing.assert_allclose(found.speaker_std, speaker.std(0), rtol=1e-4)


def test_the_voice_is_standardised_without_the_silence_after_it(clips):
    learner = ReactFaceLearner(small_config())
    standardise(learner, Corpus(clips))
    # A white voice without a pause has about the same level in every feature.
    assert learner.model.speech_encoder.mel_std.max() < 2.0


def test_no_crop_holds_what_follows_a_reaction(clips):
    corpus = Corpus(clips)
    seen = set()
    for seed in range(20):
        batch = corpus.batch(np.random.default_rng(seed), 16, 180, 3, 0.0)
        assert batch.listeners.abs().amin(dim=3).min() > 0
        assert batch.truth.abs().amin(dim=2).min() > 0
        for own, *others in batch.listeners:
            seen |= {len(torch.unique(torch.stack([own, *others]), dim=0))}
    assert seen == {1, 2, 3}  # near its end a long clip has fewer listeners


def test_the_end_of_a_reaction_is_no_nod(clips):
    """The head is raised for the last 0.2 s; what follows in the array would lower it quickly."""
    reactions, last = np.zeros_like(clips.reactions), np.arange(LONGEST)
    for reaction, length in zip(reactions, LENGTHS, strict=True):
        reaction[(last >= length - 5) & (last < length)] = -0.3
    corpus = Corpus(replace(clips, reactions=reactions))
    batch = corpus.batch(np.random.default_rng(0), 8, 184, 1, 0.0)
    assert not batch.nods.any() and batch.may_nod.all()


def test_the_nods_that_a_data_set_names_are_taught_exactly(clips):
    """Half-cycles, depth, rhythm and time since the last nod; the calm pitch is what is left."""
    nods = (Nod(2.0, 3, 0.05, 1.5), Nod(5.0, 2, 0.02, 1.0))
    starts = np.zeros((3, LONGEST, 3), np.float32)
    reactions = np.zeros_like(clips.reactions)
    starts[:], reactions[..., PITCH] = nod_starts(nods, LONGEST), pitch_of(nods, LONGEST)
    corpus = Corpus(replace(clips, reactions=reactions, nods=starts))
    batch = corpus.batch(np.random.default_rng(0), 1, 184, 1, 0.0)
    at = int(np.flatnonzero(batch.nods[0, 0, :, 0])[0])
    assert batch.nods[0, 0, at].tolist() == pytest.approx([3.0, 0.05, 1.5])
    assert batch.nod_age[0, 0, at] == NEVER and batch.nod_age[0, 0, at + 75] == 75
    assert not batch.may_nod[0, 0, at + 1 : at + 30].any() and batch.may_nod[0, 0, at]
    calm = batch.listeners[0, 0, :, PITCH] - batch.nod_pitch[0, 0]
    assert calm.abs().max() < 1e-6


def test_the_form_before_gives_the_same_batches(tmp_path):
    """Events are computed at the start there, and by the conversion now."""
    made = Plan("train", tuple("abcd"), 120, 3, False, {"labels": True, "nods": True})
    parts = [make_dyad(np.random.default_rng(seed), 4.8, 3) for seed in range(4)]
    source = DyadSource("train", parts.__getitem__, 4, 3, 120, made.facts)
    convert(source, tmp_path / "new", workers=1)
    one_file_split(tmp_path / "old", made, [*source.read(range(4))])
    corpora = [Corpus(load_clips(tmp_path / name, "train")) for name in ("new", "old")]
    for seed in range(5):
        new, old = (one.batch(np.random.default_rng(seed), 4, 64, 2, 0.1, 0.5) for one in corpora)
        for name, value in vars(new).items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, vars(old)[name]), name
    assert np.asarray(corpora[0]._events)[..., 0].any()
    new, old = (one.statistics() for one in corpora)
    for name, value in vars(new).items():
        np.testing.assert_array_equal(value, vars(old)[name])


def test_a_metric_compares_with_reactions_that_last(clips):
    """Of the first clip alone, 200 frames are measured: the other reactions are shorter."""
    one = select(clips, slice(1))
    padded = clips.reactions[None, 1:2]  # a prediction that is exactly a shorter reaction
    assert measure("x", padded, one, None, Scale())["FRDist"] > 1.0
    own = clips.reactions[None, :1]
    assert measure("x", own, one, None, Scale())["FRDist"] == pytest.approx(0.0, abs=1e-6)


def test_a_batch_of_beginnings_has_the_first_frames_of_its_clips(clips):
    corpus = Corpus(clips)
    batch = corpus.batch(np.random.default_rng(0), 16, 64, 1, 0.0, begins=1.0)
    starts = {bytes(first) for first in clips.speaker[:, 0]}
    assert batch.begins and {bytes(crop[0]) for crop in batch.truth.numpy()} <= starts
    assert batch.part(1, 2).begins and batch.to("cpu").begins
    other = corpus.batch(np.random.default_rng(0), 16, 64, 1, 0.0)
    assert not other.begins
    assert any(bytes(crop[0]) not in starts for crop in other.truth.numpy())
    share = np.mean(
        [corpus.batch(np.random.default_rng(n), 1, 8, 1, 0.0, 0.25).begins for n in range(200)]
    )
    assert 0.15 < share < 0.35


def test_a_beginning_is_judged_from_its_first_frame_and_starts_at_the_neutral_face(clips):
    learner = ReactFaceLearner(small_config())
    standardise(learner, Corpus(clips))
    batch = Corpus(clips).batch(np.random.default_rng(0), 2, 64, 1, 0.0, begins=1.0)
    noise = CropNoise(torch.Generator().manual_seed(0), batch.position)
    who = torch.zeros(2, 1, learner.model.config.disposition)
    frames = torch.arange(64.0).reshape(1, 1, 64, 1).expand(2, 1, 64, 58)
    assert learner._counted(frames, batch).shape[2] == 64
    state = learner._state(batch, who, noise)
    assert not state.frame.any()
    edge = state.edge * learner.model.listener_std + learner.model.listener_mean
    torch.testing.assert_close(edge, torch.zeros_like(edge), atol=1e-6, rtol=0.0)
    later = replace(batch, begins=False)
    assert learner._counted(frames, later)[0, 0, 0, 0] == 48
    state = learner._state(later, who, noise)
    assert state.edge is None and state.frame.any()


@pytest.mark.parametrize("own_past", [0, 100])
def test_beginnings_have_a_loss_with_and_without_their_own_past(clips, own_past):
    config = small_config().replace(
        **{"training.own_past_steps": own_past, "training.steps": 100, "model.continuity": True}
    )
    learner = ReactFaceLearner(config)
    standardise(learner, Corpus(clips))
    batch = Corpus(clips).batch(np.random.default_rng(0), 2, 64, 3, 0.15, begins=1.0)
    parts = learner.losses(batch, torch.Generator().manual_seed(0))
    total = torch.stack(list(parts.values())).sum()
    assert torch.isfinite(total)
    total.backward()
