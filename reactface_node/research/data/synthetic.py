"""Synthetic dyads: a speaker with face and voice, and listeners who react to them.

The sources of the numbers are named beside them, in script, speech, voice, speaker, cues and
listener.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.cues import backchannel_cues
from reactface_node.research.data.dispositions import Disposition, draw_disposition
from reactface_node.research.data.listener import Heard, listen
from reactface_node.research.data.nods import Nod
from reactface_node.research.data.room import record
from reactface_node.research.data.script import Episode, Script, draw_script
from reactface_node.research.data.speaker import Manner, act, draw_manner
from reactface_node.research.data.voice import Spoken, Voice, draw_voice
from reactface_node.schema import FRAME_RATE_HZ, indices_of
from reactface_node.session.idle import Blinks

LIDS = indices_of("eyeBlink")


@dataclass(frozen=True)
class Cast:
    """The people that may appear: speakers by voice and manner, listeners by disposition."""

    speakers: tuple[tuple[Voice, Manner], ...]
    listeners: tuple[Disposition, ...]


def draw_cast(rng: np.random.Generator, speakers: int, listeners: int) -> Cast:
    """Draw the people of one split; splits with separate casts share no person."""
    return Cast(
        tuple((draw_voice(rng), draw_manner(rng)) for _ in range(speakers)),
        tuple(draw_disposition(rng) for _ in range(listeners)),
    )


@dataclass(frozen=True, eq=False)
class Events:
    """The events of a dyad, for tests and probes.

    speaking: (T,) bool. f0_hz: (4T,) pitch at 100 Hz, 0 in pauses. episodes: the speaker's
    feelings. cues_s: back-channel cues, at the time at which a listener can notice them.
    emphases_s:
    emphatic syllables. nods, dispositions: one entry per listener.
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

    listeners: (L, T, 58) float32, appropriate listeners of this speaker, their lids at rest.
    blinks: (L, T) float32 lid closure by blinks, 0..1. It is separate because playout generates
    blinks without the model; ``with_blinks`` adds it.
    """

    speaker: np.ndarray
    audio: np.ndarray
    listeners: np.ndarray
    blinks: np.ndarray
    events: Events


def with_blinks(listeners: np.ndarray, blinks: np.ndarray) -> np.ndarray:
    """(L, T, 58) the listeners with their (L, T) blinks added to the lids at rest."""
    face = listeners.copy()
    rest = face[..., LIDS]
    face[..., LIDS] = rest + (1.0 - rest) * blinks[..., None]
    return face


@dataclass(frozen=True, eq=False)
class Motion:
    """A dyad before it is recorded. speaker, listeners, events: as in ``Dyad``."""

    speaker: np.ndarray
    listeners: np.ndarray
    events: Events
    spoken: Spoken


def make_dyad(
    rng: np.random.Generator, seconds: float, listeners: int, cast: Cast | None = None
) -> Dyad:
    """A dyad of ``round(25 * seconds)`` frames; the same generator state gives the same dyad.

    Its people are of the cast, or new ones. ValueError under one second, without a listener, or
    with more listeners than the cast has.
    """
    if seconds < 1.0 or listeners < 1:
        raise ValueError("a dyad needs at least 1 second and 1 listener")
    motion = make_motion(rng, draw_script(rng, seconds), listeners, cast)
    audio = record(rng, motion.spoken.sound)
    times = np.arange(len(motion.speaker)) / FRAME_RATE_HZ
    blinks = [
        Blinks(np.random.default_rng(rng.integers(2**63))).frames(times, one.blinks_per_min)
        for one in motion.events.dispositions
    ]
    return Dyad(motion.speaker, audio, motion.listeners, np.stack(blinks), motion.events)


def make_motion(
    rng: np.random.Generator, script: Script, listeners: int, cast: Cast | None = None
) -> Motion:
    """Speaker and listeners of a script, and the clean sound."""
    cast = cast or draw_cast(rng, 1, listeners)
    if listeners > len(cast.listeners):
        raise ValueError(f"{listeners} listeners of a cast of {len(cast.listeners)}")
    voice, manner = cast.speakers[rng.integers(len(cast.speakers))]
    spoken = voice.speak(rng, script)
    acted = act(rng, script, spoken, manner)
    cues_s = backchannel_cues(spoken.f0_hz)
    heard = Heard(
        acted.face,
        acted.shown,
        spoken.speaking,
        script.episodes,
        np.array([phrase.end_s for phrase in script.phrases]),
        cues_s,
        spoken.emphases_s,
    )
    chosen = rng.choice(len(cast.listeners), listeners, replace=False)
    dispositions = tuple(cast.listeners[index] for index in chosen)
    reactions = [listen(rng, heard, disposition) for disposition in dispositions]
    events = Events(
        speaking=heard.speaking,
        f0_hz=spoken.f0_hz,
        episodes=script.episodes,
        cues_s=cues_s,
        emphases_s=spoken.emphases_s,
        nods=tuple(nods for _, nods in reactions),
        dispositions=dispositions,
    )
    return Motion(acted.face, np.stack([face for face, _ in reactions]), events, spoken)
