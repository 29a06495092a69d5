"""Progress on a terminal and in a log file."""

import io
import sys

import pytest
import tqdm.std

from reactface_node.files import progress
from reactface_node.files.progress import ProgressBar
from reactface_node.ros.bags.source import BAR


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(tqdm.std, "time", clock)
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def stderr(monkeypatch, terminal=False):
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def plain(text):
    assert all(character.isprintable() or character == "\n" for character in text)
    return text.splitlines()


def test_a_log_gets_a_line_every_ten_seconds(monkeypatch, clock):
    log = stderr(monkeypatch)
    for _ in ProgressBar(range(350), "training", unit="step"):
        clock.now_s += 0.1
    lines = plain(log.getvalue())
    # In 35 seconds, and none at the end.
    assert len(lines) == 3
    assert lines[0].startswith("training:  29%") and "100/350 [00:10<00:2" in lines[0]


def test_a_short_one_says_nothing(monkeypatch, clock):
    log = stderr(monkeypatch)
    with ProgressBar(total=5, desc="x") as bar:
        for _ in range(5):
            clock.now_s += 1.9
            bar.update()
            bar.set_postfix({"loss": "1"})
    assert log.getvalue() == ""


def test_figures_beside_it_make_no_more_lines(monkeypatch, clock):
    log = stderr(monkeypatch)
    bar = ProgressBar(range(250), "training")
    for step in bar:
        clock.now_s += 0.125
        bar.set_postfix({"loss": f"{step}"})
        if step % 50 == 0:
            ProgressBar.write(f"validated {step}", file=sys.stderr)
    lines = plain(log.getvalue())
    told = [line.split("%")[0] for line in lines if "training" in line]
    assert told == ["training:  32", "training:  64", "training:  96"]
    assert [line for line in lines if "training" not in line] == [
        f"validated {step}" for step in range(0, 250, 50)
    ]
    assert "loss=79" in log.getvalue()


def test_the_bar_of_a_replay_in_a_log(monkeypatch, clock):
    log = stderr(monkeypatch)
    with ProgressBar(total=30.0, desc="talk.mp4", bar_format=BAR) as bar:
        for _ in range(200):
            clock.now_s += 0.1
            bar.update(0.1)
    assert plain(log.getvalue()) == ["talk.mp4:  33% 00:10 < 00:20", "talk.mp4:  67% 00:20 < 00:10"]


def test_without_a_total(monkeypatch, clock):
    log = stderr(monkeypatch)
    for _ in ProgressBar(iter(range(150)), "clips"):
        clock.now_s += 0.1
    (line,) = plain(log.getvalue())
    assert line.startswith("clips: 100it [00:10")


def test_a_terminal_gets_a_bar(monkeypatch, clock):
    stream = stderr(monkeypatch, True)
    for _ in ProgressBar(range(30), "training"):
        clock.now_s += 0.1
    assert "\r" in stream.getvalue() and "|###3 " in stream.getvalue()


def test_without_stderr(monkeypatch, clock):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(ProgressBar(range(3), "x")) == [0, 1, 2]
