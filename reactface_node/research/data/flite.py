"""Debian's ``flite``, where it is installed: two men and a woman who read, by a subprocess."""

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from reactface_node.research.data.phonemes import is_vowel, sounds_of
from reactface_node.research.data.text_to_speech import Utterance, trimmed
from reactface_node.research.data.vocoder import FRAME_HZ, RATE_HZ, analyse

# Voices with 16 kHz that sound natural; mean pitch, as measured on 40 sentences, and vocal tract.
VOICES = {"rms": (96.0, 1.0), "awb": (130.0, 1.0), "slt": (172.0, 1.15)}
_LIMIT_S = 20.0


class Flite:
    """One of flite's voices."""

    def __init__(self, voice: str) -> None:
        """voice: a key of VOICES. OSError if there is no working flite with that voice."""
        self.name = f"flite {voice}"
        self.f0_hz, self.formant_scale = VOICES[voice]
        self._voice = voice
        program = shutil.which("flite")
        if program is None:
            raise FileNotFoundError("flite is not installed")
        self._program = program
        try:
            self.read("Yes.", 1.0)
        except (subprocess.SubprocessError, ValueError, wave.Error) as error:
            raise OSError(f"flite cannot speak: {error}") from error

    def read(self, text: str, speed: float) -> Utterance:
        """As ``TextReader.read``. SubprocessError and the like if flite fails."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            options = ["-voice", self._voice, "--setf", f"duration_stretch={1 / speed:.3f}"]
            done = subprocess.run(
                [self._program, *options, "-psdur", "-t", text, "-o", str(path)],
                capture_output=True,
                text=True,
                check=True,
                timeout=_LIMIT_S,
            )
            with wave.open(str(path)) as said:
                if said.getframerate() != RATE_HZ:
                    raise ValueError(f"flite spoke at {said.getframerate()} Hz")
                samples = np.frombuffer(said.readframes(said.getnframes()), "<i2") / 32768.0
        phones = [one.split(":") for one in done.stdout.split()]
        spectra = analyse(samples, self.f0_hz)
        ends = np.array([float(end) for _, end in phones]) * FRAME_HZ
        starts = np.concatenate([[0.0], ends[:-1]])
        names = [name for name, _ in phones]
        full = np.array([is_vowel(name) and name not in ("ax", "ih") for name in names])
        kept = [index for index, name in enumerate(names) if sounds_of(name)]
        return trimmed(
            Utterance(
                spectra,
                tuple(names[index] for index in kept),
                starts[kept],
                ends[kept],
                full[kept],
                self.f0_hz,
            )
        )
