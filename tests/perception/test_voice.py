"""Voice activity by loudness and by silero-vad: streaming, gaps, damaged files, other sounds."""

import builtins
import itertools

import numpy as np
import pytest
import soxr
from rigs import voices
from rigs.clips import needs_clips
from rigs.turns import RATE_HZ as CLIP_RATE_HZ
from rigs.turns import looped_sound

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files.resources import weights_file
from reactface_node.perception.silero import FRAME, SileroModel
from reactface_node.perception.voice import FRAME_S, VoiceActivity, speech_model

FPS, RATE_HZ = 25, voices.RATE_HZ
QUIET, LOUD = 0.0005, 0.1


@pytest.fixture(scope="module")
def loudness_model(tmp_path_factory):
    pytest.importorskip("onnx")
    path = tmp_path_factory.mktemp("model") / "voice_activity.onnx"
    voices.write_loudness_model(path)
    return path


@pytest.fixture(scope="module")
def silero():
    """The genuine model."""
    path = weights_file("voice_activity.onnx")
    if path is None:
        pytest.skip("no weights/voice_activity.onnx: reactface weights --download voice_activity")
    return SileroModel(path)


def after(voice, sound, rate_hz=RATE_HZ, chunks=(320,), start_s=0.0):
    """The detector after a sound in chunks of those lengths, again and again."""
    place = 0
    for count in itertools.cycle(chunks):
        if place >= len(sound):
            return voice
        voice.hear(start_s + place / rate_hz, sound[place : place + count], rate_hz)
        place += count


def probabilities(voice, seconds, start_s=0.0):
    return [voice.probability(start_s + time_s) for time_s in np.arange(0.0, seconds, 0.01)]


@pytest.mark.parametrize("chunk_s", [0.02, 0.1, 0.256])
def test_a_voice_is_heard_in_chunks_of_any_length(chunk_s):
    """A chunk comes when it is over, and an image before the sound of its time."""
    sound = np.concatenate([voices.noise(1.0, QUIET), voices.noise(3.0, LOUD)])
    voice, chunks, found = VoiceActivity(), 0, []
    count = round(chunk_s * RATE_HZ)
    for frame in range(4 * FPS):
        now_s = frame / FPS
        while (chunks + 1) * count <= now_s * RATE_HZ:
            samples = sound[chunks * count : (chunks + 1) * count]
            voice.hear(chunks * count / RATE_HZ, samples, RATE_HZ)
            chunks += 1
        found.append(voice.active(now_s))
    found = np.array(found)
    assert not found[:FPS].any() and found[FPS + 10 :].all()
    assert not voice.active(4.0 + 1.0)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("with_model", [False, True])
def test_the_length_of_chunks_changes_nothing(with_model, rate_hz, loudness_model):
    model = SileroModel(loudness_model) if with_model else None
    random = np.random.default_rng(0)
    swell = 0.1 * np.sin(np.arange(3 * rate_hz) / rate_hz * 9).clip(0.001)
    sound = (swell * random.normal(size=3 * rate_hz)).astype(np.float32)
    whole = after(VoiceActivity(model), sound, rate_hz, [len(sound)])
    expected = probabilities(whole, 3.0)
    assert len(set(expected)) > (50 if with_model else 1)
    for chunks in ([160], [1024], [37, 5000, 1, 441], [rate_hz]):
        parts = after(VoiceActivity(model), sound, rate_hz, chunks)
        assert probabilities(parts, 3.0) == expected and parts.known_s == whole.known_s


def test_the_model_reads_each_frame_with_the_end_of_the_one_before_and_its_state(loudness_model):
    sound = voices.noise(5 * FRAME_S, 0.05)
    stream = SileroModel(loudness_model).stream()
    found = [stream.probability(frame) for frame in sound.reshape(-1, FRAME)]
    padded, state = np.abs(np.concatenate([np.zeros(64), sound])), 0.0
    for index, probability in enumerate(found):
        state = 0.5 * state + padded[index * FRAME : (index + 1) * FRAME + 64].mean()
        assert probability == pytest.approx(np.tanh(10 * state), rel=1e-5)


@pytest.mark.parametrize("jump_s", [-100.0, -1.5, 1.5, 3600.0])
def test_after_a_leap_of_time_a_new_signal_begins(jump_s, loudness_model):
    """The state of the model is that of a new signal, and times before are not mixed up."""
    voice = VoiceActivity(SileroModel(loudness_model))
    after(voice, voices.noise(2.0, LOUD), start_s=200.0)
    assert voice.active(201.5)
    start_s = 202.0 + jump_s
    after(voice, voices.noise(1.0, QUIET), start_s=start_s)
    assert voice.probability(start_s + 0.5) < 0.05
    alone = after(VoiceActivity(SileroModel(loudness_model)), voices.noise(1.0, QUIET))
    assert voice.probability(start_s + 0.9) == alone.probability(0.9)
    assert voice.known_s == pytest.approx(start_s + alone.known_s)


def test_a_short_gap_is_silence(loudness_model):
    """The stamps after it are right: the sound is not drawn together."""
    voice = VoiceActivity(SileroModel(loudness_model))
    after(voice, voices.noise(1.0, LOUD))
    after(voice, voices.noise(1.0, LOUD), start_s=1.6)
    assert voice.active(0.9) and not voice.active(1.35) and voice.active(1.8)
    assert voice.known_s == pytest.approx(2.6, abs=FRAME_S)


