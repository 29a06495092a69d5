"""Conversion on a dask cluster of local processes; loopback only."""

import re
import sys

import pytest
from rigs.cluster import cluster
from rigs.data_sets import contents, write_react
from rigs.numbered_clips import COUNT, Numbers

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.research.data import jobs, plan
from reactface_node.research.data.convert import convert
from reactface_node.research.data.store import load_clips

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """The bytes of a conversion without a cluster."""
    monkeypatch.setattr(plan, "SHARD_BYTES", 150_000)
    convert(Numbers(), tmp_path / "whole", workers=1)
    return contents(tmp_path / "whole")


def test_a_worker_that_dies_loses_its_job_and_nothing_else(whole, tmp_path):
    once, log = tmp_path / "killed", tmp_path / "log"
    with cluster(2) as (address, _, workers):
        convert(Numbers(at=3, once=str(once), log=str(log)), tmp_path / "out", cluster=address)
        assert once.exists()
        assert sorted(str(one.poll()) for one in workers) == ["-9", "None"]
    assert contents(tmp_path / "out") == whole
    assert sorted(map(int, log.read_text().split())) == list(range(COUNT))


def test_a_scheduler_that_goes_away_is_one_line_and_the_rest_is_kept(whole, tmp_path):
    with cluster(1) as (address, scheduler, _):
        source = Numbers(at=5, pid=scheduler.pid)
        with pytest.raises(UserError) as said:
            convert(source, tmp_path / "out", cluster=address)
    kept = f"what is finished of {tmp_path / 'out' / 'train'} is kept, run it again"
    assert str(said.value) == f"the scheduler at {address} went away; {kept}"
    convert(Numbers(), tmp_path / "out", workers=1)
    assert contents(tmp_path / "out") == whole


def test_a_clip_that_ends_every_worker_is_named(tmp_path):
    with (
        cluster(3, failures=1) as (address, *_),
        pytest.raises(UserError, match=r"one job of .*train ended 2 workers"),
    ):
        convert(Numbers(at=3), tmp_path / "out", cluster=address)
    convert(Numbers(), tmp_path / "out", workers=1)
    assert len(load_clips(tmp_path / "out", "train")) == COUNT


def test_a_worker_of_another_version_is_refused_before_anything_is_made(tmp_path):
    other = "from reactface_node.files import resources; resources.version = lambda: '0.0.1'"
    with (
        cluster(1, other) as (address, *_),
        pytest.raises(UserError, match=r"a worker has version 0\.0\.1 of this package"),
    ):
        convert(Numbers(), tmp_path, cluster=address)


def test_a_worker_without_the_package_is_one_line(tmp_path):
    missing = "import sys; sys.modules['reactface_node.research.data.cluster'] = None"
    with (
        cluster(1, missing) as (address, *_),
        pytest.raises(UserError, match=r"cannot use this package .*: install version"),
    ):
        convert(Numbers(), tmp_path, cluster=address)


def test_a_scheduler_without_the_package_is_one_line(tmp_path):
    missing = "sys.modules['reactface_node'] = None"
    with (
        cluster(1, scheduler=missing) as (address, *_),
        pytest.raises(UserError, match=r"cannot use this package .*: install version"),
    ):
        convert(Numbers(), tmp_path, cluster=address)


def test_a_worker_that_does_not_see_the_files_is_one_line(tmp_path):
    blind = (
        "from pathlib import Path; seen = Path.is_dir; "
        "Path.is_dir = lambda path: path.name != 'train' and seen(path)"
    )
    with (
        cluster(1, blind) as (address, *_),
        pytest.raises(UserError, match=r"does not see .*: the machines of a cluster must"),
    ):
        convert(Numbers(), tmp_path, cluster=address)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:1",
        "nowhere",
        "tcp://127.0.0.1",
        "tls://127.0.0.1:1",
        "other://h:1",
        "tcp://h:word",
        "tcp://h:99999",
        "tcp://.:1",
        "",
    ],
)
def test_no_scheduler_is_one_line_and_leaves_no_client(tmp_path, monkeypatch, address):
    """A client that could not be made would block the start of the next one for 10 s."""
    made = []
    monkeypatch.setattr("distributed.Client", lambda *_, **__: made.append(1))
    monkeypatch.setattr("reactface_node.research.data.cluster.CONNECT_S", 0.5)
    with pytest.raises(UserError, match="no dask scheduler answers at"):
        convert(Numbers(), tmp_path, cluster=address)
    assert not made


def test_a_disk_that_fills_on_a_worker_is_one_line(tmp_path):
    filled = (
        "from rigs.numbered_clips import full; from reactface_node.research.data import store; "
        "store.write_part = full"
    )
    with (
        cluster(1, filled) as (address, *_),
        pytest.raises(UserError) as said,
    ):
        convert(Numbers(), tmp_path, cluster=address)
    assert str(said.value) == (
        f"cannot write {tmp_path / 'train'}: the disk is full; "
        f"0 of {COUNT} clips are kept, run it again"
    )
    convert(Numbers(), tmp_path, workers=1)
    assert len(load_clips(tmp_path, "train")) == COUNT


def test_the_command_converts_on_a_cluster_from_any_folder(tmp_path, monkeypatch, capsys):
    """The workers' working folder is another one."""
    write_react(tmp_path / "react")
    monkeypatch.chdir(tmp_path)
    command = ["data", "convert", "react2023", "react"]
    with cluster(1) as (address, *_):
        assert main([*command, "out", "--cluster", address]) == 0
    assert "6 clips, " in capsys.readouterr().err
    assert main([*command, "alone", "--workers", "1"]) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cluster", "tcp://127.0.0.1:1", "--workers", "2"], "--workers has no use with"),
        (["--cluster", "tcp://127.0.0.1:1"], r"pip install 'reactface_node\[cluster\]'"),
    ],
)
def test_options_that_cannot_be_met_are_one_line(tmp_path, monkeypatch, capsys, options, message):
    write_react(tmp_path / "react")
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = ["data", "convert", "react2023", str(tmp_path / "react"), str(tmp_path / "out")]
    assert main([*command, *options]) == 2
    assert re.search(message, capsys.readouterr().err.splitlines()[-1])


def test_many_jobs_are_sent_in_groups(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_TASKS", 3)
    single = [range(n, n + 1) for n in range(10)]
    groups = list(jobs.grouped(single))
    assert [job for group in groups for job in group] == single and len(groups) == 4
