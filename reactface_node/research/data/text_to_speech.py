"""Natural voices: text to spectra with the times of the phonemes."""

import logging
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from reactface_node.research.data.phonemes import is_vowel, sounds_of
from reactface_node.research.data.vocoder import Spectra

log = logging.getLogger(__name__)
_STRESS, _LESSER_STRESS = "\u02c8", "\u02cc"
_DURATIONS, _FRAMES_OF_LENGTH = "/Clip_output_0", 2.0
"""Where the graph of hibari-tts 0.2.1 has the length of each symbol, in units of 25 ms."""
_LEAST_F0_HZ = 100.0
"""A lower pitch, at the edges of voiced sounds of this reader, is none."""
_SILENT_DB = 40.0
"""Quieter than the loudest frame by this is silence before and after the words (chosen)."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """A text as it was read aloud, without silence around it.

    phonemes: P symbols, without pauses. starts, ends: (P,) in frames, not whole numbers.
    stressed: (P,) bool, the vowels of stressed syllables. f0_hz: mean pitch of the reader, Hz.
    """

    spectra: Spectra
    phonemes: tuple[str, ...]
    starts: np.ndarray
    ends: np.ndarray
    stressed: np.ndarray
    f0_hz: float


class Reader(Protocol):
    """Somebody who reads aloud."""

    name: str
    f0_hz: float
    formant_scale: float

    def read(self, text: str, speed: float) -> Utterance:
        """speed: 1 is the reader's own, 2 twice as fast."""


def is_installed() -> bool:
    """Whether a natural voice is there."""
    return bool(find_spec("hibari"))


@cache
def readers() -> tuple["Reader", ...]:
    """The natural voices of this machine; empty, and said once, where there are none."""
    found: list[Reader] = []
    try:
        found.append(Hibari())
    except Exception as error:  # The package, its files or its graph may be missing or others.
        log.warning(
            "no natural voice for the data, the voices are synthetic: %s "
            "(pip install 'reactface_node[voices]' brings one)",
            error,
        )
    return tuple(found)


class Hibari:
    """The voice inside hibari-tts 0.2.1: a woman's, American English."""

    name = "hibari"
    f0_hz = 190.0
    formant_scale = 1.17

    def __init__(self) -> None:
        """ImportError without the package; others if its model is not the one we know."""
        import hibari
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._tts = hibari.Hibari()
        model = Path(self._tts.model_path).read_bytes() + _output_field(_DURATIONS)
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )

    def read(self, text: str, speed: float) -> Utterance:
        """As ``Reader.read``."""
        phonemes = " ".join(self._tts.phonemize(text))
        ids = self._tts.ids(phonemes)
        inputs = {"ids": np.array([ids], np.int64), "speed": np.array([speed], np.float32)}
        names = ["lh", "theta", "ln", "lr", "f0", _DURATIONS]
        *parts, lengths = self._session.run(names, inputs)
        harmonics, phase, noise, rest, f0_hz = (part[0] for part in parts)
        # The part with a phase of its own counts as noise: its phase fits only its own tempo.
        noise = 0.5 * np.logaddexp(2 * noise, 2 * rest - np.log(2.0))
        spectra = Spectra(
            harmonics.T,
            noise.T,
            np.pi * np.tanh(phase.T),
            np.where(f0_hz > _LEAST_F0_HZ, f0_hz, 0.0),
        )
        known = [symbol for symbol in phonemes if symbol in self._tts.vocab]
        edges = np.cumsum(lengths) * _FRAMES_OF_LENGTH
        return _reading(spectra, known, edges[:-2], edges[1:-1], self.f0_hz)


def _output_field(name: str) -> bytes:
    """Bytes that, appended to a serialized ONNX model, add an output to its graph.

    In protobuf, messages that follow each other are merged: this is a ModelProto with a graph
    (field 7) that has one output (field 12) with that name (field 1).
    """
    output = b"\x0a" + bytes([len(name)]) + name.encode()
    graph = b"\x62" + bytes([len(output)]) + output
    return b"\x3a" + bytes([len(graph)]) + graph


def _reading(
    spectra: Spectra, symbols: list[str], starts: np.ndarray, ends: np.ndarray, f0_hz: float
) -> Utterance:
    """An utterance from symbols with stress marks and their times."""
    starts, ends = starts.astype(float), ends.astype(float)
    stressed = np.zeros(len(symbols), bool)
    waiting = False
    for index, symbol in enumerate(symbols):
        if symbol in (_STRESS, _LESSER_STRESS):
            waiting = symbol == _STRESS
            if index + 1 < len(symbols):
                starts[index + 1] = starts[index]
        elif symbol == " " and 0 < index < len(symbols) - 1:
            middle = 0.5 * (starts[index] + ends[index])
            ends[index - 1] = starts[index + 1] = middle
        elif is_vowel(symbol) and waiting:
            stressed[index], waiting = True, False
    loud = np.flatnonzero(_level_db(spectra) > -_SILENT_DB)
    first, last = loud[0], loud[-1] + 1
    kept = [index for index, symbol in enumerate(symbols) if sounds_of(symbol)]
    return Utterance(
        Spectra(*(track[first:last] for track in vars(spectra).values())),
        tuple(symbols[index] for index in kept),
        np.clip(starts[kept] - first, 0, last - first),
        np.clip(ends[kept] - first, 0, last - first),
        stressed[kept],
        f0_hz,
    )


def _level_db(spectra: Spectra) -> np.ndarray:
    """(F,) level of each frame; the loudest has 0."""
    voiced = (spectra.f0_hz > 0)[:, None]
    power = np.exp(2 * spectra.noise) + voiced * np.exp(2 * spectra.harmonics)
    level = 10 * np.log10(power.sum(axis=1) + 1e-12)
    result: np.ndarray = level - level.max()
    return result
