"""Channels that a data set does not have: not given, not learned, not measured."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config
from rigs.store import clip, own, plan, write_all

from reactface_node.errors import UserError
from reactface_node.model.reactface import PITCH
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.store import ClipWriter, load_clips
from reactface_node.research.evaluation.metrics import all_metrics
from reactface_node.research.evaluation.rows import Scale, measure
from reactface_node.research.training.baselines.trans_ae import TransAE
from reactface_node.research.training.corpus import Corpus, speaker_input
from reactface_node.research.training.mixture import Domain, Mixture
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.research.training.train import standardise
from reactface_node.schema import indices_of

GAZE = indices_of("eyeLookUp", "eyeLookDown", "eyeLookIn", "eyeLookOut")
NAMES = tuple(
    f"eyeLook{way}{side}" for way in ("Up", "Down", "In", "Out") for side in ("Left", "Right")
)


@pytest.fixture
def clips():
    """Two clips whose listeners know no gaze."""
    rng = np.random.default_rng(0)
    lengths = np.array([120, 120])
    faces = rng.uniform(0.0, 0.5, (2, 2, 120, 58)).astype(np.float32)
    faces[..., GAZE] = 0.0
    audio = rng.integers(-9000, 9000, (2, 120 * 640), np.int16)
    known = (np.array([0, 1]), np.array([1, 0]))
    return Clips(("a", "b"), lengths, faces[0], audio, faces[1], known, lengths, missing=NAMES)


def test_a_speaker_never_has_them(clips):
    corpus = Corpus(clips)
    for seed in range(20):
        speaker = corpus.batch(np.random.default_rng(seed), 2, 64, 1, 0.2).speaker
        assert not speaker.face_valid[..., GAZE].any()
        assert not speaker.face[..., GAZE].any()
    whole = speaker_input(clips, slice(2), 64).face_valid
    assert not whole[..., GAZE].any() and whole[..., PITCH].all()


@pytest.mark.parametrize("own_past", [0, 100])
@pytest.mark.parametrize("form", ["standardised", "paper"])
def test_no_loss_reaches_them(clips, own_past, form):
    """The same losses and gradients, whatever stands in the unknown channels."""
    config = small_config().replace(
        **{
            "training.own_past_steps": own_past,
            "training.steps": 100,
            "training.loss_form": form,
            "training.objective": "posterior" if form == "standardised" else "samples",
        }
    )
    torch.manual_seed(0)
    learner = ReactFaceLearner(config)
    corpus = Corpus(clips)
    standardise(learner, corpus)
    batch = corpus.batch(np.random.default_rng(0), 2, 64, 2, 0.0, begins=1.0)
    last = learner.model.head[-1]
    assert not last.weight[GAZE].any() and last.weight[PITCH].any()
    generator = torch.Generator().manual_seed(0)
    terms = learner.losses(batch, generator, 0)
    torch.stack(list(terms.values())).sum().backward()
    for layer in (last, learner.model.speaker_head):
        assert not layer.weight.grad[GAZE].any() and layer.weight.grad[PITCH].any()
    told = batch.truth.clone()
    told[..., GAZE] = 0.7
    other = learner.losses(replace(batch, truth=told), torch.Generator().manual_seed(0), 0)
    torch.testing.assert_close(other, terms)


def test_a_listener_keeps_them_still_and_a_tracker_may_give_them(clips):
    torch.manual_seed(0)
    learner = ReactFaceLearner(small_config()).eval()
    standardise(learner, Corpus(clips))
    speaker = speaker_input(clips, slice(2), 64)
    drawn = learner.react(speaker, 2, torch.Generator().manual_seed(0))
    assert drawn[..., GAZE].abs().max() == 0.0 and drawn[..., PITCH].abs().max() > 0.0
    speaker.face[..., GAZE] = torch.rand(2, 64, len(GAZE))
    speaker.face_valid[..., GAZE] = True
    given = learner.react(speaker, 2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(given, drawn, atol=2e-3, rtol=0.0)


def test_a_crop_of_another_data_set_is_compared_in_all_channels(clips):
    """In a mixture each crop says which channels are known."""
    learner = ReactFaceLearner(small_config())
    standardise(learner, Corpus(replace(clips, missing=())))
    batch = Corpus(clips).batch(np.random.default_rng(0), 2, 64, 1, 0.0, begins=1.0)
    batch = replace(batch, known=torch.stack([batch.known[0], torch.ones(58, dtype=bool)]))
    compared = learner._compared(torch.ones(2, 1, 64, 58), batch)
    assert not compared[0, ..., GAZE].any() and compared[1, ..., GAZE].all()


def test_a_mixture_standardises_with_those_that_know_a_channel(clips):
    rng = np.random.default_rng(3)
    faces = rng.uniform(0.2, 0.9, (2, 2, 120, 58)).astype(np.float32)
    whole = replace(clips, speaker=faces[0], reactions=faces[1], missing=())
    corpora = [Corpus(clips), Corpus(whole)]
    parts = [Domain(str(n), 0.5, one, "") for n, one in enumerate(corpora)]
    mixture = Mixture(parts)
    assert mixture.known.all() and Mixture(parts[:1]).known.sum() == 50
    found, alone = mixture.statistics(), corpora[1].statistics()
    assert found.known.all()
    for name in ("listener_mean", "listener_std", "speaker_std"):
        ours, theirs = getattr(found, name), getattr(alone, name)
        np.testing.assert_allclose(ours[GAZE], theirs[GAZE], rtol=1e-5)
    mouth = indices_of("jawOpen", "mouthSmile")
    both = [one.statistics().listener_mean[mouth] for one in corpora]
    np.testing.assert_allclose(found.listener_mean[mouth], np.mean(both, axis=0), rtol=1e-5)
    batch = mixture.batch(np.random.default_rng(0), 16, 64, 1, 0.0)
    assert {int(row.sum()) for row in batch.known} == {50, 58}
    assert not batch.listeners[~batch.known[:, None, None].expand(batch.listeners.shape)].any()


def test_without_a_pitch_no_nods_and_without_a_smile_no_laughs_are_judged(clips):
    rng = np.random.default_rng(0)
    whole = Corpus(clips).batch(rng, 2, 64, 1, 0.0)
    assert whole.may_nod.any() and whole.may_laugh.any()
    missing = ("rotationX", "mouthSmileLeft", "mouthSmileRight")
    less = Corpus(replace(clips, missing=missing)).batch(rng, 2, 64, 1, 0.0)
    assert not less.may_nod.any() and not less.may_laugh.any()


def test_a_baseline_learns_the_mean_listener_there(clips):
    network = TransAE(small_config().model)
    standardise(network, Corpus(replace(clips, missing=())))
    network.listener_mean += 0.1
    batch = Corpus(clips).batch(np.random.default_rng(0), 2, 64, 1, 0.0)
    assert not network.own_listener(batch)[..., GAZE].any()


def test_metrics_leave_them_out(clips):
    rng = np.random.default_rng(1)
    predictions = rng.uniform(0, 0.5, (2, 2, 112, 58)).astype(np.float32)
    got = measure("x", predictions, clips, None, Scale())
    kept = np.setdiff1d(np.arange(58), GAZE)
    expected = all_metrics(
        predictions[..., kept],
        clips.speaker[:, :112, kept],
        clips.reactions[:, :112, kept],
        clips.appropriate,
    )
    names = [name for name in got if name != "FRDist_s"]
    assert [got[n] for n in names] == pytest.approx([expected[n] for n in names])
    assert got["constant_dimensions"] == 0.0


@pytest.mark.parametrize("names", [["eyeLookUpLeft"], ["eyeLook"], "eyeLookUpLeft", [3]])
def test_a_stored_split_names_them(names, tmp_path):
    wanted = replace(plan(), facts={"missing": names})
    with ClipWriter(tmp_path, wanted) as writer:
        write_all(writer, [clip(seed) for seed in range(3)])
        writer.finish(own(3))
    if names == ["eyeLookUpLeft"]:
        loaded = load_clips(tmp_path, "train")
        assert loaded.missing == ("eyeLookUpLeft",) and loaded.known.sum() == 57
        return
    with pytest.raises(UserError, match="missing channels that nobody knows"):
        load_clips(tmp_path, "train")
