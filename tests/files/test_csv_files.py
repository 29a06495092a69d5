"""Tables in csv files: what is read, and one line for what cannot be."""

import pytest

from reactface_node.errors import UserError
from reactface_node.files.csv_files import csv_rows, named_csv_rows


def test_rows_are_read_with_and_without_names(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes('\ufeffspeaker,listener\r\na,"b, c"\r\n'.encode())
    assert csv_rows(path) == [["speaker", "listener"], ["a", "b, c"]]
    assert named_csv_rows(path, ("listener",)) == [(2, {"speaker": "a", "listener": "b, c"})]


def test_lines_are_counted_as_editors_count_them(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"a,b\r\n\r\n1,x\xe2\x80\xa8y\r\n\n3,4\n")
    assert named_csv_rows(path, ("a",)) == [
        (3, {"a": "1", "b": "x\u2028y"}),
        (5, {"a": "3", "b": "4"}),
    ]


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "is missing"),
        (b"a,b\n\xff\xfe", "cannot be read as csv"),
        (b"a,b\n" + b"x" * 200_000, "cannot be read as csv"),
        (b"a,c\n1,2\n", "has no column b"),
        (b"", "has no column b"),
        (b"a,b,b\n1,2,3\n", "has two columns b"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, content, message):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as told:
        named_csv_rows(path, ("b",))
    assert str(path) in str(told.value) and "\n" not in str(told.value)
