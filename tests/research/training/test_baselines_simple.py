"""Mirror, Random and the nearest neighbours."""

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, speaker_input

from reactface_node.errors import UserError
from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.baselines import Mirror, NearestNeighbour, Random

FRAMES = 96


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def clips():
    """Three clips, the last one shorter, with two listeners each."""
    rng = np.random.default_rng(0)
    frames = np.array([FRAMES, FRAMES, 48])
    shown = np.arange(FRAMES) < frames[:, None]
    speaker = rng.standard_normal((3, FRAMES, 58)).cumsum(1) * shown[..., None]
    loud = np.repeat(rng.uniform(0.01, 0.3, (3, FRAMES // 4)), 4 * 640, axis=1)
    audio = (rng.standard_normal(loud.shape) * loud * shown.repeat(640, 1)).clip(-1, 1)
    reactions = rng.standard_normal((6, FRAMES, 58)) * shown.repeat(2, 0)[..., None]
    return Clips(
        ("a", "b", "c"),
        frames,
        speaker.astype(np.float32),
        np.round(audio * 32767).astype(np.int16),
        reactions.astype(np.float32),
        tuple(np.array([2 * n + 1, 2 * n]) for n in range(3)),
        frames.repeat(2),
    )


def seen_and_heard(clips, index, frames):
    """A clip's speaker as a model gets it."""
    return SpeakerInput(
        torch.from_numpy(clips.speaker[index : index + 1, :frames]),
        torch.ones(1, frames, 58, dtype=torch.bool),
        torch.from_numpy(clips.audio[index : index + 1, : frames * 640].astype(np.float32) / 32768),
        torch.ones(1, frames, dtype=torch.bool),
    )


def test_mirror_is_the_speaker_where_seen_and_neutral_elsewhere():
    speaker = speaker_input(small_config(), 16, batch=2)
    reaction = Mirror().react(speaker, 3, generator())
    assert reaction.shape == (2, 3, 16, 58)
    for sample in reaction.unbind(1):
        assert torch.equal(sample[speaker.face_valid], speaker.face[speaker.face_valid])
        assert not sample[~speaker.face_valid].any()


def test_mirror_needs_coefficients():
    with pytest.raises(UserError, match="pixels"):
        Mirror().react(speaker_input(small_config("paper"), 8), 1, generator())


def test_random_has_the_own_listeners_mean_and_covariance(clips):
    own = np.concatenate([clips.reactions[2 * n + 1, : clips.frames[n]] for n in range(3)])
    speaker = speaker_input(small_config(), 400)
    drawn = Random.fit(clips).react(speaker, 100, generator())[0]
    frames = drawn.flatten(0, 1).numpy()
    np.testing.assert_allclose(frames.mean(0), own.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(frames.T), np.cov(own.T, bias=True), atol=0.04)
    again = Random.fit(clips).react(speaker, 100, generator())[0]
    assert torch.equal(drawn, again) and not torch.equal(drawn[0], drawn[1])


def test_random_takes_a_channel_that_never_moves():
    covariance = np.zeros((58, 58))
    covariance[3, 3] = 4.0
    mean = np.arange(58.0)
    drawn = Random(mean, covariance).react(speaker_input(small_config(), 800), 1, generator())[0, 0]
    assert drawn[:, 3].std().item() == pytest.approx(2.0, rel=0.1)
    assert torch.equal(drawn[:, 4], torch.full((800,), 4.0))


@pytest.mark.parametrize("by", ["motion", "audio"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_training_speaker_finds_the_own_listener(clips, by, index):
    frames = clips.frames[index]
    reaction = NearestNeighbour(clips, by).react(
        seen_and_heard(clips, index, frames), 2, generator()
    )
    assert reaction.shape == (1, 2, frames, 58)
    for sample in reaction[0]:
        np.testing.assert_array_equal(sample, clips.reactions[2 * index + 1, :frames])


def test_a_missing_channel_is_not_compared(clips):
    speaker = seen_and_heard(clips, 1, FRAMES)
    valid = speaker.face_valid.clone()
    valid[..., ::2] = False
    wrong = torch.where(valid, speaker.face, 1e4)
    reaction = NearestNeighbour(clips, "motion").react(
        SpeakerInput(wrong, valid, speaker.audio, speaker.audio_valid), 1, generator()
    )
    np.testing.assert_array_equal(reaction[0, 0], clips.reactions[3])


@pytest.mark.parametrize("by", ["motion", "audio"])
def test_who_is_neither_seen_nor_heard_gets_the_mean_listener(clips, by):
    speaker = seen_and_heard(clips, 0, 16)
    nothing = SpeakerInput(
        speaker.face, speaker.face_valid & False, speaker.audio, speaker.audio_valid & False
    )
    reaction = NearestNeighbour(clips, by).react(nothing, 1, generator())[0, 0]
    own = np.concatenate([clips.reactions[2 * n + 1, : clips.frames[n]] for n in range(3)])
    np.testing.assert_allclose(reaction, np.tile(own.mean(0), (16, 1)), atol=1e-5)


@pytest.mark.parametrize("by", ["motion", "audio"])
def test_the_nearest_neighbour_does_not_see_the_future(clips, by):
    nearest = NearestNeighbour(clips, by, segment=16)
    speaker, other = seen_and_heard(clips, 0, 64), seen_and_heard(clips, 1, 64)
    joined = SpeakerInput(
        torch.cat([speaker.face[:, :32], other.face[:, 32:]], 1),
        speaker.face_valid,
        torch.cat([speaker.audio[:, : 32 * 640], other.audio[:, 32 * 640 :]], 1),
        speaker.audio_valid,
    )
    one, two = (nearest.react(x, 1, generator()) for x in (speaker, joined))
    assert torch.equal(one[:, :, :32], two[:, :, :32])
    assert not torch.equal(one[:, :, 32:], two[:, :, 32:])


def test_wrong_arguments_are_refused(clips):
    with pytest.raises(ValueError, match="motion or by audio"):
        NearestNeighbour(clips, "smell")
    with pytest.raises(ValueError, match="multiples of 4"):
        NearestNeighbour(clips, "motion", segment=30)


@pytest.mark.parametrize("by", ["motion", "audio"])
def test_a_clip_may_end_within_a_window(clips, by):
    nearest = NearestNeighbour(clips, by)
    whole, part = (
        nearest.react(seen_and_heard(clips, 0, n), 1, generator()) for n in (FRAMES, FRAMES - 3)
    )
    assert part.shape == (1, 1, FRAMES - 3, 58)
    assert torch.equal(part[:, :, : FRAMES - 8], whole[:, :, : FRAMES - 8])
