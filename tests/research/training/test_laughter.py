"""Made voices that laugh."""

import numpy as np
import pytest
import torch

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
