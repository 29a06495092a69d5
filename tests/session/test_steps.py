"""The model on its own thread: showing frames does not wait for it."""

import threading

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker, joined, make_session, picture, run
from rigs.steps import poll_until

from reactface_node.session.session import ReactionSession


class HeldEngine:
    """An engine whose steps wait to be let go; ``fails``: they raise."""

    def __init__(self, engine):
        self._engine, self.frames = engine, engine.frames
        self.disposition = engine.disposition
        self.go, self.began, self.fails = threading.Event(), threading.Event(), False

    def begin(self, seed, samples, first=None):
        self._engine.begin(seed, samples, first)

    def become(self, first):
        self._engine.become(first)

    def step(self, speaker, window, digest):
        self.began.set()
        assert self.go.wait(20)
        if self.fails:
            raise RuntimeError("the model broke")
        return self._engine.step(speaker, window, digest)


@pytest.fixture
def held():
    """(session, its engine)"""
    config = small_config(playout__samples=2)
    engine = HeldEngine(engine_for(config))
    session = ReactionSession(config, engine, ReadingTracker())
    yield session, engine
    engine.go.set()
    session.close()


def push(session, first, last):
    for index in range(first, last):
        session.push_image(100.0 + index / 25, picture(index))
        session.push_audio(100.0 + index / 25, np.full(640, 0.05, np.float32), 16000)


def test_a_poll_that_does_not_wait_leaves_the_model_at_work(held):
    session, engine = held
    push(session, 0, 9)
    assert poll_until_begun(session, engine, 100.36) == []
    engine.go.set()
    (reaction,) = poll_until(session, 100.36, 1)
    assert reaction.window_index == 0


def poll_until_begun(session, engine, now_s):
    """What came until the model was given a window, which waits for its images' tracking."""
    reactions = []
    while not engine.began.wait(0.01):
        reactions += session.poll(now_s, wait=False)
    return reactions + session.poll(now_s, wait=False)


def test_what_waits_too_long_for_the_model_is_skipped(held):
    session, engine = held
    push(session, 0, 9)
    poll_until_begun(session, engine, 100.36)
    push(session, 9, 33)
    # Windows 1 and 2 could not be shown any more when the model is free at last.
    assert session.poll(102.0, wait=False) == []
    engine.go.set()
    (first,) = poll_until(session, 102.0, 1)
    session.poll(102.0)
    assert first.window_index == 0 and session.stats()["windows_skipped"] >= 2


def test_a_reset_waits_for_the_step_and_forgets_it(held):
    session, engine = held
    push(session, 0, 9)
    poll_until_begun(session, engine, 100.36)
    engine.go.set()
    session.reset()
    again = joined(run(session), "samples")
    np.testing.assert_array_equal(again, joined(run(make_session()), "samples"))


def test_what_a_step_raises_comes_out_of_the_poll(held):
    session, engine = held
    engine.fails = True
    engine.go.set()
    push(session, 0, 9)
    with pytest.raises(RuntimeError, match="the model broke"):
        session.poll(100.36)
