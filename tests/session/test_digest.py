"""Chance follows from what was seen and heard before each window of the model."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from rigs.session import joined, make_session, picture, run

from reactface_node.engine.chance import model_noise, window_generator
from reactface_node.schema import Observation
from reactface_node.session.digest import Digest

W = 8


def seen(seed, count=24):
    faces = np.random.default_rng(seed).random((count, 58), np.float32)
    return [Observation(face, np.ones(58, bool)) for face in faces]


def sound(seed, count=24):
    return (0.1 * np.random.default_rng(seed).standard_normal(count * 640)).astype(np.float32)


def noted(faces, audio, frames=W):
    """The digest of each frame."""
    digest, found = Digest(W), []
    for first in range(0, len(faces), frames):
        part = audio[first * 640 : (first + frames) * 640]
        found += [digest.note(first, faces[first : first + frames], part)] * frames
    return found


def test_a_window_has_the_digest_of_what_was_before_it():
    plain = noted(seen(0), sound(0))
    assert plain[:8] == [0] * 8 and len(set(plain)) == 3
    assert plain == noted(seen(0), sound(0))
    other = [*seen(0)[:15], *seen(1)[15:]]
    assert noted(other, sound(0))[:16] == plain[:16] and noted(other, sound(0))[16] != plain[16]


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_frames_and_windows_have_the_same(frames):
    assert noted(seen(0), sound(0), frames) == noted(seen(0), sound(0))


def test_what_differs_by_rounding_alone_is_the_same():
    faces, audio = seen(0), sound(0)
    steps = np.round(32 * np.stack([one.coefficients for one in faces])) / 32
    rounded = [replace(one, coefficients=face) for one, face in zip(faces, steps, strict=True)]
    near = [replace(one, coefficients=one.coefficients + 0.004) for one in rounded]
    exact = np.round(32767 * audio) / 32767
    assert noted(near, exact + 1e-6) == noted(rounded, exact)


@pytest.mark.parametrize("what", ["face", "found", "voice"])
def test_faces_and_voices_and_their_absence_count(what):
    faces, audio = seen(0), sound(0)
    if what == "face":
        faces[3] = replace(faces[3], coefficients=faces[3].coefficients + 0.1)
    elif what == "found":
        faces[3] = Observation.missing()
    else:
        audio[3000] += 0.01
    assert noted(faces, audio)[8] != noted(seen(0), sound(0))[8]


def test_values_that_are_no_numbers_are_no_error():
    faces = seen(0)
    for place, value in enumerate((np.nan, np.inf, -np.inf, 1e30)):
        faces[place].coefficients[5] = value
    audio = sound(0)
    audio[:4] = np.nan, np.inf, -np.inf, 1e30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert noted(faces, audio)[8] == noted(faces, audio, 1)[8]


def test_each_key_has_numbers_of_its_own():
    base = (7, 1, 2, 3, 4)
    drawn = {window_generator(*base).standard_normal()}
    for place in range(5):
        key = [*base]
        key[place] += 1
        drawn.add(window_generator(*key).standard_normal())
    assert len(drawn) == 6 and window_generator(*base).standard_normal() in drawn
    noise = np.concatenate([model_noise(0, 2, 500, window, 9) for window in range(20)])
    assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
    assert abs(np.corrcoef(noise)[np.triu_indices(40, 1)]).max() < 0.25


def test_a_session_with_another_speaker_draws_other_noise():
    def other(index):
        return picture(index + 1000)

    first, again, third = make_session(), make_session(), make_session()
    drawn = {id(one): [] for one in (first, again, third)}
    for one in (first, again, third):
        step = one._engine._stepper.step
        one._engine._stepper.step = lambda speaker, noise, one=one, step=step: (
            drawn[id(one)].append(noise) or step(speaker, noise)
        )
    same = joined(run(first)), joined(run(again))
    run(third, image=other)
    assert same[0].tobytes() == same[1].tobytes()
    one, two, three = (np.stack(drawn[id(each)]) for each in (first, again, third))
    assert np.array_equal(one, two) and np.array_equal(one[0], three[0])
    assert not any(np.array_equal(a, b) for a, b in zip(one[1:], three[1:], strict=True))
