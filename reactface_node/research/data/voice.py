"""A speaker's voice: from a script to sound, mouth, pitch and stress.

Words come from a natural voice that is changed into many speakers, or from the source-filter
voice, which also makes every sound without words.
"""

from dataclasses import dataclass, replace

import numpy as np

from reactface_node.research.data.affect import Tone, tone_of
from reactface_node.research.data.readers import readers
from reactface_node.research.data.readings import Said, Style, cut, read_aloud
from reactface_node.research.data.script import Script
from reactface_node.research.data.source_filter import (
    SyntheticVoice,
    draw_synthetic_voice,
    synthesise,
)
from reactface_node.research.data.speech import (
    SPEECH_RMS,
    TRACK_RATE_HZ,
    Speech,
    flutter,
    speech_of,
    syllables,
)
from reactface_node.research.data.vocal_events import vocal_events
from reactface_node.schema import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

_NATURAL_SHARE = 0.8
"""Of the speakers, where a natural voice is installed (chosen)."""
_FIRST_SHARE = 0.75


@dataclass(frozen=True, eq=False)
class Spoken:
    """What a voice makes of a script of T frames.

    visemes: (T, 9) mouth weights in the order of VISEME_NAMES. f0_hz: (4T,) at 100 Hz, continuous
    within a phrase and 0 between phrases. active: (4T,) bool, within a phrase. stresses_s,
    emphases_s: when stressed and emphatic syllables reach their vowel. sound: (T * 640,) float32,
    clean, 16 kHz; words without feeling have an RMS of 0.1.
    """

    visemes: np.ndarray
    f0_hz: np.ndarray
    active: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray
    sound: np.ndarray

    @property
    def speaking(self) -> np.ndarray:
        """(T,) bool at 25 Hz."""
        return self.active[:: TRACK_RATE_HZ // 25].copy()


NEUTRAL = Style()


@dataclass(frozen=True)
class Voice:
    """A person's voice.

    tract: pitch, vocal tract and tempo. reader: the name of the natural voice that is changed
    into this one, in its style; None for the source-filter voice.
    """

    tract: SyntheticVoice
    reader: str | None = None
    style: Style = NEUTRAL

    def speak(self, rng: np.random.Generator, script: Script) -> Spoken:
        """Say something at exactly the times of the script's phrases.

        The same state of the generator gives the same sound on one machine. A reader that is not
        installed is replaced by the source-filter voice.
        """
        tone = tone_of(rng, script)
        reader = next((one for one in readers() if one.name == self.reader), None)
        blocks, interjections = vocal_events(rng, script, reader is not None)
        events = speech_of(blocks, script.seconds)
        if reader is None:
            words = _syllables(rng, self.tract, script, tone)
        else:
            words = read_aloud(rng, reader, self.tract, self.style, script, tone, interjections)
        return _joined(rng, self.tract, script, words, events)


def draw_voice(rng: np.random.Generator) -> Voice:
    """Draw a speaker: a natural voice for four in five, where one is installed."""
    tract = draw_synthetic_voice(rng)
    natural, which = rng.random() < _NATURAL_SHARE, rng.random()
    return Voice(
        tract,
        _chosen([one.name for one in readers()], which) if natural else None,
        Style(
            liveliness=rng.uniform(0.6, 1.4),
            breath_db=rng.uniform(-2.0, 8.0),
            tilt_db=rng.normal(0.0, 1.2),
        ),
    )


def _chosen(names: list[str], share: float) -> str | None:
    """The first reader for most voices, as it sounds best and is fast; the others share the rest,
    and there may be none."""
    if share < _FIRST_SHARE or len(names) < 2:
        return names[0] if names else None
    return names[1 + int((share - _FIRST_SHARE) / (1 - _FIRST_SHARE) * (len(names) - 1))]


def active_of(script: Script) -> np.ndarray:
    """(4T,) bool at 100 Hz, within a phrase."""
    times = np.arange(round(script.seconds * 25) * 4) / TRACK_RATE_HZ
    active = np.zeros(len(times), bool)
    for phrase in script.phrases:
        active |= (times >= phrase.start_s) & (times < phrase.end_s)
    return active


def _syllables(rng: np.random.Generator, tract: SyntheticVoice, script: Script, tone: Tone) -> Said:
    """The source-filter voice's words."""
    blocks = []
    for phrase in script.phrases:
        if not phrase.laughed:
            tempo = tone.tempo[min(round(phrase.start_s * TRACK_RATE_HZ), len(tone.tempo) - 1)]
            blocks.append(syllables(rng, phrase, tract.syllables_per_s * tempo))
    speech = speech_of(blocks, script.seconds)
    semitones = speech.semitones + tone.semitones + flutter(rng, len(tone.semitones))
    gain = 10 ** (tone.gain_db / 20)
    spoken = replace(
        speech,
        semitones=semitones,
        aspiration=speech.aspiration + 0.03 * np.maximum(tone.breath_db, 0) * speech.voice,
    )
    made, sound = (
        synthesise(rng, spoken, tract),
        np.zeros(len(gain) * SAMPLE_RATE_HZ // TRACK_RATE_HZ, np.float32),
    )
    for phrase in script.phrases:
        if not phrase.laughed:
            first, last = (round(edge * SAMPLE_RATE_HZ) for edge in (phrase.start_s, phrase.end_s))
            sound[first:last] = cut(made[first:last], len(sound[first:last]))
    words = np.repeat(_in_words(script), SAMPLE_RATE_HZ // TRACK_RATE_HZ)
    level = np.sqrt(np.mean(sound[words] ** 2)) if words.any() else 1.0
    sound = sound * np.float32(SPEECH_RMS / max(level, 1e-6))
    sound *= np.repeat(gain, SAMPLE_RATE_HZ // TRACK_RATE_HZ).astype(np.float32)
    return Said(sound, speech.visemes, semitones, speech.stresses_s, speech.emphases_s)


def _in_words(script: Script) -> np.ndarray:
    """(4T,) bool at 100 Hz: within a phrase that is not laughed."""
    spoken = tuple(phrase for phrase in script.phrases if not phrase.laughed)
    return active_of(replace(script, phrases=spoken))


def _joined(
    rng: np.random.Generator, tract: SyntheticVoice, script: Script, words: Said, events: Speech
) -> Spoken:
    """Words and sounds without words together."""
    active, in_words = active_of(script), _in_words(script)
    sound = words.sound
    if events.voice.any() or events.aspiration.any():
        sound = sound + synthesise(rng, events, tract)
    semitones = np.where(in_words, words.semitones, events.semitones)
    return Spoken(
        visemes=np.maximum(words.visemes, events.visemes),
        f0_hz=np.where(active, tract.f0_hz * 2 ** (semitones / 12), 0.0),
        active=active,
        stresses_s=words.stresses_s,
        emphases_s=words.emphases_s,
        sound=sound[: round(script.seconds * 25) * SAMPLES_PER_FRAME].astype(np.float32),
    )
