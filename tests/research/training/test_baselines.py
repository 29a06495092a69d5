"""The trained baselines: their samples, their causality, and their training."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_wav2vec2, speaker_input

from reactface_node.errors import UserError
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.synthetic import make_dyad
from reactface_node.research.training.baselines import BASELINES, TITLES, build
from reactface_node.research.training.baselines.trans_ae import TransAE
from reactface_node.research.training.corpus import Corpus
from reactface_node.research.training.train import standardise

NAMES = list(BASELINES)
DRAWN = ["lfi", "ng", "fsq", "trans_vae", "reactdiff"]
NOISY = ["lfi", "fsq", "trans_vae", "reactdiff"]
FRAMES = 32


@pytest.fixture(scope="module")
def corpus():
    dyads = [make_dyad(np.random.default_rng(seed), 3.2, 2) for seed in range(3)]
    return Corpus(
        Clips(
            ("a", "b", "c"),
            np.full(3, 80),
            np.stack([dyad.speaker for dyad in dyads]),
            np.stack([np.round(dyad.audio * 32767).astype(np.int16) for dyad in dyads]),
            np.concatenate([dyad.listeners for dyad in dyads]),
            tuple(np.array([2 * n, 2 * n + 1]) for n in range(3)),
            np.full(6, 80),
        )
    )


@pytest.fixture(scope="module")
def batch(corpus):
    return corpus.batch(np.random.default_rng(1), 4, FRAMES, 2, 0.1)


def network(name, corpus=None, spread=0.05):
    """A baseline with seeded weights, all of them away from zero."""
    torch.manual_seed(0)
    model = build(name, small_config().model)
    if corpus is not None:
        standardise(model, corpus)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape))
    return model.eval()


def react(model, speaker, samples=3, seed=0):
    return model.react(speaker, samples, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_reactions_come_from_the_generator_alone(name, corpus, batch):
    model = network(name, corpus)
    reaction = react(model, batch.speaker)
    assert reaction.shape == (4, 3, FRAMES, 58) and reaction.isfinite().all()
    assert torch.equal(reaction, react(model, batch.speaker))
    same = torch.equal(reaction[:, 0], reaction[:, 1])
    assert same == (name not in DRAWN)
    assert same == torch.equal(reaction, react(model, batch.speaker, seed=1))


@pytest.mark.parametrize("name", NAMES)
def test_a_reaction_is_in_the_listeners_units(name, corpus, batch):
    model = network(name, corpus)
    plain = react(model, batch.speaker)
    model.listener_mean += 100.0
    torch.testing.assert_close(react(model, batch.speaker), plain + 100.0, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "name, border", [(name, 16) for name in NAMES] + [("trans_ae", 19), ("zhou", 19)]
)
def test_nothing_is_seen_of_the_future(name, border):
    """TransAE and Zhou react frame by frame, the others window by window."""
    model, config = network(name, spread=0.2), small_config()
    one, other = (speaker_input(config, FRAMES, seed=seed) for seed in (0, 1))
    ends = one.frames(0, border), other.frames(border, FRAMES)
    parts = zip(*(vars(end).values() for end in ends), strict=True)
    joined = SpeakerInput(*(torch.cat(part, dim=1) for part in parts))
    first, second = react(model, one), react(model, joined)
    torch.testing.assert_close(first[:, :, :border], second[:, :, :border], atol=1e-5, rtol=1e-5)
    assert (first[:, :, border:] - second[:, :, border:]).abs().max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_lower_the_loss_and_reach_every_weight(name, corpus, batch):
    torch.manual_seed(0)
    model = build(name, small_config().model)
    standardise(model, corpus)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    values = []
    for _ in range(15):
        # The same draws in every step: those of the noise matter more than a few steps.
        terms = model.losses(batch, torch.Generator().manual_seed(0))
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert np.mean(values[-3:]) < np.mean(values[:3]) - 0.02 * abs(values[0])
    unmoved = [n for n, p in model.named_parameters() if p.grad is None]
    assert not unmoved, unmoved


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_is_the_generators(name, corpus, batch):
    model = network(name, corpus)
    one, two, other = (
        model.losses(batch, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert all(torch.equal(one[term], two[term]) and one[term].dim() == 0 for term in one)
    assert all(torch.equal(one[term], other[term]) for term in one) == (name not in NOISY)


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_changes_the_loss_a_little(name, corpus, batch):
    model = network(name, corpus)
    full = model.losses(batch, torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.losses(batch, torch.Generator().manual_seed(0))
    for term, value in full.items():
        assert mixed[term].item() == pytest.approx(value.item(), rel=0.1, abs=0.05), term


def test_the_first_listener_frame_is_the_only_one_the_lstm_is_told(corpus, batch):
    model = network("zhou", corpus)
    listener = model.own_listener(batch)
    told = model._listen(batch.speaker, listener[:, 0])
    untold = model._listen(batch.speaker, torch.zeros_like(listener[:, 0]))
    assert (told - untold).abs().max() > 1e-3
    torch.testing.assert_close(
        react(model, batch.speaker)[:, 0], model.real_units(untold), atol=1e-5, rtol=1e-5
    )


@pytest.mark.slow
def test_trans_ae_reads_what_the_config_says():
    config = small_config("paper", model__wav2vec2_context_s=0.32)
    speaker = speaker_input(config, 16)
    torch.manual_seed(0)
    model = TransAE(config.model, small_wav2vec2()).eval()
    assert react(model, speaker, 2).shape == (1, 2, 16, 58)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "trans_ae"])
def test_the_others_refuse_pixels(name):
    with pytest.raises(UserError, match="face_encoder=coefficients"):
        build(name, small_config("paper").model)


@pytest.mark.parametrize("name", DRAWN)
def test_half_a_window_is_refused(name):
    with pytest.raises(ValueError, match="whole windows"):
        react(network(name), speaker_input(small_config(), 12))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("window", "width"), [(1, 20), (32, 100)])
def test_other_windows_and_widths(name, window, width, corpus, batch):
    torch.manual_seed(0)
    config = small_config(model__window=window, model__width=width, model__heads=2)
    model = build(name, config.model).eval()
    standardise(model, corpus)
    with torch.no_grad():
        terms = model.losses(batch, torch.Generator().manual_seed(0))
    assert all(value.isfinite() for value in terms.values())
    speaker = batch.speaker.frames(0, window)
    assert react(model, speaker, 1).shape == (4, 1, window, 58)


def test_an_unknown_baseline_is_named():
    with pytest.raises(UserError, match="unknown baseline 'gan'; there are: trans_ae, lfi"):
        build("gan", small_config().model)
    assert set(NAMES) < set(TITLES)
