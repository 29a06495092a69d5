"""Windows of several threads in one step of a batch."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reactface_node.config import ModelConfig
from reactface_node.engine.gathering import GatheredBatch
from reactface_node.engine.slot import Slot

BROKEN = 13.0
COUNT = 4


class EchoBatch:
    """Gives each slot its noise back; a step waits for ``go``, and fails with a BROKEN one."""

    config, window, noise_width, disposition = ModelConfig(), 8, 1, 3

    def __init__(self):
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        self.steps, self.began = [], []

    def begin(self, slot, disposition):
        self.began.append((len(self.steps), slot))

    def describe(self, slot, disposition):
        pass

    def step(self, speakers, noise):
        active = [slot for slot, one in enumerate(speakers) if one is not None]
        self.begun.release()
        assert self.go.wait(10.0)
        self.steps.append(active)
        if any(noise[slot] == BROKEN for slot in active):
            raise ZeroDivisionError("a broken window")
        return np.array([0.0 if one is None else float(one) for one in noise])


@pytest.fixture
def batch():
    return EchoBatch()


def asked(gathered, pool, values):
    """Steps of the slots on threads, once all of them wait: {slot: the step's future}."""
    futures = {}
    for slot, value in values.items():
        one = Slot(gathered, slot, COUNT)
        futures[slot] = pool.submit(one.step, object(), np.float64(value))
    return futures


def wait_for(gathered, count):
    deadline_s = time.monotonic() + 10.0
    while len(gathered._asked) < count:
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_windows_that_come_during_a_step_go_through_the_next_one_together(batch):
    gathered = GatheredBatch(batch, COUNT)
    with ThreadPoolExecutor(COUNT) as pool:
        first = asked(gathered, pool, {2: 0.5})
        assert batch.begun.acquire(timeout=10.0)
        others = asked(gathered, pool, {0: 1.0, 1: 2.0, 3: 3.0})
        wait_for(gathered, 3)
        batch.go.set()
        assert first[2].result(10.0) == 0.5
        assert {slot: one.result(10.0) for slot, one in others.items()} == {0: 1.0, 1: 2.0, 3: 3.0}
    assert batch.steps == [[2], [0, 1, 3]]


def test_an_error_reaches_the_session_at_fault_alone(batch):
    gathered = GatheredBatch(batch, COUNT)
    with ThreadPoolExecutor(COUNT) as pool:
        first = asked(gathered, pool, {2: 0.5})
        assert batch.begun.acquire(timeout=10.0)
        others = asked(gathered, pool, {0: 1.0, 1: BROKEN, 3: 3.0})
        wait_for(gathered, 3)
        batch.go.set()
        assert first[2].result(10.0) == 0.5
        assert (others[0].result(10.0), others[3].result(10.0)) == (1.0, 3.0)
        with pytest.raises(ZeroDivisionError):
            others[1].result(10.0)
    assert sorted(batch.steps[2:]) == [[0], [1], [3]]


def test_a_slot_begins_between_two_steps(batch):
    gathered = GatheredBatch(batch, COUNT)
    with ThreadPoolExecutor(COUNT) as pool:
        running = asked(gathered, pool, {0: 1.0})
        assert batch.begun.acquire(timeout=10.0)
        begin = pool.submit(gathered.begin, 1, np.zeros((1, 3)))
        assert not batch.began
        batch.go.set()
        running[0].result(10.0)
        begin.result(10.0)
    assert batch.began == [(1, 1)]
