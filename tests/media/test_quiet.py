"""Log lines of libraries are hidden, other output is not, and stderr is always restored."""

import os
import subprocess
import sys
import threading
import warnings

import pytest
from rigs.paths import ROOT

from reactface_node.media.quiet import quiet_stderr, quiet_warnings

NOTE = b"W0000 00:00:1795935836.667233    5703 feedback_manager.cc:114] a note\n"
NOTES = [
    NOTE,
    b"I20261129 06:30:00.123456  5703 gl_context.cc:357] a note\n",
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n",
    b"ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM hw:9\n",
    b"error: XDG_RUNTIME_DIR is invalid or not set in the environment.\n",
]
OURS = [
    b"WARNING: the clock jumped back\n",
    b"[INFO] [1795935596.796685502] [reactface]: configured\n",
    b"\x1b[33m[WARN] [1795935596.79] [reactface]: late\x1b[0m\n",
    b"Traceback (most recent call last):\n",
    b"INFO: we were here\n",
]


@pytest.fixture
def stderr(capfdbinary):
    """What has come to descriptor 2 since the last call."""
    return lambda: capfdbinary.readouterr().err


def place():
    about = os.fstat(2)
    return about.st_dev, about.st_ino


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_notes_are_left_out_and_the_rest_comes_in_order(stderr):
    with quiet_stderr():
        for line in [*NOTES, *OURS, NOTE]:
            os.write(2, line)
        assert stderr() == b""
    assert stderr() == b"".join(OURS)
    os.write(2, NOTE)
    assert stderr() == NOTE


def test_it_may_be_nested_and_what_is_raised_inside_passes(stderr):
    before, descriptors = place(), open_descriptors()
    with pytest.raises(ZeroDivisionError), quiet_stderr(), quiet_stderr():
        with quiet_stderr():
            os.write(2, NOTE)
        assert place() != before
        os.write(2, NOTE + OURS[0])
        raise ZeroDivisionError
    assert place() == before and open_descriptors() == descriptors
    assert stderr() == OURS[0]


def in_turns(quiet, order, during):
    """Threads enter and leave ``quiet`` in the order of their numbers, which come twice each."""
    gates = {number: [threading.Event(), threading.Event()] for number in set(order)}
    done = threading.Semaphore(0)

    def work(number):
        gates[number][0].wait(20.0)
        with quiet():
            done.release()
            gates[number][1].wait(20.0)
        done.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in gates]
    for thread in threads:
        thread.start()
    inside = set()
    for number in order:
        gates[number][number in inside].set()
        assert done.acquire(timeout=20.0)
        inside ^= {number}
        during(bool(inside))
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("order", ["1122", "1212", "1221", "123123", "121323", "123321"])
def test_threads_may_overlap_in_any_order(stderr, order):
    before = place()

    def during(is_quiet):
        assert (place() == before) != is_quiet

    in_turns(quiet_stderr, order, during)
    os.write(2, b"heard\n")
    assert stderr() == b"heard\n"


@pytest.mark.parametrize("order", ["1212", "121323", "123321"])
def test_warnings_too(order):
    before = list(warnings.filters)

    def during(is_quiet):
        assert (warnings.filters == before) != is_quiet

    in_turns(quiet_warnings, order, during)
    with pytest.warns(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_many_threads_at_once_leave_all_as_it_was(stderr):
    before, descriptors = place(), open_descriptors()

    def work():
        for _ in range(100):
            with quiet_stderr():
                os.write(2, NOTE)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place() == before and open_descriptors() == descriptors and stderr() == b""


def test_without_a_stderr_there_is_nothing_to_keep_quiet():
    code = (
        "import os; os.close(2); from reactface_node.media.quiet import quiet_stderr\n"
        "with quiet_stderr(): print('inside')\n"
        "print('after')"
    )
    root = ROOT
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stdout) == (0, b"inside\nafter\n")