def test_jittering_stamps_and_repeated_chunks_change_nothing(loudness_model):
    sound, random = voices.noise(2.0, 0.05), np.random.default_rng(0)
    expected = probabilities(after(VoiceActivity(SileroModel(loudness_model)), sound), 1.9)
    voice = VoiceActivity(SileroModel(loudness_model))
    for place in range(0, len(sound), 320):
        chunk = sound[place : place + 320]
        stamp_s = place / RATE_HZ + (random.uniform(-0.03, 0.03) if place else 0.0)
        voice.hear(stamp_s, chunk, RATE_HZ)
        voice.hear(stamp_s, chunk, RATE_HZ)
    assert probabilities(voice, 1.9) == expected


def test_another_rate_goes_on(loudness_model):
    voice = VoiceActivity(SileroModel(loudness_model))
    after(voice, voices.noise(1.0, LOUD))
    after(voice, soxr.resample(voices.noise(1.0, LOUD), 16000, 48000), 48000, start_s=1.0)
    assert all(voice.active(time_s) for time_s in np.arange(0.1, 1.9, 0.02))


def test_without_sound_nobody_speaks_and_a_reset_forgets(loudness_model):
    voice = VoiceActivity(SileroModel(loudness_model))
    assert voice.probability(0.0) == 0.0 and voice.known_s == -np.inf
    voice.hear(0.0, np.zeros(0, np.float32), RATE_HZ)
    assert voice.known_s == -np.inf and not voice.may_speak(0.0)
    after(voice, voices.noise(1.0, LOUD))
    assert voice.active(0.9)
    voice.reset()
    assert not voice.active(0.9) and voice.known_s == -np.inf


def test_an_image_is_before_its_sound_so_the_last_sound_counts_for_half_a_second():
    voice = after(VoiceActivity(), np.concatenate([voices.noise(1, QUIET), voices.noise(1, LOUD)]))
    end_s = voice.known_s
    assert voice.active(end_s + 0.45) and not voice.active(end_s + 0.55)


@pytest.mark.parametrize(
    ("sound", "hides"),
    [(voices.chords, True), (voices.noise, False), (voices.keyboard, False)],
)
def test_loud_sound_that_is_not_steady_may_hide_a_voice(sound, hides):
    quiet = voices.noise(1.0, QUIET)
    voice = after(VoiceActivity(voices.NoSpeech()), np.concatenate([quiet, sound(4.0)]))
    assert not any(voice.active(time_s) for time_s in np.arange(0.0, 5.0, 0.05))
    assert not voice.may_speak(0.9)
    found = [voice.may_speak(time_s) for time_s in np.arange(1.6, 4.9, 0.05)]
    assert found == [hides] * len(found)


def test_by_loudness_a_keyboard_and_noise_are_taken_for_a_voice():
    for sound in (voices.noise, voices.keyboard):
        quiet = voices.noise(1.0, QUIET)
        voice = after(VoiceActivity(), np.concatenate([quiet, sound(4.0)]))
        assert np.mean(probabilities(voice, 3.5, 1.2)) > 0.5


@pytest.mark.parametrize("sound", [voices.noise, voices.keyboard, voices.chords])
@pytest.mark.parametrize("gain", [0.05, 1.0])
def test_noise_a_keyboard_and_tones_are_no_speech(sound, gain, silero):
    voice = after(VoiceActivity(silero), gain * sound(10.0))
    assert max(probabilities(voice, 10.0)) < 0.5


@needs_clips
def test_the_music_of_a_clip_is_no_speech(silero):
    music = looped_sound("d12", 3.9, 6.5, 10.4)
    voice = after(VoiceActivity(silero), music, CLIP_RATE_HZ, [1024])
    # Now and then it sings.
    assert np.mean(np.array(probabilities(voice, 10.0)) > 0.5) < 0.1


@needs_clips
def test_real_speech_is_speech_and_its_pauses_are_none(silero):
    sound = voices.speech(9.0)
    levels = np.sqrt(np.square(sound.reshape(-1, 160)).mean(1))
    is_speech = np.convolve(levels, np.ones(30) / 30, "same") > 0.02
    found = np.array(probabilities(after(VoiceActivity(silero), sound), 9.0)) > 0.5
    assert found[is_speech].mean() > 0.97
    quiet = np.concatenate([sound, voices.noise(5.0, QUIET)])
    assert max(probabilities(after(VoiceActivity(silero), quiet), 4.5, 9.5)) < 0.1
    noisy = sound + voices.noise(9.0, np.sqrt(np.mean(sound**2)))
    found = np.array(probabilities(after(VoiceActivity(silero), noisy), 9.0)) > 0.5
    assert found[is_speech].mean() > 0.9


def config(path):
    return PerceptionConfig(voice_activity=str(path))


def test_without_the_file_it_goes_by_loudness(tmp_path):
    assert speech_model(config("")) is None
    assert speech_model(config(tmp_path / "none.onnx")) is None


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "a web page", "foreign"])
def test_a_damaged_or_foreign_file_is_a_mistake_of_one_line(damage, tmp_path, loudness_model):
    path, content = tmp_path / "voice_activity.onnx", loudness_model.read_bytes()
    if damage == "foreign":
        from onnx import TensorProto, helper, save

        one = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
        two = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
        graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [one], [two])
        options = {"opset_imports": [helper.make_opsetid("", 16)], "ir_version": 8}
        save(helper.make_model(graph, **options), str(path))
    else:
        text = {"empty": b"", "text": b"hello " * 99, "a web page": b"<html>no</html>"}
        path.write_bytes(text.get(damage, content[: len(content) // 2]))
    with pytest.raises(UserError, match=r"damaged|is a web page") as refused:
        speech_model(config(path))
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


def test_a_file_without_onnxruntime_is_a_mistake_of_one_line(loudness_model, monkeypatch):
    real = builtins.__import__

    def without(name, *others, **named):
        if name == "onnxruntime":
            raise ImportError(f"No module named '{name}'")
        return real(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"needs onnxruntime .*: pip install onnxruntime"):
        speech_model(config(loudness_model))
