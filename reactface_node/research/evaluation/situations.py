"""Speakers whom a session is shown without a camera: synthetic dyads and made situations."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reactface_node.media.video import AudioInput, ImageInput
from reactface_node.research.data.dyads import dyad_source
from reactface_node.research.data.labels import SMILE, ClipLabels, Interval
from reactface_node.research.data.room import record
from reactface_node.research.data.script import (
    ANGER,
    CRY,
    FROWN,
    GRIMACE,
    LAUGH,
    Episode,
    Phrase,
    Script,
    draw_talk,
)
from reactface_node.research.data.script import SMILE as SMILE_EPISODE
from reactface_node.research.data.voice import draw_voice
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    SAMPLE_RATE_HZ,
    SAMPLES_PER_FRAME,
)

STILL_S, VOICE_S = 30.0, 30.0
LAUGH_S, LAUGH_EVERY_S = 1.06, 6.0
SEED = 17
SEEN_SMILE = 0.3
"""Strength from which on a smile is labelled: an annotator misses a weaker one."""
_LABELS = {LAUGH: SMILE, FROWN: "frown", CRY: "cry", GRIMACE: "grimace"}


@dataclass(frozen=True, eq=False)
class Situation:
    """A speaker for T frames.

    face: (T, 58). audio: (T * 640,) float32, 16 kHz. seen: whether the camera sees the face. The
    others as in ``Meeting``.
    """

    face: np.ndarray
    audio: np.ndarray
    seen: bool = True
    speaking: np.ndarray | None = None
    laughs: tuple[Interval, ...] | None = None
    labels: ClipLabels | None = None

    def inputs(self) -> Iterator[ImageInput | AudioInput]:
        """An image, which only counts, and its sound for each frame."""
        for frame in range(len(self.face)):
            stamp_s = frame / FRAME_RATE_HZ
            # Images that do not change are those of a frozen camera.
            rgb = np.full((4, 4, 3), frame * 97 % 256, np.uint8)
            samples = self.audio[frame * SAMPLES_PER_FRAME : (frame + 1) * SAMPLES_PER_FRAME]
            yield ImageInput(stamp_s, stamp_s, rgb)
            arrival_s = stamp_s + 1 / FRAME_RATE_HZ
            yield AudioInput(stamp_s, arrival_s, samples, SAMPLE_RATE_HZ)


def dyads(seed: int, first: int, count: int, seconds: float) -> Iterator[Situation]:
    """Speakers ``first`` to ``first + count - 1`` of the synthetic test split of a seed."""
    source = dyad_source(seed, "test", first + count, seconds, 1)
    for index in range(first, first + count):
        dyad = source.make(index)
        events = dyad.events
        yield Situation(
            dyad.speaker,
            dyad.audio,
            speaking=events.speaking,
            laughs=_of_kinds(events.episodes, LAUGH),
            labels=labels_of(events.episodes),
        )


def still_face() -> Situation:
    """Somebody who sits there, silent and still, with a neutral face."""
    frames = round(STILL_S * FRAME_RATE_HZ)
    silence = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    return Situation(np.zeros((frames, NUM_COEFFICIENTS), np.float32), silence)


def voice_alone(seed: int) -> Situation:
    """A voice that says something without feeling; nobody is seen."""
    phrases = draw_talk(np.random.default_rng([SEED, seed]), VOICE_S)
    return _spoken(seed, Script(VOICE_S, phrases, ()))


def laughing_voice(seed: int) -> Situation:
    """A voice that laughs every six seconds; nobody is seen."""
    starts_s = np.arange(LAUGH_EVERY_S, VOICE_S - LAUGH_EVERY_S / 2, LAUGH_EVERY_S).tolist()
    phrases, laughs, time_s = [], [], 0.3
    for start_s in starts_s:
        phrases.append(Phrase(time_s, start_s - 0.5))
        phrases.append(Phrase(start_s, start_s + LAUGH_S, laughed=True))
        laughs.append(Episode(LAUGH, start_s, start_s + LAUGH_S, 1.0, face=False))
        time_s = start_s + LAUGH_S + 0.7
    return _spoken(seed, Script(VOICE_S, tuple(phrases), tuple(laughs)))


def labels_of(episodes: tuple[Episode, ...]) -> ClipLabels:
    """What a clip's labels would say of scripted feelings: of those that show on the face. Laughs
    are smiles, smiles too weak to be seen have no label; anger is a yell or a frown."""
    found: dict[str, list[Interval]] = {kind: [] for kind in ("yell", *_LABELS.values())}
    for one in episodes:
        kind = _label(one)
        if one.face and kind is not None:
            found[kind].append((one.start_s, one.end_s))
    return ClipLabels({kind: tuple(sorted(spans)) for kind, spans in found.items()})


def _label(one: Episode) -> str | None:
    if one.kind == SMILE_EPISODE:
        return SMILE if one.strength >= SEEN_SMILE else None
    if one.kind == ANGER:
        return "yell" if one.yells else "frown"
    return _LABELS.get(one.kind)


def _of_kinds(episodes: tuple[Episode, ...], kind: str) -> tuple[Interval, ...]:
    return tuple((one.start_s, one.end_s) for one in episodes if one.kind == kind)


def _spoken(seed: int, script: Script) -> Situation:
    rng = np.random.default_rng([SEED, seed])
    spoken = draw_voice(rng).speak(rng, script)
    return Situation(
        np.zeros((len(spoken.speaking), NUM_COEFFICIENTS), np.float32),
        record(rng, spoken.sound),
        seen=False,
        speaking=spoken.speaking,
        laughs=_of_kinds(script.episodes, LAUGH),
    )
