"""The events of a clip: when the speaker talks, laughs, pauses and is silent, and what he feels.

Human numbers are those of two corpora of conversations, IFADV (20 Dutch dyads, 300 minutes) and
CCDb (British dyads, 2,467 parts of 10 s). Numbers without a source are chosen.
"""

from dataclasses import dataclass

import numpy as np

SMILE, LAUGH, FROWN, SURPRISE = "smile", "laugh", "frown", "surprise"
CRY, ANGER, GRIMACE, FEAR, DISGUST = "cry", "anger", "grimace", "fear", "disgust"
CONFUSION, THINKING = "confusion", "thinking"
FEELINGS = (
    *(SMILE, LAUGH, FROWN, SURPRISE),
    *(CRY, ANGER, GRIMACE, FEAR, DISGUST),
    *(CONFUSION, THINKING),
)
"""All kinds of episodes. FROWN is sadness, GRIMACE is pain."""
RARE = (CRY, ANGER, GRIMACE, FEAR, DISGUST)

Interval = tuple[float, float]

# mu and sigma of the logarithm of seconds: IFADV, 14,022 utterances.
_PHRASE_S, _PAUSE_S = (0.60, 0.75), (-0.55, 0.56)
_SHORTEST_PHRASE_S, _LONGEST_PHRASE_S = 0.3, 12.0
_SHORTEST_PAUSE_S = 0.2
# IFADV: 0.5 % of the pauses are over 3 s. The log-normal gives 0.16 %; these and silent laughs add
# the rest.
_LONG_PAUSE, _LONG_PAUSE_S = 0.002, (3.0, 5.0)
_CYCLE_S = 3.1  # mean of a phrase and its pause
# IFADV: 1.1 laughs a minute (10 and 90 % of the people: 0.2 and 2.4), 1.06 s long on average.
_LAUGHS_PER_MIN, _LAUGH_SPREAD = 0.82, 0.97
_LAUGH_S, _SHORTEST_LAUGH_S, _LONGEST_LAUGH_S = (-0.067, 0.5), 0.35, 3.5
_RISES = 0.25
_SILENT, _WHOLLY_SILENT, _STILL, _SHORTEST_SILENCE_S = 1 / 8, 0.5, 0.5, 5.0

# Episodes a minute. CCDb gives the chance of one in 10 s: smile (laughs included) 0.51, surprise
# 0.10, confusion 0.11, thinking 0.50. The rate of a chance p and a length of d seconds is
# -60 log(1 - p) / (10 + d). Smiles are more, as those under 0.2 are too weak to be counted.
_PER_MIN = {SMILE: 4.2, SURPRISE: 0.6, CONFUSION: 0.58, THINKING: 3.7, FROWN: 0.6}
_SMILE_SPREAD = 0.5  # sigma of the log of a person's rate of smiles
_RARE_CHANCE = 1 / 3
_RARE_SHARES = (0.3, 0.25, 0.2, 0.1, 0.15)
# Median, least and greatest length in seconds, from the onset to where it begins to fade; a smile
# lasts 0.5 to 4 s with its fading.
_LENGTH_S = {
    SMILE: (1.3, 0.4, 3.2),
    FROWN: (2.0, 0.8, 6.0),
    SURPRISE: (0.8, 0.4, 2.0),
    CONFUSION: (1.5, 0.6, 4.0),
    THINKING: (1.3, 0.5, 4.0),
    CRY: (5.0, 2.0, 15.0),
    ANGER: (3.0, 1.0, 8.0),
    GRIMACE: (1.0, 0.4, 3.0),
    FEAR: (1.4, 0.6, 4.0),
    DISGUST: (1.3, 0.5, 3.0),
}
_LENGTH_SPREAD = 0.5
# Some people hold a smile for longer than people do in conversation: before a camera.
_HELD_SMILES, _HELD_SMILE_S = 0.2, (3.0, 9.0)
_WEAKEST = {SMILE: 0.05, FROWN: 0.05, LAUGH: 0.4, THINKING: 0.3}
_WEAKEST_OTHER = 0.2
_WEAKER = {SMILE: 1.1}  # above 1: weak ones are more frequent
_APART_S = 1.2  # from the end of an episode to the next: the face fades in this time
_FACE_ALONE, _VOICE_ALONE = 0.2, 0.15  # shares of the episodes
_YELLS_FROM = 0.5
_TRIES = 20


