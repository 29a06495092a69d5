"""Made situations: a still face, voices without a face, and the labels of scripted feelings."""

from dataclasses import dataclass

import numpy as np
import pytest

from reactface_node.research.data.script import Episode, Script
from reactface_node.research.evaluation import situations


@dataclass(frozen=True, eq=False)
class Said:
    sound: np.ndarray
    speaking: np.ndarray


class Hummer:
    """A voice that hums in every phrase, and keeps the scripts it was given."""

    def __init__(self):
        self.scripts: list[Script] = []

    def speak(self, rng: np.random.Generator, script: Script) -> Said:
        self.scripts.append(script)
        speaking = np.zeros(round(25 * script.seconds), bool)
        for phrase in script.phrases:
            speaking[round(25 * phrase.start_s) : round(25 * phrase.end_s)] = True
        sound = np.repeat(speaking, 640) * np.sin(np.arange(len(speaking) * 640) / 10) * 0.14
        return Said(sound.astype(np.float32), speaking)


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> Hummer:
    hummer = Hummer()
    monkeypatch.setattr(situations, "draw_voice", lambda rng: hummer)
    return hummer


def test_a_still_face_is_silent_and_neutral():
    still = situations.still_face()
    assert still.seen and not still.face.any() and not still.audio.any()


def test_a_voice_alone_speaks_without_feeling(voice: Hummer):
    for seed in range(5):
        alone = situations.voice_alone(seed)
        assert not alone.seen and not alone.face.any() and alone.laughs == ()
        assert alone.speaking.mean() > 0.4 and len(alone.audio) == 640 * len(alone.speaking)
        assert alone.audio.any() and np.abs(alone.audio).max() <= 1
    assert not any(one.episodes for one in voice.scripts)
    assert voice.scripts[0].phrases != voice.scripts[1].phrases
    assert np.array_equal(situations.voice_alone(3).audio, situations.voice_alone(3).audio)


def test_a_laughing_voice_laughs_every_six_seconds_and_shows_nothing(voice: Hummer):
    laughing = situations.laughing_voice(0)
    assert len(laughing.laughs) == 4 and np.allclose(np.diff(laughing.laughs, axis=0), 6.0)
    (script,) = voice.scripts
    assert [(p.start_s, p.end_s) for p in script.phrases if p.laughed] == list(laughing.laughs)
    assert all(one.voice and not one.face for one in script.episodes)


def test_labels_say_what_the_face_shows():
    labels = situations.labels_of(
        (
            Episode("smile", 0, 1, 1.0),
            Episode("cry", 2, 3, 0.3),
            Episode("anger", 4, 5, 0.9),
            Episode("laugh", 6, 7, 1.0),
            Episode("anger", 8, 9, 0.3),
            Episode("frown", 10, 11, 0.1),
            Episode("grimace", 12, 13, 1.0),
            Episode("smile", 14, 15, 0.1),  # too weak to be labelled
            Episode("laugh", 16, 17, 1.0, face=False),
            Episode("cry", 18, 19, 1.0, face=False),
            Episode("thinking", 20, 21, 1.0),
        )
    )
    assert labels.of("smile") == ((0, 1), (6, 7)) and labels.of("cry") == ((2, 3),)
    assert labels.of("yell") == ((4, 5),) and labels.of("frown") == ((8, 9), (10, 11))
    assert labels.of("grimace") == ((12, 13),)
    assert sum(map(len, labels.intervals.values())) == 7


def test_labels_of_nothing_are_empty():
    assert not any(situations.labels_of(()).intervals.values())
