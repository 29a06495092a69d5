"""Parts of the causal model: each streams, ignores the future, and follows its equation."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model

from reactface_node.model.attention import BiasedAttention
from reactface_node.model.dispositions import spread_apart
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.layers import CausalTransformer, CrossLayer, sinusoidal_positions
from reactface_node.model.modules import ListenerReactionDecoder, PointToPointAlignment
from reactface_node.model.rings import alibi_slopes, alignment_bias
from reactface_node.model.sampling import (
    draw_latent,
    follow_latent,
    interpolate_latent,
    join_windows,
)
from reactface_node.model.speech import LogMel, LogMelEncoder, Wav2Vec2Encoder

W = 8
INF = float("inf")


def layer_runs():
    """Per layer: (name, run), run(x, state) -> (y, state), x (1, n, D)."""
    torch.manual_seed(0)
    model = small_config().model
    transformer = CausalTransformer(model, 2, 16).eval()
    cross = CrossLayer(model, 16, 2).eval()
    own = BiasedAttention(32, 4, 8, 16).eval()
    aligned = PointToPointAlignment(model, 2).eval()
    coefficients = CoefficientEncoder(model).eval()
    log_mel = LogMelEncoder(model).eval()
    pixels = PixelEncoder(model).eval()

    def run_cross(x, state):
        y, state = cross(x[:, None], x.repeat_interleave(2, 1), state)
        return y[:, 0], state

    def run_own(x, state):
        y, state = own(x[:, None], x, state)
        return y[:, 0], state

    def run_aligned(x, state):
        return aligned(x, x.repeat_interleave(2, 1)), None

    def run_coefficients(x, state):
        face = x.repeat(1, 1, 2)[..., :58]
        return coefficients(face, face > -1, state or coefficients.initial_state(1))

    def run_log_mel(x, state):
        audio = 0.1 * x.repeat(1, 1, 20).flatten(1)
        y, state = log_mel(audio, x[..., 0] > -1, state or log_mel.initial_state(1))
        return y.unflatten(1, (-1, 4)).flatten(2), state

    def run_pixels(x, state):
        face = x.repeat(1, 1, 96).unflatten(2, (3, 32, 32))
        return pixels(face, x[..., 0] > -1, state or pixels.initial_state(1))

    runs = [transformer, run_cross, run_own, run_aligned, run_coefficients, run_log_mel, run_pixels]
    names = ["transformer", "cross", "attention", "PMA", "F-Enc", "A-Enc", "F-Enc pixels"]
    return list(zip(names, runs, strict=True))


@pytest.mark.parametrize(("name", "run"), layer_runs(), ids=lambda value: str(value)[:12])
def test_every_layer_is_causal_and_streams(name, run):
    x = torch.randn(1, 40, 32, generator=torch.Generator().manual_seed(3))
    changed = x.clone()
    changed[:, 25:] = changed[:, 25:].flip(1)
    with torch.inference_mode():
        whole, _ = run(x, None)
        other, _ = run(changed, None)
        state, parts = None, []
        for start, stop in [(0, 1), (1, 8), (8, 16), (16, 19), (19, 40)]:
            part, state = run(x[:, start:stop], state)
            parts.append(part)
    torch.testing.assert_close(whole[:, :25], other[:, :25], atol=1e-6, rtol=0)
    assert (whole[:, 25:] - other[:, 25:]).abs().max() > 1e-3
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_wav2vec2_hears_nothing_after_its_window_and_streams():
    config = small_config("paper")
    encoder = small_model(config).speech_encoder
    assert isinstance(encoder, Wav2Vec2Encoder)
    audio = 0.1 * torch.randn(1, 4 * W * 640, generator=torch.Generator().manual_seed(0))
    heard = torch.ones(1, 4 * W, dtype=torch.bool)
    louder = audio.clone()
    louder[:, 3 * W * 640 :] *= 3.0
    with torch.inference_mode():
        features, _ = encoder(audio, heard, encoder.initial_state(1))
        other, _ = encoder(louder, heard, encoder.initial_state(1))
    assert features.shape == (1, 2 * 4 * W, 32)
    torch.testing.assert_close(features[:, : 6 * W], other[:, : 6 * W], atol=1e-6, rtol=0)
    assert (features[:, 6 * W :] - other[:, 6 * W :]).abs().max() > 1e-3


def test_alignment_bias_is_equation_17_counted_from_zero():
    bias = alignment_bias(2, 8, period=1, ratio=2, history=3, slopes=torch.tensor([1.0]))[0]
    # 2 frames, 2 steps a frame, 4 older steps: frame 0 owns steps 4 and 5, frame 1 6 and 7.
    assert bias[0].tolist() == [-2.0, -2.0, -1.0, -1.0, 0.0, 0.0, -INF, -INF]
    assert bias[1].tolist() == [-INF, -INF, -2.0, -2.0, -1.0, -1.0, 0.0, 0.0]
    units = alignment_bias(1, 20, period=8, ratio=1, history=30, slopes=torch.tensor([0.5]))[0, 0]
    assert units[-8:].tolist() == [0.0] * 8 and units[-9] == -0.5 and units[-17] == -1.0
    assert alibi_slopes(8).tolist() == [2.0**-n for n in range(1, 9)]


def test_sampling_and_interpolation_are_equations_10_and_11():
    mean, log_variance = torch.full((1, 1, 2, 1), 2.0), torch.full((1, 1, 2, 1), 4.0).log()
    drawn = draw_latent(mean, log_variance, torch.tensor([1.0, -1.0])[None, None, :, None])
    assert drawn.flatten().tolist() == pytest.approx([4.0, 0.0])
    assert follow_latent(drawn, None, 0.9).flatten().tolist() == pytest.approx([4.0, 3.6])
    after = follow_latent(drawn, torch.zeros(1, 1, 1), 0.9)
    assert after.flatten().tolist() == pytest.approx([0.4, 0.36])
    ends = torch.tensor([1.0, 3.0])[None, None, :, None]
    line = interpolate_latent(torch.zeros(1, 1, 1), ends, 4)
    assert line.flatten().tolist() == [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0]
    first = interpolate_latent(None, ends, 2)
    assert first.flatten().tolist() == [1.0, 1.0, 2.0, 3.0]


def test_no_two_listeners_of_a_session_are_alike_by_chance():
    drawn = np.random.default_rng(0).standard_normal((2, 7, 4), np.float32)
    apart = spread_apart(drawn)
    length = np.linalg.norm(drawn, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(apart, axis=-1), length, rtol=1e-5)
    for group in (apart[:, :4], apart[:, 4:]):
        shares = group @ group.transpose(0, 2, 1)
        shares[:, range(group.shape[1]), range(group.shape[1])] = 0.0
        np.testing.assert_allclose(shares, 0.0, atol=1e-4)
    # Who a listener is does not depend on how many others are drawn.
    assert np.array_equal(apart[:, 0], drawn[:, 0])
    assert np.array_equal(spread_apart(drawn[:, :3]), apart[:, :3])
    assert spread_apart(np.zeros((2, 3, 0))).shape == (2, 3, 0)


def test_a_window_starts_where_the_one_before_leads():
    walk = torch.arange(8.0).reshape(1, 1, 8, 1)
    walk[:, :, 4:] += 10.0  # decoded with a jump of 10 between windows of 4
    joined, edge = join_windows(None, walk, 4)
    assert joined.flatten().tolist() == [0, 1, 2, 3, 6, 9, 12, 15]  # closed by 2 a frame
    assert edge.flatten().tolist() == [12, 15]
    first, between = join_windows(None, walk[:, :, :4], 4)
    second, after = join_windows(between, walk[:, :, 4:], 4)
    assert torch.equal(torch.cat([first, second], dim=2), joined) and torch.equal(after, edge)
    alone, _ = join_windows(None, walk, 1)
    assert torch.isfinite(alone).all()


def test_eq_12_as_printed_mixes_positional_codes():
    config = small_config(model__lrd="latent_query")
    decoder = ListenerReactionDecoder(config.model).eval()
    latents = torch.randn(1, 1, W, 32)
    positions = sinusoidal_positions(torch.arange(W), 32)
    expected = torch.softmax(latents[0, 0] @ positions.T / 32**0.5, dim=-1) @ positions
    with torch.inference_mode():
        nobody = torch.zeros(1, 1, 0)
        got = decoder(latents, nobody, torch.zeros(1, dtype=torch.long))[0, 0]
        torch.testing.assert_close(got, expected + decoder.feed_forward(expected))
        # Modulo the history (32 frames): one cycle later looks the same.
        later = decoder(latents, nobody, torch.full((1,), 32))[0, 0]
        torch.testing.assert_close(later, got)


def test_log_mel_peaks_at_the_tone():
    from reactface_node.model.speech import mel_filters

    time = torch.arange(1600) / 16000
    mel = LogMel()(torch.sin(2 * torch.pi * 1000 * time)[None], torch.zeros(1, 240))
    centres = (mel_filters() * torch.linspace(0, 8000, 257)[:, None]).sum(0)
    assert mel.shape == (1, 10, 80)
    assert centres[mel[0, 5].argmax()].item() == pytest.approx(1000, rel=0.06)
