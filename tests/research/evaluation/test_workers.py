"""Work on clips in processes: order, memory, and a worker that ends."""

import os

import pytest

from reactface_node.errors import UserError
from reactface_node.research.evaluation.workers import AHEAD, FEW, Workers

MANY = 2 * FEW


def double(value):
    return 2 * value


def end(value):
    os._exit(3)


def refuse(value):
    raise UserError(f"clip {value} is broken")


def test_few_jobs_and_one_worker_are_done_by_the_caller():
    with Workers(1) as one, Workers(4) as four:
        assert list(one.map(double, range(3), 3)) == [0, 2, 4]
        pids = list(four.map(lambda _: os.getpid(), range(3), 3))  # a lambda could not be sent
    assert set(pids) == {os.getpid()}


@pytest.mark.slow
def test_results_are_in_order_and_jobs_are_made_when_they_are_needed():
    made = []

    def jobs():
        for value in range(MANY):
            made.append(value)
            yield value

    with Workers(2) as pool:
        for index, value in enumerate(pool.map(double, jobs(), MANY)):
            assert value == 2 * index
            assert len(made) <= index + 2 * AHEAD
        assert len(made) == MANY
        # The same processes do the next work.
        assert list(pool.map(double, range(MANY), MANY))[-1] == 2 * (MANY - 1)


@pytest.mark.slow
def test_a_worker_that_ends_is_one_line():
    with pytest.raises(UserError, match="a worker ended"), Workers(2) as pool:
        list(pool.map(end, range(MANY), MANY))


@pytest.mark.slow
def test_an_error_of_a_clip_reaches_the_caller():
    with pytest.raises(UserError, match="clip 0 is broken"), Workers(2) as pool:
        list(pool.map(refuse, range(MANY), MANY))
