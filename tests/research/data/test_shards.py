"""Arrays in many files: read as numpy reads them, with few files open."""

import json
import shutil

import numpy as np
import pytest
from rigs.store import clip, one_file_split, own, plan, write_all

from reactface_node.errors import UserError
from reactface_node.research.data import plan as plans
from reactface_node.research.data import shards
from reactface_node.research.data.clips import part_of
from reactface_node.research.data.neighbours import with_neighbours
from reactface_node.research.data.reaction_events import CHANNELS, reaction_events
from reactface_node.research.data.store import (
    ClipWriter,
    load_clips,
    load_digest,
    load_nearest,
)

NAMES = tuple("abcdefg")


def split(folder, monkeypatch, each=2, names=NAMES):
    """Clips of seeds 0 to 6 in shards of ``each``."""
    made = plan(names)
    monkeypatch.setattr(plans, "SHARD_BYTES", each * made.clip_bytes)
    with ClipWriter(folder, made) as writer:
        write_all(writer, [clip(seed) for seed in range(len(names))])
        writer.finish(own(len(names)))
    return folder / "train"


@pytest.fixture
def whole():
    return np.concatenate([clip(seed).reactions for seed in range(7)])


def test_the_manifest_lists_the_shards(tmp_path, monkeypatch):
    path = split(tmp_path, monkeypatch)
    listed = json.loads((path / "manifest.json").read_text())["shards"]
    assert [(one["folder"], one["clips"]) for one in listed] == [
        ("00000", 2),
        ("00001", 2),
        ("00002", 2),
        ("00003", 1),
    ]
    assert len({one["sha256"] for one in listed}) == 4
    assert not (path / "parts").exists()
    np.testing.assert_array_equal(np.load(path / "00003" / "speaker.npy")[0], clip(6).speaker)


@pytest.mark.parametrize(
    "key",
    [
        3,
        -1,
        np.int64(5),
        (4, slice(1, 3)),
        slice(2, 11),
        slice(None, None, 3),
        (slice(1, 5), slice(None, 2)),
        np.array([9, 0, 9]),
        [1, 12],
        ([1, 12], None, slice(3)),
        (np.array([[1, 2], [3, 4]]), slice(2)),
        (slice(2, 6), ..., 0),
        np.arange(14) % 3 == 0,
        (np.array([3, 3, 13])[:, None], np.array([[0, 1], [1, 2], [3, 0]])),
        (np.array([0, 13]), np.array([1, 3]), np.array([5, 6])),
        slice(3, 3),
    ],
    ids=str,
)
def test_it_is_read_as_numpy_reads_it(tmp_path, monkeypatch, whole, key):
    split(tmp_path, monkeypatch)
    found = load_clips(tmp_path, "train").reactions
    np.testing.assert_array_equal(found[key], whole[key])
    assert found[key].dtype == np.float32


def test_a_part_is_chosen_without_reading(tmp_path, monkeypatch, whole):
    split(tmp_path, monkeypatch)
    rows = load_clips(tmp_path, "train").reactions
    shutil.rmtree(tmp_path / "train" / "00000")
    last = part_of(part_of(rows, slice(4, None)), np.array([9, 0, 3]))
    assert last.shape == (3, 4, 58) and len(last) == 3
    np.testing.assert_array_equal(last, whole[[13, 4, 7]])
    np.testing.assert_array_equal(list(last), whole[[13, 4, 7]])
    with pytest.raises(UserError, match=r"00000/reactions\.npy is missing or damaged"):
        rows[0]


def test_few_files_are_open(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "OPEN", 3)
    split(tmp_path, monkeypatch, each=1)
    clips = load_clips(tmp_path, "train")
    files = clips.speaker._files
    for rows in (clips.speaker, clips.audio, clips.reactions, clips.events):
        np.asarray(rows)
        assert len(files) <= 3
    assert list(files._mapped)[-1] == (6, "events")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda shard: shutil.rmtree(shard), r"00002/frames\.npy is missing or damaged"),
        (lambda shard: (shard / "audio.npy").unlink(), r"audio\.npy is missing or damaged"),
        (
            lambda shard: (shard / "events.npy").write_bytes(b""),
            r"events\.npy is missing or damaged \(it is cut off\); convert again",
        ),
    ],
)
def test_a_shard_that_is_gone_or_cut_off_is_named_before_the_work_begins(
    tmp_path, monkeypatch, spoil, message
):
    spoil(split(tmp_path, monkeypatch) / "00002")
    with pytest.raises(UserError, match=message):
        load_clips(tmp_path, "train")


@pytest.mark.parametrize(
    "listed",
    [
        None,
        [],
        [{"folder": "../x", "clips": 7, "sha256": ""}],
        [{"folder": "00000", "clips": 6, "sha256": ""}],
        [{"folder": "00000", "clips": "7", "sha256": ""}],
        [{"folder": 0, "clips": 7, "sha256": ""}],
        [{"folder": "00000"}],
        ["00000"],
    ],
)
def test_a_manifest_with_other_shards_is_refused(tmp_path, monkeypatch, listed):
    file = split(tmp_path, monkeypatch) / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "shards": listed}))
    with pytest.raises(UserError, match=r"manifest\.json is (damaged|not the manifest)"):
        load_clips(tmp_path, "train")


def test_another_content_has_another_hash(tmp_path, monkeypatch):
    split(tmp_path / "one", monkeypatch)
    split(tmp_path / "same", monkeypatch)
    split(tmp_path / "fewer", monkeypatch, names=NAMES[:6])
    digests = [load_digest(tmp_path / name, "train") for name in ("one", "same", "fewer")]
    assert digests[0] == digests[1] != digests[2] and len(digests[0]) == 64


def test_events_are_stored_for_every_reaction(tmp_path, monkeypatch, whole):
    split(tmp_path, monkeypatch)
    events = load_clips(tmp_path, "train").events
    assert events.shape == (14, 4, CHANNELS)
    np.testing.assert_array_equal(events, [reaction_events(one) for one in whole])


def test_neighbours_are_found_by_the_conversion_and_are_those_of_the_whole_set(
    tmp_path, monkeypatch
):
    split(tmp_path, monkeypatch)
    clips = load_clips(tmp_path, "train")
    nearest = load_nearest(tmp_path, "train")
    for most in (0.0, 1.3, 1.42, 10.0):
        quick = with_neighbours(clips, most, nearest).appropriate
        slow = with_neighbours(clips, most).appropriate
        assert [rows.tolist() for rows in quick] == [rows.tolist() for rows in slow]


def test_the_form_of_one_file_an_array_is_still_read(tmp_path, whole):
    one_file_split(tmp_path, plan(NAMES), [clip(seed) for seed in range(7)])
    clips = load_clips(tmp_path, "train")
    np.testing.assert_array_equal(clips.reactions, whole)
    assert clips.events is None and clips.frames.tolist() == [4] * 7
    assert load_digest(tmp_path, "train") == "" and load_nearest(tmp_path, "train") is None
    assert [rows.tolist() for rows in clips.appropriate][6] == [12, 13]