@dataclass(frozen=True)
class Phrase:
    """Speech between two pauses. rises: the pitch rises at the end (a question, or more
    follows). text: what a natural voice says; empty for a sentence that is drawn."""

    start_s: float
    end_s: float
    rises: bool = False
    laughed: bool = False
    text: str = ""


@dataclass(frozen=True)
class Episode:
    """A feeling. strength: its peak, 0..1. face: it shows on the face. voice: it is heard."""

    kind: str
    start_s: float
    end_s: float
    strength: float
    face: bool = True
    voice: bool = True

    @property
    def yells(self) -> bool:
        """Strong anger yells."""
        return self.kind == ANGER and self.strength >= _YELLS_FROM


@dataclass(frozen=True)
class Script:
    """A clip's phrases and episodes, each in order of time; ``seconds`` long.

    still_s: intervals in which the person hardly moves and the face is at rest.
    """

    seconds: float
    phrases: tuple[Phrase, ...]
    episodes: tuple[Episode, ...]
    still_s: tuple[Interval, ...] = ()


def draw_script(rng: np.random.Generator, seconds: float) -> Script:
    """Draw the script of a person in front of the listener.

    Most talk, in phrases and pauses; one clip in eight holds a silence of 5 s to its whole length,
    in which half of the people keep still and the others move and feel as ever. Episodes of feeling
    exclude each other in time; speech goes on during them. One clip in three holds crying, anger,
    a grimace, fear or disgust: far more often than in conversation, so that they can be learned.
    """
    silence = _draw_silence(rng, seconds)
    still = (silence,) if silence and rng.random() < _STILL else ()
    spans = _spans(seconds, silence)
    per_min = _LAUGHS_PER_MIN * rng.lognormal(0.0, _LAUGH_SPREAD)
    phrases: list[Phrase] = []
    laughs: list[Episode] = []
    for span in spans:
        said, laughed = _talk(rng, span, per_min)
        phrases, laughs = phrases + said, laughs + laughed
    if not phrases:
        silence = 0.0, seconds
    episodes = _draw_episodes(rng, seconds, laughs, still, silence)
    return Script(seconds, tuple(phrases), tuple(episodes), still)


def draw_talk(rng: np.random.Generator, seconds: float) -> tuple[Phrase, ...]:
    """Draw the phrases of somebody who talks all the time and never laughs."""
    return tuple(_talk(rng, (0.0, seconds), 0.0)[0])


def _draw_silence(rng: np.random.Generator, seconds: float) -> Interval | None:
    if rng.random() >= _SILENT:
        return None
    if rng.random() < _WHOLLY_SILENT or seconds < _SHORTEST_SILENCE_S:
        return 0.0, seconds
    length = rng.uniform(_SHORTEST_SILENCE_S, seconds)
    start = rng.uniform(0.0, seconds - length)
    return start, start + length


def _spans(seconds: float, silence: Interval | None) -> list[Interval]:
    """Where there is talk: before and after the silence."""
    if silence is None:
        return [(0.0, seconds)]
    return [(0.0, silence[0]), (silence[1], seconds)]


