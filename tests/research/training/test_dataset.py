"""The source of a run's clips, and that they match its settings."""

import pytest
from rigs.data_sets import contents, faceverse, write_coefficients, write_rld

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.research.data import store
from reactface_node.research.data.convert import convert
from reactface_node.research.data.dyads import CASTS, cast_of, dyad_source
from reactface_node.research.data.rld import Rld
from reactface_node.research.evaluation.ablations import read_studies, run_studies
from reactface_node.research.evaluation.evaluate import EvaluationChoice, evaluate
from reactface_node.research.training.dataset import data_folder, make_synthetic, open_split

pytestmark = pytest.mark.slow

TINY = {
    "training.clips": 2,
    "training.validation_clips": 2,
    "training.test_clips": 2,
    "training.clip_s": 4.0,
    "training.listeners": 2,
    "training.test_listeners": 2,
}


def settings(**changes):
    named = {f"training.{name}": value for name, value in changes.items()}
    return Config().replace(**{**TINY, **named}).training


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dyads")
    make_synthetic(settings(), folder)
    return folder


@pytest.mark.parametrize(
    ("change", "split", "differs"),
    [
        ({"seed": 1}, "train", "seed 1"),
        ({"clips": 3}, "train", "3 clips"),
        ({"listeners": 3}, "train", "3 listeners"),
        ({"clip_s": 4.04}, "train", "4.04 s"),
        ({"validation_clips": 3}, "val", "3 clips"),
        ({"test_listeners": 3}, "val", "3 listeners"),
        ({"test_clips": 3}, "test", "3 clips"),
    ],
)
def test_dyads_of_other_settings_are_refused(made, change, split, differs):
    with pytest.raises(UserError) as said:
        make_synthetic(settings(**change), made)
    assert str(made / split) in str(said.value) and differs in str(said.value)


def test_dyads_of_other_settings_are_refused_before_any_are_made(made, tmp_path):
    (tmp_path / "val").symlink_to(made / "val")
    with pytest.raises(UserError, match="val holds 2 clips of 4 s with 2 listeners of seed 0"):
        make_synthetic(settings(seed=1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["val"]


def test_what_is_missing_is_made_and_what_was_interrupted_goes_on(made, tmp_path):
    write, written = store.write_part, []

    def interrupted(folder, index, arrays):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(index)
        write(folder, index, arrays)

    convert(dyad_source(0, "train", 2, 4.0, 2), tmp_path, workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(dyad_source(0, "val", 2, 4.0, 2), tmp_path, workers=1)
    with pytest.raises(UserError, match=r"val\.unfinished was begun"):
        make_synthetic(settings(validation_clips=3), tmp_path)
    make_synthetic(settings(), tmp_path)
    make_synthetic(settings(), tmp_path)
    assert contents(tmp_path) == contents(made)


def test_a_converted_data_set_is_not_taken_for_dyads(tmp_path):
    convert(Rld(with_coefficients(tmp_path / "rld"), "train"), tmp_path / "data", workers=1)
    with pytest.raises(UserError, match="train holds no synthetic dyads"):
        make_synthetic(settings(), tmp_path / "data")


def test_a_home_folder_is_the_same_to_every_command(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = Config.load(overrides={"training.data": "~/dyads"})
    assert data_folder(config.training, tmp_path / "out") == tmp_path / "dyads"
    assert data_folder(settings(), tmp_path / "out") == tmp_path / "out" / "data"
    with pytest.raises(UserError, match=f"{tmp_path}/dyads/train/.* is missing"):
        evaluate(config, tmp_path / "out", EvaluationChoice())
    with pytest.raises(UserError, match=f"{tmp_path}/dyads/test/.* is missing"):
        run_studies(config, tmp_path / "out", 2, 0, 1, read_studies())


def with_coefficients(root):
    write_rld(root)
    for seed, name in enumerate(["s0", "s1", "l0", "l1"]):
        write_coefficients(root / "3D_FV_files" / f"{name}.npy", faceverse(seed))
    return root


def test_reactions_that_nobody_labelled_are_shared_by_similar_speakers(tmp_path):
    """The two speakers have nothing in common: they are 2 apart."""
    convert(Rld(with_coefficients(tmp_path), "train"), tmp_path / "data", workers=1)

    def appropriate(distance):
        clips, _ = open_split(tmp_path / "data", "train", settings(neighbour_distance=distance))
        return [rows.tolist() for rows in clips.appropriate]

    assert appropriate(0.0) == appropriate(1.1) == [[0], [1]]
    assert appropriate(3.0) == [[0, 1], [1, 0]]


def test_labels_are_left_alone(made):
    clips, _ = open_split(made, "train", settings(neighbour_distance=10.0))
    assert [rows.tolist() for rows in clips.appropriate] == [[0, 1], [2, 3]]


@pytest.mark.parametrize("split", ["val", "test"])
def test_every_number_of_listeners_that_may_be_set_can_be_made(split):
    with pytest.raises(UserError, match=r"test_listeners' must be within 1 \.\. 60"):
        settings(test_listeners=61)
    most = settings(test_listeners=60).test_listeners
    assert len(dyad_source(0, split, 1, 4.0, most).make(0).listeners) == 60


def test_no_split_shares_a_speaker_or_a_listener_with_another():
    casts = [cast_of(0, split) for split in CASTS]
    for part in ("speakers", "listeners"):
        everybody = [one for cast in casts for one in getattr(cast, part)]
        assert len(set(everybody)) == len(everybody)


@pytest.mark.parametrize("split", CASTS)
def test_the_people_of_a_dyad_are_of_their_splits_cast(split):
    cast = cast_of(0, split)
    source = dyad_source(0, split, 3, 4.0, 3)
    for index in range(3):
        chosen = source.make(index).events.dispositions
        assert len(set(chosen)) == 3 and set(chosen) <= set(cast.listeners)
