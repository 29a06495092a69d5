"""The speaker's laughter: shown in faces, heard in made voices."""

import numpy as np
import pytest
import torch

from reactface_node.research.training.laughter import KNOWN_S, OVER_S, made_voices, shown_laughter
from reactface_node.schema import index_of, indices_of

FRAMES = 100


def test_a_face_that_laughs_is_told_from_one_that_smiles():
    faces = np.zeros((3, FRAMES, 58), np.float32)
    faces[:2, 50:75, indices_of("mouthSmile")] = 0.6
    faces[0, 50:75, index_of("jawOpen")] = 0.3
    shown = shown_laughter(faces)
    first, end = round(50 + 25 * KNOWN_S), round(75 + 25 * OVER_S)
    assert shown[0, first:end].all() and shown.sum() == end - first


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