def _talk(
    rng: np.random.Generator, span: Interval, laughs_per_min: float
) -> tuple[list[Phrase], list[Episode]]:
    """Phrases from the beginning to the end of a span, and the laughs between them."""
    phrases: list[Phrase] = []
    laughs: list[Episode] = []
    time = span[0] + rng.uniform(0.1, 1.2)
    while time < span[1] - 0.8:
        laughing = rng.random() < laughs_per_min * _CYCLE_S / 60
        end = min(time + _length(rng, laughing), span[1] - 0.2)
        heard = True
        if laughing:
            laughs.append(_episode(rng, LAUGH, time, end))
            heard = laughs[-1].voice
        if heard:
            phrases.append(Phrase(time, end, bool(rng.random() < _RISES), laughing))
        time = end + _pause(rng)
    return phrases, laughs


def _length(rng: np.random.Generator, laughing: bool) -> float:
    if laughing:
        return float(np.clip(rng.lognormal(*_LAUGH_S), _SHORTEST_LAUGH_S, _LONGEST_LAUGH_S))
    return float(np.clip(rng.lognormal(*_PHRASE_S), _SHORTEST_PHRASE_S, _LONGEST_PHRASE_S))


def _pause(rng: np.random.Generator) -> float:
    if rng.random() < _LONG_PAUSE:
        return float(rng.uniform(*_LONG_PAUSE_S))
    return float(np.clip(rng.lognormal(*_PAUSE_S), _SHORTEST_PAUSE_S, _LONG_PAUSE_S[1]))


def _draw_episodes(
    rng: np.random.Generator,
    seconds: float,
    laughs: list[Episode],
    still: tuple[Interval, ...],
    silence: Interval | None,
) -> list[Episode]:
    """The laughs and, where there is room, episodes of the other kinds, in order of time."""
    placed = list(laughs)
    taken = [(one.start_s, one.end_s) for one in laughs] + list(still)
    for kind in _draw_kinds(rng, seconds):
        length = _episode_length(rng, kind)
        for start in rng.uniform(0.0, max(seconds - _LENGTH_S[kind][1], 0.0), _TRIES):
            end = min(start + length, seconds)
            if all(end + _APART_S < a or start > b + _APART_S for a, b in taken):
                silent = silence is not None and start >= silence[0] and end <= silence[1]
                placed.append(_episode(rng, kind, float(start), end, silent))
                taken.append((start, end))
                break
    return sorted(placed, key=lambda one: one.start_s)


def _draw_kinds(rng: np.random.Generator, seconds: float) -> list[str]:
    """The kinds of a clip's episodes: rare ones first, as they need most room."""
    kinds: list[str] = []
    if rng.random() < _RARE_CHANCE:
        kind = str(rng.choice(RARE, p=_RARE_SHARES))
        kinds += [kind] * (1 + rng.poisson(seconds / 60))
    common: list[str] = []
    for kind, per_min in _PER_MIN.items():
        spread = _SMILE_SPREAD if kind == SMILE else 0.0
        rate = per_min * rng.lognormal(-0.5 * spread**2, spread)
        common += [kind] * int(rng.poisson(rate * seconds / 60))
    return kinds + [common[index] for index in rng.permutation(len(common))]


def _episode_length(rng: np.random.Generator, kind: str) -> float:
    if kind == SMILE and rng.random() < _HELD_SMILES:
        return float(rng.uniform(*_HELD_SMILE_S))
    median, least, most = _LENGTH_S[kind]
    return float(np.clip(rng.lognormal(np.log(median), _LENGTH_SPREAD), least, most))


def _episode(
    rng: np.random.Generator, kind: str, start_s: float, end_s: float, silent: bool = False
) -> Episode:
    weakest = _WEAKEST.get(kind, _WEAKEST_OTHER)
    chance = rng.random() ** _WEAKER.get(kind, 1.0)
    strength = weakest + (1.0 - weakest) * float(chance)
    chance = rng.random()
    face = silent or not chance < _VOICE_ALONE
    voice = not silent and not _VOICE_ALONE <= chance < _VOICE_ALONE + _FACE_ALONE
    return Episode(kind, start_s, end_s, strength, face, voice)
