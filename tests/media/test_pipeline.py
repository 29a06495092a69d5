"""A thread that runs calls in order: results, bound, errors, end."""

import threading
from concurrent.futures import CancelledError

import pytest

from reactface_node.media.pipeline import PipelineStage, finished


def threads():
    return [one for one in threading.enumerate() if one.name.startswith("stage")]


def test_calls_are_run_in_order_on_another_thread():
    seen = []
    with PipelineStage("stage", most=3) as stage:
        futures = [stage.call(lambda n: seen.append(n) or 2 * n, index) for index in range(20)]
        name = stage.call(lambda: threading.current_thread().name)
    assert seen == list(range(20))
    assert [future.result() for future in futures] == [2 * n for n in range(20)]
    assert name.result().startswith("stage")
    assert threads() == []


def test_no_more_calls_wait_than_allowed():
    gate, begun, waiting = threading.Event(), [], []

    def fill():
        for index in range(4):
            stage.call(lambda n: begun.append(n) or gate.wait(), index)
            waiting.append(index)
            if index == 2:
                full.set()

    full = threading.Event()
    stage = PipelineStage("stage", most=3)
    caller = threading.Thread(target=fill)
    caller.start()
    assert full.wait(60)
    # The fourth call waits for the first one, which waits for the gate.
    assert waiting == [0, 1, 2] and set(begun) <= {0}
    gate.set()
    caller.join()
    stage.wait()
    assert begun == waiting == [0, 1, 2, 3]
    stage.close()
    assert threads() == []


def test_an_error_is_raised_once_it_is_known_and_ends_the_work():
    gate, seen = threading.Event(), []
    stage = PipelineStage("stage")
    first = stage.call(lambda: gate.wait() and 1 / 0)
    second = stage.call(seen.append, 2)
    gate.set()
    assert isinstance(first.exception(), ZeroDivisionError)
    assert second.exception() is first.exception()
    for act in (stage.wait, stage.wait):
        with pytest.raises(ZeroDivisionError):
            act()
    stage.call(seen.append, 3)
    with pytest.raises(ZeroDivisionError):
        stage.wait()
    assert seen == []
    stage.close()
    assert threads() == []


def test_the_end_of_the_context_raises_the_error():
    with pytest.raises(ZeroDivisionError), PipelineStage("stage") as stage:
        stage.call(lambda: 1 / 0)
    assert threads() == []


def test_after_an_error_outside_what_waits_is_dropped():
    gate, begun, seen = threading.Event(), threading.Event(), []
    with pytest.raises(KeyboardInterrupt), PipelineStage("stage") as stage:
        stage.call(lambda: (begun.set(), gate.wait()))
        dropped = stage.call(seen.append, 1)
        dropped.add_done_callback(lambda _: gate.set())
        assert begun.wait(60)
        raise KeyboardInterrupt
    assert seen == [] and threads() == []
    with pytest.raises(CancelledError):
        dropped.result()


def test_a_finished_future():
    assert finished([1]).done() and finished([1]).result() == [1]
