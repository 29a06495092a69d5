"""The events of a clip: when the speaker talks, laughs and pauses, and which emotions show."""

from dataclasses import dataclass

import numpy as np

SMILE, LAUGH, FROWN, SURPRISE = "smile", "laugh", "frown", "surprise"
# Smiles are the most frequent signal in conversation; all are frequent enough to be learned from
# clips of 20 s. No source gives rates by kind, so these are chosen.
_EPISODE_KINDS = (SMILE, FROWN, SURPRISE)
_EPISODE_SHARES = (0.5, 0.25, 0.25)


@dataclass(frozen=True)
class Phrase:
    """Speech between two pauses. rises: the pitch rises at the end (a question, or more
    follows)."""

    start_s: float
    end_s: float
    rises: bool = False
    laughed: bool = False


@dataclass(frozen=True)
class Episode:
    """An emotion on the face. strength: its peak, 0..1."""

    kind: str
    start_s: float
    end_s: float
    strength: float


@dataclass(frozen=True)
class Script:
    """A clip's phrases and episodes, each in order of time; ``seconds`` long."""

    seconds: float
    phrases: tuple[Phrase, ...]
    episodes: tuple[Episode, ...]


def draw_script(rng: np.random.Generator, seconds: float) -> Script:
    """Draw the script of a speaker who talks most of the time, pauses, and sometimes shows an
    emotion."""
    phrases = _draw_phrases(rng, seconds)
    laughs = [_laugh_episode(rng, p) for p in phrases if p.laughed]
    others = [
        e
        for e in _draw_episodes(rng, seconds)
        if all(e.end_s < a.start_s - 0.5 or e.start_s > a.end_s + 0.5 for a in laughs)
    ]
    episodes = sorted(laughs + others, key=lambda e: e.start_s)
    return Script(seconds, tuple(phrases), tuple(episodes))


def _draw_phrases(rng: np.random.Generator, seconds: float) -> list[Phrase]:
    phrases: list[Phrase] = []
    time = rng.uniform(0.2, 1.5)
    while time < seconds - 0.8:
        laughed = rng.random() < 0.08
        length = rng.uniform(0.8, 1.6) if laughed else np.clip(rng.lognormal(0.85, 0.45), 0.8, 6.0)
        end = min(time + length, seconds - 0.2)
        phrases.append(Phrase(time, end, bool(rng.random() < 0.25), laughed))
        pause = np.clip(rng.lognormal(-0.4, 0.6), 0.3, 3.0)
        if rng.random() < 0.07:
            pause = rng.uniform(3.0, 6.0)
        time = end + pause
    return phrases


def _draw_episodes(rng: np.random.Generator, seconds: float) -> list[Episode]:
    episodes: list[Episode] = []
    time = rng.uniform(0.5, 5.0)
    while time < seconds - 1.0:
        kind = str(rng.choice(_EPISODE_KINDS, p=_EPISODE_SHARES))
        length = rng.uniform(1.0, 2.0) if kind == SURPRISE else rng.uniform(1.5, 5.0)
        episodes.append(Episode(kind, time, time + length, rng.uniform(0.45, 1.0)))
        time += length + rng.uniform(2.0, 7.0)
    return episodes


def _laugh_episode(rng: np.random.Generator, phrase: Phrase) -> Episode:
    return Episode(LAUGH, phrase.start_s - 0.25, phrase.end_s + 0.6, rng.uniform(0.75, 1.0))
