"""The causal model: nothing from the future, streaming == offline, samples independent."""

import dataclasses

import pytest
import torch
from model_inputs import cut, small_config, small_model, speaker_input

from reactface_node.model.attention import BiasedAttention, alibi_slopes, alignment_bias
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.layers import CausalTransformer, CrossLayer, sinusoidal_positions
from reactface_node.model.modules import (
    ListenerReactionDecoder,
    PointToPointAlignment,
    draw_latent,
    follow_latent,
    interpolate_latent,
    join_windows,
    spread_apart,
)
from reactface_node.model.speech import LogMel, LogMelEncoder, Wav2Vec2Encoder

W = 8
INF = float("inf")


def noise_for(config, windows, batch=1, samples=1, seed=5):
    generator = torch.Generator().manual_seed(seed)
    width = config.model.width + (W + 3 if config.model.nods else 0)
    return torch.randn(batch, samples, windows, width, generator=generator)


def stream(model, speaker, noise):
    """Run window by window; the outputs of all windows in one."""
    state, parts = None, []
    for index in range(noise.shape[2]):
        window = cut(speaker, index * W, (index + 1) * W)
        output, state = model(window, noise[:, :, index : index + 1], state)
        parts.append(output)
    joined = {}
    for item in dataclasses.fields(parts[0]):
        if item.name == "nods":
            continue  # the pitch that is drawn from it is compared
        axis = 1 if item.name == "speaker" else 2
        joined[item.name] = torch.cat([getattr(part, item.name) for part in parts], dim=axis)
    return joined


@pytest.mark.parametrize("profile", ["default", "paper"])
@pytest.mark.parametrize("sync_history_s", [0.0, 1.28])
def test_streaming_equals_offline_past_the_history(profile, sync_history_s):
    config = small_config(profile, model__sync_history_s=sync_history_s)
    model = small_model(config)
    windows = 7  # 56 frames: more than the 32 of history
    speaker = speaker_input(config, windows * W, batch=2)
    noise = noise_for(config, windows, batch=2, samples=3)
    with torch.inference_mode():
        offline, _ = model(speaker, noise)
        streamed = stream(model, speaker, noise)
    for name, value in streamed.items():
        torch.testing.assert_close(value, getattr(offline, name), atol=1e-5, rtol=0)


@pytest.mark.parametrize("profile", ["default", "paper"])
def test_the_future_changes_nothing_before_it(profile):
    config = small_config(profile)
    model = small_model(config)
    speaker = speaker_input(config, 6 * W)
    noise = noise_for(config, 6)
    change = 4 * W  # a window border: wav2vec 2.0 looks around within its window
    other = speaker_input(config, 6 * W, seed=9)
    mixed = type(speaker)(
        *(
            torch.cat([a[:, : change * r], b[:, change * r :]], dim=1)
            for a, b, r in zip(
                vars(speaker).values(), vars(other).values(), (1, 1, 640, 1), strict=True
            )
        )
    )
    with torch.inference_mode():
        before, _ = model(speaker, noise)
        after, _ = model(mixed, noise)
    assert torch.equal(before.listener[:, :, :change], after.listener[:, :, :change])
    assert torch.equal(before.speaker[:, :change], after.speaker[:, :change])
    # Eq. 7 sees previous windows only: the changed window's own distribution stays.
    assert torch.equal(before.mean[:, :, :5], after.mean[:, :, :5])
    assert not torch.equal(before.listener[:, :, change:], after.listener[:, :, change:])


def test_inside_a_window_a_frame_ignores_later_frames():
    config = small_config()
    model = small_model(config)
    speaker, noise = speaker_input(config, 3 * W), noise_for(config, 3)
    at = 2 * W + 3
    face, audio = speaker.face.clone(), speaker.audio.clone()
    face[:, at:] += 1.0
    audio[:, at * 640 :] += 0.1
    changed = dataclasses.replace(speaker, face=face, audio=audio)
    with torch.inference_mode():
        before, after = model(speaker, noise)[0], model(changed, noise)[0]
    assert torch.equal(before.listener[:, :, :at], after.listener[:, :, :at])
    assert not torch.equal(before.listener[:, :, at], after.listener[:, :, at])


def test_samples_in_one_batch_equal_single_runs():
    config = small_config()
    model = small_model(config)
    speaker, noise = speaker_input(config, 5 * W), noise_for(config, 5, samples=4)
    with torch.inference_mode():
        together, _ = model(speaker, noise)
        for index in range(4):
            alone, _ = model(speaker, noise[:, index : index + 1])
            torch.testing.assert_close(
                alone.listener[:, 0], together.listener[:, index], atol=1e-5, rtol=0
            )
    assert (together.listener[:, 0] - together.listener[:, 1]).abs().max() > 1e-3


def test_state_stops_growing_once_the_history_is_full():
    config = small_config()
    model = small_model(config)
    speaker = speaker_input(config, 12 * W)
    state, sizes = None, []
    with torch.inference_mode():
        for index in range(12):
            window = cut(speaker, index * W, (index + 1) * W)
            _, state = model(window, noise_for(config, 1), state)
            sizes.append(count_numbers(state))
    assert sizes[0] < sizes[5]
    assert len(set(sizes[5:])) == 1


def count_numbers(value):
    if isinstance(value, torch.Tensor):
        return value.numel()
    if dataclasses.is_dataclass(value):
        return sum(count_numbers(part) for part in vars(value).values())
    if isinstance(value, tuple):
        return sum(count_numbers(part) for part in value)
    return 0


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


