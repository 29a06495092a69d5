"""Sounds that are speech and sounds that are not, and a model file that reads as silero-vad's."""

import wave

import numpy as np

from rigs.paths import SHARED

RATE_HZ = 16000


def speech(seconds, start_s=0.0):
    """(n,) float32 at 16 kHz: real speech, from the shared clips."""
    with wave.open(str(SHARED / "clips" / "speech_16k.wav")) as file:
        file.setpos(round(start_s * RATE_HZ))
        pcm = np.frombuffer(file.readframes(round(seconds * RATE_HZ)), np.int16)
    return pcm.astype(np.float32) / 32768


def noise(seconds, rms=0.1, seed=0):
    """(n,) float32 at 16 kHz: steady white noise."""
    return np.random.default_rng(seed).normal(0.0, rms, round(seconds * RATE_HZ)).astype("float32")


def keyboard(seconds, seed=0):
    """(n,) float32 at 16 kHz: six clicks a second in a quiet room."""
    random = np.random.default_rng(seed)
    sound = noise(seconds, 1e-4, seed)
    click = np.exp(-np.arange(800) / 120)
    for start in random.integers(0, len(sound) - len(click), int(6 * seconds)):
        sound[start : start + len(click)] += 0.3 * click * random.normal(size=len(click))
    return sound


def chords(seconds):
    """(n,) float32 at 16 kHz: four tones that swell twice a second, by 6 dB."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = 0.75 + 0.25 * np.sin(2 * np.pi * 2 * times_s)
    tones = sum(np.sin(2 * np.pi * pitch * times_s) for pitch in (220, 277, 330, 440))
    return (0.1 * swell * tones).astype(np.float32)


class NoSpeech:
    """In place of a ``SileroModel``: finds no speech in any sound."""

    def stream(self):
        return self

    def probability(self, samples):
        return 0.0


def write_loudness_model(path):
    """An ONNX model with silero-vad's inputs and outputs. Its state h is half of the one before
    and the mean amplitude of the samples that it is given, the probability is tanh(10 h)."""
    from onnx import TensorProto, checker, helper, save

    half = helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])
    ten = helper.make_tensor("ten", TensorProto.FLOAT, [], [10.0])
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("Abs", ["input"], ["amplitudes"]),
        helper.make_node("ReduceMean", ["amplitudes"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["h", "half"], ["kept"]),
        helper.make_node("Add", ["kept", "level"], ["hn"]),
        helper.make_node("Identity", ["c"], ["cn"]),
        helper.make_node("ReduceMean", ["hn"], ["state"], axes=[0, 1, 2], keepdims=0),
        helper.make_node("Mul", ["state", "ten"], ["scaled"]),
        helper.make_node("Tanh", ["scaled"], ["scalar"]),
        helper.make_node("Reshape", ["scalar", "one"], ["speech_probs"]),
    ]

    def value(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "loudness",
        [value("input", "n", 576), value("h", 1, 1, 128), value("c", 1, 1, 128)],
        [value("speech_probs", "n"), value("hn", 1, 1, 128), value("cn", 1, 1, 128)],
        [half, ten, one],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    checker.check_model(model)
    save(model, str(path))
