"""The speaker's events from hand-made probabilities of speech and kinds of expression."""

import numpy as np
import pytest

from reactface_node.schema import KINDS, Observation
from reactface_node.session.speaker_events import SpeakerEvents, turn_is_over

START_S = 1_700_000_000.0


def read(speech, heard=None, laughs=None, chunk=8):
    """Events of frames from START_S on; of each the seconds at which it is known, too."""
    reader, found = SpeakerEvents(), []
    heard = np.ones(len(speech), bool) if heard is None else heard
    for first in range(0, len(speech), chunk):
        span = slice(first, first + chunk)
        seen = [Observation.missing()] * len(speech[span])
        if laughs is not None:
            nothing = np.zeros(58, np.float32), np.ones(58, bool)
            seen = [Observation(*nothing, kinds=kinds_of(p)) for p in laughs[span]]
        reader.read(START_S + first / 25, speech[span], heard[span], seen)
        found += reader.take()
    assert reader.take() == ()
    return found


def kinds_of(laugh):
    kinds = np.zeros(len(KINDS))
    kinds[KINDS.index("laugh")], kinds[KINDS.index("neutral")] = laugh, 1.0 - laugh
    return kinds


def talk(*spans, seconds=8.0, probability=1.0):
    """Speech in those spans (s); each frame of voice is followed by 0.1 s of its echo."""
    speech = np.zeros(round(seconds * 25))
    for start_s, end_s in spans:
        speech[round(start_s * 25) : round((end_s + 0.1) * 25)] = probability
    return speech


def told(events):
    return [(event.kind, round(event.stamp_s - START_S, 2)) for event in events]


def test_the_end_of_a_phrase_a_pause_and_the_end_of_a_turn_follow_a_silence():
    events = read(talk((1.0, 3.0)))
    assert told(events) == [("phrase_end", 3.02), ("pause", 3.02), ("turn_end", 3.02)]
    assert {(event.who, event.phase) for event in events} == {("speaker", "once")}
    lengths = [event.duration_s for event in events]
    assert lengths == pytest.approx([2.02, 0.7, 2.02], abs=0.03)
    assert [e.probability for e in events] == pytest.approx([1.0, 0.218, 0.967], abs=0.01)


@pytest.mark.parametrize(
    ("silent_s", "kinds"),
    [
        (0.1, []),
        (0.3, ["phrase_end"]),
        (0.6, ["phrase_end"]),
        (0.9, ["phrase_end", "pause"]),
        (1.4, ["phrase_end", "pause"]),
        (1.7, ["phrase_end", "pause", "turn_end"]),
    ],
)
def test_each_silence_has_its_events(silent_s, kinds):
    events = read(talk((1.0, 2.0), (2.0 + silent_s, 7.9)))
    assert [event.kind for event in events] == kinds


def test_an_event_is_known_as_soon_as_the_silence_is_long_enough():
    for kind, silent_s in (("phrase_end", 0.2), ("pause", 0.7), ("turn_end", 1.5)):
        speech = talk((1.0, 3.0))
        before = read(speech[: round(25 * (3.0 + silent_s)) - 1], chunk=1)
        after = read(speech[: round(25 * (3.0 + silent_s)) + 2], chunk=1)
        assert kind not in [event.kind for event in before]
        assert after[-1].kind == kind


def test_phrases_with_short_pauses_are_one_turn():
    events = read(talk((0.5, 1.5), (1.9, 3.0), (3.5, 4.5)))
    assert [event.kind for event in events] == ["phrase_end"] * 3 + ["pause", "turn_end"]
    assert events[-1].stamp_s - START_S == pytest.approx(4.5, abs=0.03)
    assert events[-1].duration_s == pytest.approx(4.0, abs=0.06)


def test_a_click_is_no_phrase():
    assert read(talk((1.0, 1.1))) == []


def test_the_certainty_of_the_voice_is_that_of_the_phrase_end():
    event = read(talk((1.0, 3.0), probability=0.8))[0]
    assert event.probability == pytest.approx(0.8)


def test_what_is_heard_while_the_robot_speaks_ends_nothing():
    speech, heard = talk((1.0, 3.0)), np.ones(200, bool)
    heard[round(3.08 * 25) :] = False  # the robot answers, and its microphone is ignored
    assert read(speech, heard) == []
    heard[round(5.0 * 25) :] = True  # the turn was the robot's
    assert read(speech, heard) == []


def test_a_short_hole_in_the_sound_changes_nothing():
    speech, heard = talk((1.0, 3.0)), np.ones(200, bool)
    heard[40:44] = False
    assert told(read(speech, heard)) == told(read(speech))


def test_no_sound_no_events():
    assert read(np.zeros(200)) == [] and read(np.zeros(200), np.zeros(200, bool)) == []


def test_a_laugh_starts_and_ends_with_its_probability():
    laughs = np.zeros(100)
    laughs[25:50] = 0.8
    start, end = read(np.zeros(100), laughs=laughs)
    assert (start.who, start.kind, start.phase, end.phase) == ("speaker", "laugh", "start", "end")
    assert start.probability == pytest.approx(0.8) and end.duration_s == pytest.approx(1.0)


@pytest.mark.parametrize("chunk", [1, 8, 200])
def test_the_events_do_not_depend_on_the_chunks(chunk):
    speech = talk((0.5, 1.5), (1.9, 3.0), (4.0, 5.5))
    assert told(read(speech, chunk=chunk)) == told(read(speech))


def test_the_longer_the_silence_the_more_probably_the_turn_is_over():
    values = [turn_is_over(silent_s) for silent_s in (0.2, 0.55, 0.7, 1.25, 1.5, 3.0)]
    assert values == sorted(values)
    # Half of all pauses within a turn are longer than 0.58 s, exp(-0.55): the odds double there.
    share = 7989 / 14022
    assert turn_is_over(np.exp(-0.55)) == pytest.approx(share / (share + (1 - share) / 2))
