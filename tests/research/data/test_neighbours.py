"""Neighbours by the speaker's behaviour."""

import numpy as np
import pytest

from reactface_node.research.data import neighbours
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.neighbours import distances, with_neighbours

SECONDS = 8


def clips_of(speakers, audio, frames=None):
    count, length = speakers.shape[:2]
    return Clips(
        names=tuple(str(k) for k in range(count)),
        frames=np.full(count, length) if frames is None else np.array(frames),
        speaker=speakers.astype(np.float32),
        audio=audio.astype(np.int16),
        reactions=np.zeros((count, length, 58), np.float32),
        appropriate=tuple(np.array([k]) for k in range(count)),
        reaction_frames=np.full(count, length) if frames is None else np.array(frames),
    )


def random_clips(count=40, seed=0):
    """Independent second by second, smooth within."""
    rng = np.random.default_rng(seed)
    speakers = np.repeat(rng.normal(size=(count, SECONDS, 58)), 25, axis=1)
    gain = np.repeat(10 ** rng.uniform(0, 3, (count, SECONDS)), 16000, axis=1)
    return speakers, gain * rng.choice([-1, 1], (count, SECONDS * 16000))


def test_unrelated_clips_are_about_root_two_apart_and_a_copy_is_near():
    speakers, audio = random_clips()
    rng = np.random.default_rng(1)
    speakers[7] = speakers[3] + rng.normal(size=speakers[3].shape)  # what a second averages away
    audio[7] = audio[3]
    apart = distances(clips_of(speakers, audio))
    np.testing.assert_allclose(apart, apart.T)
    assert not apart.diagonal().any()
    others = apart[np.triu_indices(len(apart), 1)]
    assert np.median(others) == pytest.approx(np.sqrt(2), abs=0.1)
    assert apart[3, 7] < 0.3 < others[others != apart[3, 7]].min()


def test_groups_weigh_the_same():
    """Hand-computed: two clips that differ in loudness alone, by all of its two deviations."""
    speakers, audio = np.zeros((2, 50, 58)), np.ones((2, 50 * 640))
    audio[1] *= 100
    assert distances(clips_of(speakers, audio))[0, 1] == pytest.approx(2.0)
    # Of two groups that move, one is the same in both: half of the squared difference.
    speakers[:, :25, 52] = 1.0
    assert distances(clips_of(speakers, audio))[0, 1] == pytest.approx(np.sqrt(2.0))


def test_own_reaction_first_then_the_nearest():
    speakers, audio = random_clips(6)
    audio[:] = audio[0]
    speakers[4] = speakers[1] + 0.02
    speakers[5] = speakers[1] + 0.2
    clips = clips_of(speakers, audio)
    found = with_neighbours(clips, 0.6).appropriate
    assert [rows.tolist() for rows in found] == [[0], [1, 4, 5], [2], [3], [4, 1, 5], [5, 4, 1]]
    assert [rows.tolist() for rows in with_neighbours(clips, 0.0).appropriate] == [
        [k] for k in range(6)
    ]
    assert all(len(rows) == 6 for rows in with_neighbours(clips, 10.0).appropriate)


def test_a_much_shorter_clip_is_nobodys_neighbour():
    speakers, audio = random_clips(3)
    speakers[1:], audio[1:] = speakers[0], audio[0]
    apart = distances(clips_of(speakers, audio, [200, 200, 100]))
    assert apart[0, 1] == pytest.approx(0.0, abs=1e-6)  # the matrix product rounds
    assert np.isinf(apart[0, 2]) and np.isinf(apart[2, 1]) and apart[2, 2] == 0.0


def test_several_own_listeners_come_along():
    speakers, audio = random_clips(2)
    speakers[1], audio[1] = speakers[0], audio[0]
    one = clips_of(speakers, audio)
    clips = Clips(
        one.names,
        one.frames,
        one.speaker,
        one.audio,
        np.zeros((4, 200, 58), np.float32),
        (np.array([0, 1]), np.array([2, 3])),
        np.full(4, 200),
    )
    found = with_neighbours(clips, 0.5)
    assert [rows.tolist() for rows in found.appropriate] == [[0, 1, 2, 3], [2, 3, 0, 1]]
    with pytest.raises(ValueError, match="labelled"):
        with_neighbours(found, 0.5)


def test_a_large_set_is_compared_block_by_block_and_few_are_kept(monkeypatch):
    speakers, audio = random_clips(6)
    speakers[:], audio[:] = speakers[0], audio[0]
    speakers[3, :25] += 0.1
    clips = clips_of(speakers, audio)
    monkeypatch.setattr(neighbours, "BLOCK", 4)
    monkeypatch.setattr(neighbours, "ROWS", 3)
    found = [rows.tolist() for rows in with_neighbours(clips, 10.0).appropriate]
    assert found == [[0, 1, 2, 3], [1, 0, 2, 3], [2, 0, 1, 3], [3, 0, 1, 2], [4, 5], [5, 4]]
    monkeypatch.setattr(neighbours, "MOST", 2)
    found = [rows.tolist() for rows in with_neighbours(clips, 10.0).appropriate]
    assert found == [[0, 1], [1, 0], [2, 0], [3, 0], [4, 5], [5, 4]]


def test_clips_in_which_nothing_happens():
    clips = clips_of(np.zeros((2, 20, 58)), np.zeros((2, 20 * 640)))
    assert not distances(clips).any()
