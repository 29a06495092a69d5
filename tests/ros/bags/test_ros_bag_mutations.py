"""Bags with random damage: each is read as far as possible or refused with one line."""

import random

import pytest
from rigs.damaged_bags import CHANNEL, HEADER, SCHEMA, chunk, message, write
from rigs.paths import ROOT
from rosbags.rosbag2 import StoragePlugin

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "sample" / "sample.mcap"


def cut(data, rng):
    del data[rng.randrange(len(data)) :]


def flip(data, rng):
    for _ in range(rng.choice([1, 3, 300])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_an_end(data, rng):
    """Where headers and indexes are."""
    for _ in range(rng.choice([1, 10])):
        at = rng.randrange(min(2000, len(data)))
        data[rng.choice([at, len(data) - 1 - at])] ^= 1 << rng.randrange(8)


def overwrite(data, rng):
    at, count = rng.randrange(len(data)), rng.choice([4, 4096, 100_000])
    noise = rng.choice([bytes(count), rng.randbytes(count)])
    data[at : at + count] = noise[: len(data) - at]


def insert(data, rng):
    at = rng.randrange(len(data))
    data[at:at] = rng.randbytes(rng.choice([1, 5000]))


def remove(data, rng):
    at = rng.randrange(len(data))
    del data[at : at + rng.choice([1, 5000, 100_000])]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return {
        "sample": SAMPLE.read_bytes()[:1_000_000],
        "indexed": write(folder / "mcap", StoragePlugin.MCAP, 1000).read_bytes(),
        "killed": HEADER + b"".join(chunk(n, 50, n == 0) for n in range(0, 500, 50)),
        "bare": HEADER + SCHEMA + CHANNEL + b"".join(map(message, range(500))),
        "sqlite": write(folder / "db3", StoragePlugin.SQLITE3, 1000).read_bytes(),
    }


@pytest.mark.parametrize("kind", ["sample", "indexed", "killed", "bare", "sqlite"])
@pytest.mark.parametrize("mutate", [cut, flip, flip_an_end, overwrite, insert, remove])
def test_a_mutation_is_read_or_refused(tmp_path, whole, kind, mutate):
    path = tmp_path / ("bag.db3" if kind == "sqlite" else "bag.mcap")
    read = 0
    for seed in range(6):
        data = bytearray(whole[kind])
        mutate(data, random.Random(seed))
        path.write_bytes(data)
        told = []
        try:
            with BagReader(path) as bag:
                read += any(1 for _ in bag.messages())
                told.append(bag.missing)
                bag.inputs(RosConfig())
        except UserError as error:
            told.append(str(error))
        assert all(line.isprintable() and len(line) < 800 for line in told)
    # Damage at a random place hardly ever costs everything.
    assert read >= 5 or mutate is flip_an_end
