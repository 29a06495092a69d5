"""A slice of the fault campaigns, that they find faults, and the page of licences."""

import os
import re
import signal
import time
from itertools import chain

import numpy as np
import pytest
import setuptools
from campaign import checkpoints, configs, files, messages, pictures, run, soak
from campaign.damage import damaged
from campaign.isolated import FAULT, REFUSED, WHOLE, Outcome, isolated
from campaign.tally import Tally, trace_of
from rigs.paths import ROOT

from reactface_node.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture
def tally(tmp_path):
    return Tally(tmp_path / "found")


def no_faults(tally):
    assert not tally.faults, tally.table()


def test_messages(tally):
    messages.run(tally, seed=1, count=8000, say=False)
    no_faults(tally)
    counts = tally.counts["messages"]
    assert counts["messages"] == 8000 and counts["recoveries"] == 4
    # Bad ones are left out, and good ones among them are not.
    assert counts["good: accepted"] > 1500 and counts["wire: not a message"] > 500
    assert counts["field: left out"] > 200 and counts["node: frames"] > 1000


def test_files(tally):
    files.run(tally, seed=1, count=24)
    no_faults(tally)
    assert sum(tally.counts["files"].values()) >= 16


def test_configurations(tally):
    configs.run(tally, seed=1, count=200)
    no_faults(tally)
    assert sum(tally.counts["configs"].values()) >= 200


def test_checkpoints(tally):
    checkpoints.run(tally, seed=1, count=60, with_export=False)
    no_faults(tally)
    assert tally.counts["checkpoints"][f"safetensors: {REFUSED}"] > 10


@pytest.mark.parametrize("mode", ["window", "frame"])
def test_a_conversation_of_minutes(tally, mode):
    found = soak.run(tally, 1, 0.05, 20.0, mode, real_model=False, say=False)
    no_faults(tally)
    assert found.node.transport.frames > 0.8 * 25 * 180
    assert len(found.scene.happened) >= 10 and found.exceptions == 0


def test_a_conversation_is_the_same_again(tally):
    """However fast the machine is: also the threads are simulated."""
    found = [soak.run(tally, 2, 0.01, 20.0, "window", False, say=False) for _ in range(2)]
    totals = [one.node.server.meter.totals for one in found]
    stats = [one.node.session.stats() for one in found]
    assert totals[0] == totals[1] and totals[0]["frames"] > 500
    assert stats[0] == stats[1]


def test_the_same_seed_gives_the_same_cases(tmp_path):
    makers = [configs.Maker(3), configs.Maker(3), configs.Maker(4)]
    cases = [[maker.make(index) for index in range(30)] for maker in makers]
    assert cases[0] == cases[1] != cases[2]
    data = bytes(range(200))
    changed = [damaged(data, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert changed[0] == changed[1] != changed[2]
    first = tmp_path / "first"
    first.mkdir()
    maker = files.Maker(first, 3)
    assert [maker.make(i).data for i in range(6)] == [maker.make(i).data for i in range(6)]


def case_of(name):
    """Cases that end in every way."""
    if name == "wrong":
        raise UserError("one line")
    if name == "lines":
        raise UserError("one\ntwo")
    if name == "raises":
        raise ValueError("a fault")
    if name == "memory":
        np.ones(2**31)
    if name == "killed":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "hangs":
        time.sleep(60)
    return Outcome(WHOLE)


def test_what_becomes_of_a_case():
    names = ["whole", "wrong", "lines", "raises", "memory", "killed", "hangs", "whole"]
    found = list(isolated(case_of, names, 2.0, 1000.0))
    assert [name for name, _ in found] == names
    kinds = [outcome.kind for _, outcome in found]
    assert kinds == [WHOLE, REFUSED, FAULT, FAULT, FAULT, FAULT, FAULT, WHOLE]
    said = [outcome.detail for _, outcome in found]
    assert "not one line" in said[2] and said[3] == "ValueError: a fault"
    assert "out of memory" in said[4] and "SIGSEGV" in said[5] and "more than 2 s" in said[6]


def test_faults_of_a_kind_are_one(tally, tmp_path, capsys):
    for number in range(5):
        try:
            raise ValueError(f"number {number}")
        except ValueError as error:
            tally.fault("part", f"case {number}: {error}", "again", trace_of(error), b"input")
    tally.fault("part", "something else", "again")
    assert [fault.times for fault in tally.faults.values()] == [5, 1]
    assert "kinds of faults: 2" in tally.table() and "part, 5 times" in tally.table()
    saved = sorted(path.name for path in (tmp_path / "found").iterdir())
    assert saved == [
        "part-0-1.bin",
        "part-0-1.txt",
        "part-0-2.bin",
        "part-0-2.txt",
        "part-0-3.bin",
        "part-0-3.txt",
        "part-1-1.txt",
    ]
    assert "repeat: again" in capsys.readouterr().err


def test_the_command_says_whether_there_was_a_fault(tmp_path, capsys, monkeypatch):
    out = ["--out", str(tmp_path / "out")]
    assert run.main(["configs", "--count", "3", *out]) == 0
    assert "kinds of faults: 0" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").glob("*/*")] == ["configs.txt"]

    def broken(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(configs.Judge, "act", broken)
    assert run.main(["configs", "--count", "3", *out]) == 1


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_a_declared_size_is_declared(ending):
    """As a reader of headers alone sees it."""
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(pictures.declared(ending, 7, 600))) as image:
        assert image.size == (7, 600)


def requirements():
    """Names of what setup.py asks for, extras too."""
    asked = {}
    before, setuptools.setup = setuptools.setup, lambda **named: asked.update(named)
    here = os.getcwd()
    try:
        os.chdir(ROOT)
        exec(compile((ROOT / "setup.py").read_text(), "setup.py", "exec"), {})
    finally:
        setuptools.setup = before
        os.chdir(here)
    texts = [*asked["install_requires"], *chain(*asked["extras_require"].values())]
    return sorted({re.match(r"[\w.-]+", text)[0] for text in texts})


def test_the_page_of_licences_names_every_requirement():
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    named = re.findall(r"^\| (\w[\w.-]*) \|", page, re.MULTILINE)
    asked = requirements()
    assert len(asked) > 25 and not set(asked) - set(named)
