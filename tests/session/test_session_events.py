"""Events of a whole session: they come with the reactions, in both modes, and none is lost."""

import numpy as np
import pytest
from rigs.session import make_session, picture

START_S = 100.0
TALKED_S, SECONDS = 3.0, 6.0


def events_of(session, stalls=()):
    """A noise of 3 s, then near silence; polled after every frame but those in ``stalls``."""
    random = np.random.default_rng(1)
    found = []
    for index in range(round(SECONDS * 25)):
        stamp_s = START_S + index / 25
        level = 0.1 if 0.4 <= index / 25 < TALKED_S else 1e-4
        session.push_image(stamp_s, picture(index))
        session.push_audio(stamp_s, level * random.standard_normal(640).astype("f4"), 16000)
        if index not in stalls:
            found += session.poll(stamp_s + 0.041)
    found += session.poll(START_S + SECONDS + 0.2)
    return [event for reaction in found for event in reaction.events]


def said(events):
    return [e.kind for e in events if e.who == "speaker" and e.kind != "laugh"]


@pytest.mark.parametrize("mode", ["frame", "window"])
def test_the_speakers_events_come_with_the_reactions(mode):
    events = events_of(make_session(mode=mode))
    assert said(events) == ["phrase_end", "pause", "turn_end"]
    ends = [event for event in events if event.who == "speaker"]
    assert ends[0].stamp_s - START_S == pytest.approx(TALKED_S, abs=0.1)
    assert ends[0].duration_s == pytest.approx(TALKED_S - 0.4, abs=0.1)


def test_the_events_of_frames_that_are_too_late_to_show_are_not_lost():
    """The model goes on to the end of its window, and what the speaker did is told after it."""
    phrase_end = round((TALKED_S + 0.2) * 25)
    stalls = range(phrase_end - 4, phrase_end + 5)
    session = make_session(mode="frame", playout__playout_delay_s=0.0)
    assert said(events_of(session, stalls)) == ["phrase_end", "pause", "turn_end"]
    assert session.stats()["windows_skipped"] > 0


def test_a_new_conversation_knows_nothing_of_the_old_one():
    session = make_session(mode="frame")
    first = events_of(session)
    session.reset()
    assert events_of(session) == first
    session.reset()
    for index in range(round(1.0 * 25)):
        session.push_audio(START_S + index / 25, np.zeros(640, np.float32), 16000)
    reactions = session.poll(START_S + 1.0)
    assert said([event for one in reactions for event in one.events]) == []
