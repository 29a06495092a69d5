"""The parts of Trans-VAE and of the scalar quantisation, against torch's layers and by hand."""

import pytest
import torch
from rigs.model_inputs import small_config, speaker_input
from torch import nn

from reactface_node.research.training.baselines.fsq import (
    TOKENS,
    FaceTokeniser,
    ScalarListener,
    ScalarQuantiser,
)
from reactface_node.research.training.baselines.trans_vae import (
    Caches,
    NewestLayer,
    TransVAE,
    divergence,
    known,
)

WIDTH = 32


@pytest.fixture(scope="module")
def config():
    return small_config().model


def copy_attention(ours, theirs):
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key_value.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key_value.bias]))
    theirs.out_proj.load_state_dict(ours.out.state_dict())


def copy_rest(ours, theirs, norms):
    theirs.linear1.load_state_dict(ours.feed_forward[1].state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    for one, other in zip([*ours.norms, ours.feed_forward[0]], norms, strict=True):
        nn.init.normal_(one.weight)
        other.load_state_dict(one.state_dict())


LIKE = {"batch_first": True, "norm_first": True, "activation": "gelu", "dropout": 0.0}


@torch.no_grad()
def test_the_encoders_two_tokens_are_those_of_the_whole_layer(config):
    torch.manual_seed(0)
    ours = NewestLayer(config, 1).eval()
    whole = nn.TransformerEncoderLayer(WIDTH, config.heads, 2 * WIDTH, **LIKE)
    copy_attention(ours.attentions[0], whole.self_attn)
    copy_rest(ours, whole, (whole.norm1, whole.norm2))
    frames = torch.randn(3, 20, WIDTH)
    found = ours(frames[:, :2], ours.read(frames))
    torch.testing.assert_close(found, whole(frames)[:, :2], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_decoders_newest_frames_are_those_of_the_whole_layer(config):
    torch.manual_seed(0)
    ours = NewestLayer(config, 2).eval()
    whole = nn.TransformerDecoderLayer(WIDTH, config.heads, 2 * WIDTH, **LIKE)
    copy_attention(ours.attentions[0], whole.self_attn)
    copy_attention(ours.attentions[1], whole.multihead_attn)
    copy_rest(ours, whole, (whole.norm1, whole.norm2, whole.norm3))
    frames = torch.randn(3, 20, WIDTH)
    found = ours(frames[:, -8:], ours.read(frames, frames), known(8, 20, frames.device))
    causal = ~known(20, 20, frames.device)
    expected = whole(frames, frames, tgt_mask=causal)[:, -8:]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_query_knows_the_frames_up_to_itself():
    assert known(2, 4, torch.device("cpu")).int().tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_the_divergence_by_hand():
    """0.5 (1 + 1 - 1 - 0) = 0.5, and 0.5 (0 + 4 - 1 - log 4) = 0.806853."""
    found = divergence(
        torch.tensor([1.0, 0.0]),
        torch.tensor([0.0, 4.0]).where(torch.tensor([True, False]), torch.tensor(4.0).log()),
    )
    assert found.tolist() == pytest.approx([0.5, 0.806853], abs=1e-6)


@torch.no_grad()
def test_what_trans_vae_remembers_is_bounded(config):
    """1.28 s of history are 32 frames."""
    torch.manual_seed(0)
    model = TransVAE(config).eval()
    memories = Caches(None, None)
    for _ in range(6):
        memories = model._remember(memories, torch.randn(1, 8, WIDTH), torch.randn(1, 8, 58))
    sizes = [part.keys.shape[2] for part in (memories.encoder, *memories.decoder)]
    assert sizes == [32, 32, 32]


@torch.no_grad()
def test_each_window_of_trans_vae_has_its_own_latent(config):
    torch.manual_seed(0)
    model = TransVAE(config).eval()
    speaker = model.speaker_features(speaker_input(small_config(), 32))
    plain = torch.zeros(1, 4, WIDTH)
    other = plain.clone()
    other[:, 2] = 3.0
    one, two = (model._respond(speaker, noise).reaction for noise in (plain, other))
    assert torch.equal(one[:, :16], two[:, :16])
    assert (one[:, 16:24] - two[:, 16:24]).abs().amax() > 1e-3


def test_scalars_are_rounded_to_their_levels_by_hand():
    """4 levels are -1, -1/3, 1/3, 1; 3 levels -1, 0, 1. The first number is the lowest digit."""
    quantiser = ScalarQuantiser((4, 3))
    codes, tokens = quantiser(torch.tensor([[-9.0, 9.0], [9.0, 0.0], [0.0, -9.0]]))
    assert codes[0].tolist() == [-1.0, 1.0] and codes[1].tolist() == [1.0, 0.0]
    assert codes[2, 0].abs().item() == pytest.approx(1 / 3) and codes[2, 1] == -1.0
    assert tokens[:2].tolist() == [0 + 4 * 2, 3 + 4 * 1] and tokens[2].item() in (1, 2)
    torch.testing.assert_close(quantiser.look_up(tokens), codes)


def test_every_token_is_reached_and_found_again():
    quantiser = ScalarQuantiser((8, 5, 5, 5))
    torch.manual_seed(0)
    codes, tokens = quantiser(6.0 * torch.rand(400_000, 4) - 3.0)
    assert tokens.unique().tolist() == list(range(TOKENS)) and TOKENS == 1000
    torch.testing.assert_close(quantiser.look_up(tokens), codes)


def test_the_gradient_passes_the_rounding():
    x = torch.tensor([[0.3, -0.2, 0.1, 0.9]], requires_grad=True)
    codes, _ = ScalarQuantiser((8, 5, 5, 5))(x)
    codes.sum().backward()
    # d tanh(x) = 1 - tanh(x)^2, where there is no shift.
    assert x.grad[0, 1:].tolist() == pytest.approx([0.961043, 0.990066, 0.486917], abs=1e-5)


def test_a_frame_is_a_token_of_its_own(config):
    torch.manual_seed(0)
    tokeniser = FaceTokeniser(WIDTH)
    frames = torch.randn(2, 5, 58)
    rebuilt, tokens = tokeniser(frames)
    assert torch.equal(tokeniser(frames[:, 3:])[1], tokens[:, 3:])
    torch.testing.assert_close(tokeniser.decode(tokens), rebuilt)


@torch.no_grad()
def test_drawing_window_by_window_predicts_as_training_does(config):
    torch.manual_seed(0)
    model = ScalarListener(config).eval()
    for block in (model.speaker, *model.fusion):
        block.gate.fill_(0.5)
    speaker = model._speaker(speaker_input(small_config(), 48))
    before = torch.randint(TOKENS, (1, 48))
    whole, _ = model._predict(before, speaker, None)
    parts, state = [], None
    for at in range(0, 48, 8):
        logits, state = model._predict(before[:, at : at + 8], speaker[:, at : at + 8], state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-4, rtol=1e-4)
