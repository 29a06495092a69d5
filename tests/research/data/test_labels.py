"""Labels of clips: what is read, and what is refused in one line."""

import pytest
from rigs.paths import SHARED

from reactface_node.errors import UserError
from reactface_node.research.data.labels import LABELLED_KINDS, NO_SMILE_KINDS, read_labels


def labels_of(tmp_path, text):
    path = tmp_path / "labels.yaml"
    path.write_text(text)
    return read_labels(path)


def test_intervals_by_clip_and_kind(tmp_path):
    labels = labels_of(
        tmp_path,
        "talk_1:\n  smile: [[3, 4.5], [0.5, 1.0]]\n  cry: [[5, 6]]\n  blink: [2.5, 1]\n"
        "0123:\n  neutral: []\n",
    )
    assert labels["talk_1"].intervals == {
        "smile": ((0.5, 1.0), (3.0, 4.5)),
        "cry": ((5.0, 6.0),),
    }
    assert labels["talk_1"].blinks == (1.0, 2.5)
    assert labels["talk_1"].of("cry", "smile") == ((5.0, 6.0), (0.5, 1.0), (3.0, 4.5))
    assert labels["0123"].of("neutral") == () and labels["0123"].blinks is None
    assert labels_of(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "must hold names and values"),
        ("a: [1, 2]", "'a' must hold kinds"),
        ("a: {smlie: [[0, 1]]}", "'smlie' is no kind; the kinds are smile,"),
        ("a: {smile: 3}", "smile must be a list, not 3"),
        ("a: {smile: [0, 1]}", "an interval is [from, to] in seconds, not 0"),
        ("a: {smile: [[0, 1, 2]]}", "an interval is [from, to] in seconds"),
        ("a: {smile: [[0, x]]}", "a number of seconds from 0 on, not 'x'"),
        ("a: {smile: [[0, .nan]]}", "a number of seconds from 0 on"),
        ("a: {smile: [[-1, 1]]}", "a number of seconds from 0 on"),
        ("a: {smile: [[0, true]]}", "a number of seconds from 0 on"),
        ("a: {smile: [[2, 1]]}", "[2, 1] ends before it begins"),
        ("a: {smile: [[0, 2], [1, 3]]}", "two intervals overlap at 1 s"),
        ("a: {blink: [[0, 1]]}", "blink: a time is a number of seconds"),
        ("a: {smile: [[0, 1]", "is not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(text, says, tmp_path):
    with pytest.raises(UserError) as caught:
        labels_of(tmp_path, text)
    line = str(caught.value)
    assert says in line and "labels.yaml" in line and "\n" not in line


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*none\.yaml"):
        read_labels(tmp_path / "none.yaml")


def test_the_shared_labels_are_read():
    path = SHARED / "clips" / "labels.yaml"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    labels = read_labels(path)
    assert labels["d9"].blinks == (0.4, 1.2, 12.8, 14.0)
    assert labels["d18"].of("yell") == ((4.0, 5.0),)
    assert not {"smile", "one_sided", "talk", "hand_before_face"} & set(NO_SMILE_KINDS)
    assert {kind for clip in labels.values() for kind in clip.intervals} == set(LABELLED_KINDS)
