"""Made voices that laugh."""

import numpy as np
import pytest
import torch

from reactface_node.config import Config
from reactface_node.engine.torch_stepper import load_listener
from reactface_node.model.laughs import ANSWER_CHANCE, SHARPNESS, SURE
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.room import record
from reactface_node.research.data.script import (
    ANGER,
    CRY,
    FEAR,
    GRIMACE,
    LAUGH,
    Episode,
    Phrase,
    Script,
)
from reactface_node.research.data.voice import draw_voice
from reactface_node.research.training.laughter import made_voices


@pytest.mark.slow
def test_made_voices_laugh_are_heard_and_not_seen():
    voices = made_voices(3, 4, 250)
    speaker = voices.speaker
    assert speaker.audio.shape == (4, 250 * 640) and speaker.audio.abs().max() <= 1.0
    assert speaker.audio_valid.all() and not speaker.face_valid.any()
    assert voices.laughing.shape == (4, 250)
    merry = voices.laughing[1::2].float().mean()
    assert 0.1 < merry < 0.9 and merry > voices.laughing[::2].float().mean()
    # Laughter is a sound: it is louder than the pauses of the same voice.
    for sound, laughing in zip(speaker.audio[1::2], voices.laughing[1::2], strict=True):
        loud = sound.reshape(250, 640).std(1)
        assert loud[laughing].mean() > loud.quantile(0.1)
    again = made_voices(3, 2, 250)
    assert torch.equal(again.speaker.audio, speaker.audio[:2])
    picked = voices.chosen(np.array([2, 0]), "cpu")
    assert torch.equal(picked.speaker.audio[1], speaker.audio[0])
    assert torch.equal(picked.laughing[0], voices.laughing[2])


def smiles_at(kind, count=6):
    """Mean probability that the shipped listener begins to smile within 3 s of sounds without
    words of a feeling, in voices of nobody seen."""
    model, found = load_listener(Config.load(), "cpu"), []
    for seed in range(count):
        rng = np.random.default_rng([77, seed])
        phrase = Phrase(1.0, 2.2, laughed=kind == LAUGH)
        script = Script(6.0, (phrase,), (Episode(kind, 1.0, 3.5, 1.0, face=False),))
        sound = torch.from_numpy(record(rng, draw_voice(rng).speak(rng, script).sound))[None]
        face, hears = torch.zeros(1, 150, 58), torch.ones(1, 150, dtype=torch.bool)
        speaker = SpeakerInput(face, face > 0, sound, hears)
        with torch.inference_mode():
            told = model.encode(speaker, model.initial_state(1, 1))[0].laughs[0, 1]
        starts = ANSWER_CHANCE * torch.sigmoid(SHARPNESS * (told - SURE))
        found.append(1.0 - float((1.0 - starts[25:100]).prod()))
    return np.mean(found)


@pytest.mark.slow
def test_heard_laughter_is_smiled_at_and_crying_yelling_groaning_and_fear_are_not():
    assert smiles_at(LAUGH) > 0.3
    assert max(smiles_at(kind) for kind in (CRY, ANGER, GRIMACE, FEAR)) < 0.15
