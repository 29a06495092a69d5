"""Which parts of a conversation are usable, on tracks made by hand."""

from itertools import pairwise

import numpy as np
import pytest
from rigs.talks import TURNS, frames, jaw, talking

from reactface_node.research.data.quality import (
    Piece,
    centred,
    exchanged,
    filled,
    pieces,
    unusable,
)
from reactface_node.research.data.sides import DOUBTS, SideTrack
from reactface_node.schema import index_of

JAW = index_of("jawOpen")
SECONDS = 30.0


def track(spans=TURNS[0], seconds=SECONDS, **changes):
    times_s = np.arange(frames(seconds)) / 25
    face = np.zeros((len(times_s), 58), np.float32)
    face[:, JAW] = jaw(times_s, spans)
    voice = talking(times_s, spans)
    values = {
        "face": face,
        "seen": np.ones(len(face), bool),
        "trust": np.ones(len(face), np.float32),
        "doubt": np.zeros(len(face), np.uint8),
        "person": np.ones(len(face), np.int32),
        "voice": voice,
        "level_db": np.where(voice, -20.0, -70.0).astype(np.float32),
        "heard": np.array(True),
    }
    return SideTrack(**{**values, **changes})


def within(*spans, seconds=SECONDS):
    return talking(np.arange(frames(seconds)) / 25, spans)


def reasons(one):
    found = unusable(one, "she")
    return {word: (np.flatnonzero(found == word) / 25).tolist() for word in set(found) - {""}}


def test_a_good_face_is_usable_throughout():
    assert reasons(track()) == {}


def test_a_face_that_is_gone_for_long_is_not_usable_and_a_short_gap_is():
    found = reasons(track(seen=~within((2, 2.4), (10, 10.6))))
    assert set(found) == {"she: no face"}
    assert (found["she: no face"][0], len(found["she: no face"])) == (10, 15)


def test_an_unreliable_stretch_is_named_by_its_doubt():
    doubt = np.where(within((10, 14)), DOUBTS.index("blurred"), 0).astype(np.uint8)
    trust = np.where(within((10, 14), (20, 24)), 0.4, 1.0).astype(np.float32)
    found = reasons(track(doubt=doubt, trust=trust))
    assert set(found) == {"she: blurred", "she: unreliable"}
    assert found["she: blurred"][0] == pytest.approx(10, abs=0.5)
    # A moment is averaged away.
    assert reasons(track(trust=np.where(within((10, 10.2)), 0.1, 1.0).astype(np.float32))) == {}


def test_another_person_and_a_frozen_picture():
    assert set(reasons(track(person=np.where(within((10, 12)), 2, 1)))) == {"she: another person"}
    frozen = track()
    frozen.face[frames(9) : frames(21)] = frozen.face[frames(9)]
    found = reasons(frozen)
    assert set(found) == {"she: the face does not move at all"}
    assert len(next(iter(found.values()))) == pytest.approx(frames(12), abs=2)


def test_pieces_of_a_stretch():
    why = np.full(frames(100), "", object)
    why[frames(10) : frames(12)] = "x"
    found = sorted(pieces((frames(2), frames(90)), why), key=lambda one: one.start)
    cut = [frames(12 + 26 * k) for k in range(4)]
    assert found == [
        Piece(frames(2), frames(10)),
        Piece(frames(10), frames(12), "x"),
        *(Piece(start, end) for start, end in pairwise(cut)),
    ]
    assert [one.reason for one in pieces((0, frames(3)), why)] == ["shorter than 4 s"]


def test_gaps_are_filled_from_both_sides_also_from_outside_the_piece():
    one = track(seen=~within((10, 10.4)))
    one.face[:, 0] = np.arange(len(one)) / 100
    one.face[frames(10) : frames(10.4)] = 0
    part = filled(one, Piece(frames(10.2), frames(20)))
    np.testing.assert_allclose(part[:, 0], np.arange(frames(10.2), frames(20)) / 100, atol=1e-6)
    assert one.face[frames(10.2), 0] == 0


def test_the_usual_direction_of_the_head_is_zero():
    face, seen = np.zeros((4, 58), np.float32), np.array([True, True, True, False])
    face[:, 52] = [0.2, 0.3, 0.5, 9.0]
    np.testing.assert_allclose(centred(face, seen)[:, 52], [-0.1, 0, 0.2, 0], atol=1e-6)
    np.testing.assert_array_equal(centred(face, np.zeros(4, bool)), face)


def test_exchanged_sounds_are_told_and_no_others():
    first, second = track(TURNS[0]), track(TURNS[1])
    assert exchanged((first, second)) == ""
    sounds = [{"voice": one.voice, "level_db": one.level_db} for one in (first, second)]
    swapped = track(TURNS[0], **sounds[1]), track(TURNS[1], **sounds[0])
    assert exchanged(swapped).startswith("the sides' sounds are exchanged (r with the other's jaw")
    # Nothing can be told of a jaw that is not given, or without sound.
    still = track(TURNS[0], **sounds[1], face=np.zeros_like(first.face))
    assert exchanged((still, swapped[1])) == ""
    silent = np.full_like(first.level_db, -60.0)
    assert exchanged((track(TURNS[0], level_db=silent), swapped[1])) == ""
