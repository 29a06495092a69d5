"""Turns of two people, from voice activity made by hand."""

import numpy as np
from rigs.talks import frames

from reactface_node.research.data.turns import runs, stretches, turns, without_crosstalk


def voice(*spans, seconds=20.0):
    found = np.zeros(frames(seconds), bool)
    for start_s, end_s in spans:
        found[frames(start_s) : frames(end_s)] = True
    return found


def seconds(found):
    return [(start / 25, end / 25) for start, end in found]


def test_short_pauses_are_part_of_a_turn_and_long_ones_end_it():
    mine = voice((1, 3), (4.8, 7), (10, 12))
    assert seconds(runs(turns(mine, voice()))) == [(1, 7), (10, 12)]


def test_a_backchannel_takes_no_turn_and_another_turn_ends_mine():
    mine = voice((1, 3), (4.6, 7))
    assert seconds(runs(turns(mine, voice((3.2, 4.0))))) == [(1, 7)]
    assert seconds(runs(turns(mine, voice((3.2, 4.4))))) == [(1, 3), (4.6, 7)]
    assert not turns(voice((3.2, 4.0)), mine).any()


def test_words_with_gaps_are_one_utterance():
    assert seconds(runs(turns(voice((1, 1.6), (2.0, 2.6), (3.0, 3.4)), voice()))) == [(1, 3.4)]
    assert not turns(voice((1, 1.6), (2.2, 2.8)), voice()).any()


def test_a_stretch_has_a_lead_and_a_tail_and_no_time_of_the_others_turn():
    speaker, listener = voice((2, 6), (14, 18)), voice((6.4, 12))
    assert seconds(stretches(speaker, listener)) == [(1.52, 6.4), (13.52, 19)]
    # The listener's stretch: nobody has the floor before 6.4 and after 12.
    assert seconds(stretches(listener, speaker)) == [(6, 13)]
    # Where both talk, nobody listens.
    assert seconds(stretches(speaker, voice((4, 12)))) == [(1.52, 4), (13.52, 19)]


def test_a_stretch_does_not_reach_over_the_ends():
    assert seconds(stretches(voice((0.2, 19.8)), voice())) == [(0, 20)]


def test_the_other_voice_in_ones_own_microphone_is_no_voice():
    first, second = voice((1, 5), (6, 9)), voice((6, 9), (10, 14))
    levels = np.full((2, len(first)), -60.0)
    levels[0, frames(1) : frames(5)], levels[0, frames(6) : frames(9)] = -20, -20
    levels[1, frames(6) : frames(9)], levels[1, frames(10) : frames(14)] = -35, -22
    heard = without_crosstalk((first, second), (levels[0], levels[1]))
    np.testing.assert_array_equal(heard[0], first)
    assert seconds(runs(heard[1])) == [(10, 14)]
    levels[1, frames(6) : frames(9)] = -25  # they talk at once
    np.testing.assert_array_equal(without_crosstalk((first, second), tuple(levels))[1], second)
