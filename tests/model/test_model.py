"""The causal model: it ignores the future, streaming equals offline, samples are independent."""

import dataclasses

import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.sampling import draw_latent

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
        window = speaker.frames(index * W, (index + 1) * W)
        output, state = model(window, noise[:, :, index : index + 1], state)
        parts.append(output)
    joined = {}
    for item in dataclasses.fields(parts[0]):
        if item.name == "nods":
            continue  # the events that are drawn from it are compared
        values = [getattr(part, item.name) for part in parts]
        axis = 1 if item.name == "speaker" else 2
        if values[0] is not None:
            joined[item.name] = torch.cat(values, dim=axis)
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


def step_through(model, speaker, noise, frames, who):
    """A session's steps of so many frames: the listener and the state at the end."""
    state = model.initial_state(len(noise), noise.shape[1], who, streaming=True)
    shown = []
    for first in range(0, speaker.face.shape[1], frames):
        part = speaker.frames(first, first + frames)
        output, state = model.step(part, noise[:, :, first // W], state)
        shown.append(output.listener)
    return torch.cat(shown, dim=2), state


CASES = [
    ("default", W, {}),
    ("default", 1, {}),
    ("default", 4, {"model__sync_history_s": 0.64, "model__continuity": False}),
    ("default", 1, {"model__modality": "point", "model__lrd": "latent_query"}),
    ("default", 2, {"model__nods": False}),
    ("default", 1, {"model__visual": False, "model__disposition": 0}),
    ("default", W, {"model__sync_history_s": 0.0}),
    ("paper", W, {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "frames", "changes"), CASES)
def test_steps_of_a_session_equal_the_whole_clip(profile, frames, changes):
    config = small_config(profile, **changes)
    model = small_model(config)
    windows = 11  # more than twice the history: every place of a ring is written again
    speaker = speaker_input(config, windows * W, batch=2)
    noise = noise_for(config, windows, batch=2, samples=3)
    who = torch.randn(2, 3, config.model.disposition, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        offline, _ = model(speaker, noise, model.initial_state(2, 3, who))
        shown, _ = step_through(model, speaker, noise, frames, who)
    torch.testing.assert_close(shown, offline.listener, atol=1e-5, rtol=0)


def test_a_session_allocates_its_memory_once():
    config = small_config()
    model = small_model(config)
    speaker, noise = speaker_input(config, 12 * W), noise_for(config, 12)
    who = torch.zeros(1, 1, config.model.disposition)
    with torch.inference_mode():
        start = model.initial_state(1, 1, who, streaming=True)
        _, end = step_through(model, speaker, noise, 1, who)
    sizes = [
        [ring.rows.numel() for ring in (*state.face.caches, *state.cie.layers, state.slbs.speech)]
        for state in (start, end)
    ]
    assert sizes[0] == sizes[1] and count_numbers(end) < 1.2 * count_numbers(start)


def test_a_step_refuses_another_state_and_frames_across_windows():
    config = small_config()
    model = small_model(config)
    speaker, noise = speaker_input(config, W + 1), noise_for(config, 1)[:, :, 0]
    for state in (model.initial_state(), model.initial_state(streaming=True)):
        with pytest.raises(ValueError, match="single window"):
            model.step(speaker, noise, state)


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
            window = speaker.frames(index * W, (index + 1) * W)
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


def test_a_session_starts_from_the_mean_face():
    config = small_config(model__nods=False, model__continuity=True)
    model = small_model(config)
    speaker, noise = speaker_input(config, W), noise_for(config, 1)
    with torch.inference_mode():
        joined = model(speaker, noise)[0].listener[:, :, 0] - model.listener_mean
        model.config = small_config(model__nods=False, model__continuity=False).model
        decoded = model(speaker, noise)[0].listener[:, :, 0] - model.listener_mean
    torch.testing.assert_close(joined, decoded / (W + 1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sync_history_s", [0.0, 1.28])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_teaching_with_its_own_reactions_returns_the_same(sync_history_s, momentum):
    config = small_config(
        model__sync_history_s=sync_history_s,
        model__momentum=momentum,
        model__disposition=3,
        model__lrd="latent_frame",
        model__nods=False,
        model__temperature=1.0,
        model__gain=1.0,
        model__pitch_gain=1.0,
    )
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
    config = small_config(model__modality="point", model__visual=False)
    model = small_model(config)
    torch.manual_seed(1)
    x, speech = torch.randn(1, 1, W, 32), torch.randn(1, 4 * W, 32)
    changed = speech.clone()
    changed[:, :20] += 1.0  # the first five frames
    state = model.initial_state().slbs
    with torch.inference_mode():
        before, _ = model.synchroniser(x, x[:, 0], speech, state)
        after, _ = model.synchroniser(x, x[:, 0], changed, state)
    assert torch.equal(before[:, :, 5:], after[:, :, 5:])
    assert (before[:, :, :5] - after[:, :, :5]).abs().amin(dim=(0, 1, 3)).min() > 1e-4


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
