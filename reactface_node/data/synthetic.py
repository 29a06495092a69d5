"""Synthetic dyads: a speaker with face and voice, and listeners who react as people do.

Sources of the numbers are named where the numbers stand (script, speech, voice, speaker,
cues, listener).
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.data.cues import backchannel_cues
from reactface_node.data.listener import Disposition, Heard, Nod, draw_disposition, listen
from reactface_node.data.script import Episode, Script, draw_script
from reactface_node.data.speaker import act, draw_manner
from reactface_node.data.speech import Speech, articulate
from reactface_node.data.voice import Voice, draw_voice, record, synthesise


@dataclass(frozen=True, eq=False)
class Events:
    """What happened, for tests and probes.

    speaking: (T,) bool. f0_hz: (4T,) pitch at 100 Hz, 0 in pauses. episodes: the speaker's
    feelings. cues_s: back-channel cues (when a listener can know of them). emphases_s:
    emphatic syllables. nods, dispositions: one entry a listener.
    """

    speaking: np.ndarray
    f0_hz: np.ndarray
    episodes: tuple[Episode, ...]
    cues_s: np.ndarray
    emphases_s: np.ndarray
    nods: tuple[tuple[Nod, ...], ...]
    dispositions: tuple[Disposition, ...]


@dataclass(frozen=True, eq=False)
class Dyad:
    """speaker: (T, 58) float32. audio: (T * 640,) float32, 16 kHz, within -1..1.

    listeners: (L, T, 58) float32, appropriate listeners of this speaker, without blinks.
    """

    speaker: np.ndarray
    audio: np.ndarray
    listeners: np.ndarray
    events: Events


@dataclass(frozen=True, eq=False)
class Motion:
    """A dyad before its sound. speaker, listeners, events: as in ``Dyad``."""

    speaker: np.ndarray
    listeners: np.ndarray
    events: Events
    speech: Speech
    voice: Voice


def make_dyad(rng: np.random.Generator, seconds: float, listeners: int) -> Dyad:
    """A dyad of ``round(25 * seconds)`` frames; the same generator state gives the same dyad.

    ValueError under one second or without a listener.
    """
    if seconds < 1.0 or listeners < 1:
        raise ValueError("a dyad needs at least 1 second and 1 listener")
    motion = make_motion(rng, draw_script(rng, seconds), listeners)
    clean = synthesise(rng, motion.speech, motion.voice)
    audio = record(rng, clean)
    return Dyad(motion.speaker, audio, motion.listeners, motion.events)


def make_motion(rng: np.random.Generator, script: Script, listeners: int) -> Motion:
    """Speaker and listeners of a script, without sound."""
    voice = draw_voice(rng)
    speech = articulate(rng, script, voice.f0_hz, voice.syllables_per_s)
    speaker = act(rng, script, speech, draw_manner(rng))
    cues_s = backchannel_cues(speech.f0_hz)
    heard = Heard(speaker, speech.speaking, script.episodes, cues_s, speech.emphases_s)
    dispositions = tuple(draw_disposition(rng) for _ in range(listeners))
    reactions = [listen(rng, heard, disposition) for disposition in dispositions]
    events = Events(
        speaking=heard.speaking,
        f0_hz=speech.f0_hz,
        episodes=script.episodes,
        cues_s=cues_s,
        emphases_s=speech.emphases_s,
        nods=tuple(nods for _, nods in reactions),
        dispositions=dispositions,
    )
    return Motion(speaker, np.stack([face for face, _ in reactions]), events, speech, voice)