def test_temperature_scales_the_noise_and_gain_the_reaction():
    config = small_config(model__nods=False, model__temperature=0.0, model__gain=0.0)
    model = small_model(config)
    model.listener_mean.fill_(0.25)
    speaker, noise = speaker_input(config, 2 * W), noise_for(config, 2)
    with torch.inference_mode():
        still = model(speaker, noise)[0].listener
        model.config = dataclasses.replace(config.model, gain=2.0)
        first, second = (model(speaker, drawn)[0].listener for drawn in (noise, noise + 1.0))
        model.config = dataclasses.replace(config.model, gain=1.0)
        plain = model(speaker, noise)[0].listener
    assert (still == 0.25).all() and torch.equal(first, second)
    torch.testing.assert_close(first - 0.25, 2.0 * (plain - 0.25))


def test_no_two_listeners_of_a_session_are_alike_by_chance():
    drawn = torch.randn(2, 7, 4, generator=torch.Generator().manual_seed(0))
    apart = spread_apart(drawn)
    torch.testing.assert_close(apart.norm(dim=-1), drawn.norm(dim=-1))
    for group in (apart[:, :4], apart[:, 4:]):
        shares = group @ group.transpose(1, 2)
        torch.testing.assert_close(
            shares, torch.diag_embed(shares.diagonal(dim1=1, dim2=2)), atol=1e-4, rtol=0
        )
    # Who a listener is does not depend on how many others are drawn.
    assert torch.equal(apart[:, 0], drawn[:, 0]) and torch.equal(
        spread_apart(drawn[:, :3]), apart[:, :3]
    )
    assert spread_apart(torch.zeros(2, 3, 0)).shape == (2, 3, 0)


def test_a_session_starts_from_the_mean_face():
    config = small_config(model__nods=False, model__continuity=True)
    model = small_model(config)
    speaker, noise = speaker_input(config, W), noise_for(config, 1)
    with torch.inference_mode():
        joined = model(speaker, noise)[0].listener[:, :, 0] - model.listener_mean
        model.config = small_config(model__nods=False, model__continuity=False).model
        decoded = model(speaker, noise)[0].listener[:, :, 0] - model.listener_mean
    torch.testing.assert_close(joined, decoded / (W + 1), atol=1e-5, rtol=1e-4)


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


@pytest.mark.parametrize("sync_history_s", [0.0, 1.28])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_teaching_with_its_own_reactions_returns_the_same(sync_history_s, momentum):
    config = small_config(
        model__sync_history_s=sync_history_s, model__momentum=momentum, model__disposition=3,
        model__lrd="latent_frame", model__nods=False, model__temperature=1.0, model__gain=1.0,
    )  # fmt: skip
    model = small_model(config)
    speaker, noise = speaker_input(config, 6 * W, batch=2), noise_for(config, 6, 2, 3)
    who = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        free, _ = model(speaker, noise, model.initial_state(2, 3, who))
        taught = model.teach(
            speaker,
            free.listener,
            lambda mean, spread: draw_latent(mean, spread, noise),
            model.initial_state(2, 3, who),
        )
        other, _ = model(speaker, noise, model.initial_state(2, 3, who + 1.0))
    for name, value in vars(taught).items():
        if value is None:
            continue
        torch.testing.assert_close(value, getattr(free, name), atol=1e-5, rtol=0)
    assert (other.listener - free.listener).abs().max() > 1e-3


@pytest.mark.parametrize(
    "left_out", [{"use_face": False}, {"use_speech": False}, {"visual": False, "modality": "none"}]
)
def test_what_is_left_out_counts_for_nothing(left_out):
    config = small_config(**{f"model__{name}": value for name, value in left_out.items()})
    model = small_model(config)
    speaker, noise = speaker_input(config, 2 * W), noise_for(config, 2)
    face = speaker.face if left_out.get("use_speech") is False else speaker.face + 1.0
    audio = speaker.audio if left_out.get("use_face") is False else 0.1 + speaker.audio
    changed = dataclasses.replace(speaker, face=face, audio=audio)
    with torch.inference_mode():
        before, after = model(speaker, noise)[0].listener, model(changed, noise)[0].listener
    # Without SLBS the first window has no speaker at all to follow.
    frames = 2 * W if "visual" not in left_out else W
    torch.testing.assert_close(before[:, :, :frames], after[:, :, :frames])


def test_point_to_point_alignment_hears_its_own_frame_alone():
    torch.manual_seed(0)
    config = small_config(model__modality="point", model__visual=False)
    model = small_model(config)
    x, speech = torch.randn(1, 1, W, 32), torch.randn(1, 4 * W, 32)
    changed = speech.clone()
    changed[:, :20] += 1.0  # the first five frames
    state = model.initial_state().slbs
    with torch.inference_mode():
        before, _ = model.synchroniser(x, x[:, 0], speech, state)
        after, _ = model.synchroniser(x, x[:, 0], changed, state)
    assert torch.equal(before[:, :, 5:], after[:, :, 5:])
    assert (before[:, :, :5] - after[:, :, :5]).abs().amin(dim=(0, 1, 3)).min() > 1e-4


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


def test_missing_face_and_voice_carry_no_information():
    config = small_config()
    model = small_model(config)
    speaker, noise = speaker_input(config, 2 * W), noise_for(config, 2)
    none = dataclasses.replace(
        speaker,
        face_valid=torch.zeros_like(speaker.face_valid),
        audio_valid=torch.zeros_like(speaker.audio_valid),
    )
    other = dataclasses.replace(none, face=none.face * 3, audio=none.audio * 3)
    with torch.inference_mode():
        assert torch.equal(model(none, noise)[0].listener, model(other, noise)[0].listener)


def test_wrong_shapes_are_value_errors():
    config = small_config()
    model = small_model(config)
    with pytest.raises(ValueError, match="whole windows"):
        model(speaker_input(config, W + 1), noise_for(config, 1))
    with pytest.raises(ValueError, match="noise"):
        model(speaker_input(config, W), noise_for(config, 2))
