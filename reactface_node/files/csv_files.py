"""Tables in csv files."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from reactface_node.errors import UserError


def csv_rows(path: Path) -> list[list[str]]:
    """All rows with their cells. UserError that names the file if it is missing or no csv."""
    try:
        return list(csv.reader(_lines(path)))
    except csv.Error as error:
        raise _unreadable(path, error) from error


def named_csv_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(number of the line, row) after the first row, which names the columns; rows as
    ``csv.DictReader`` gives them. UserError as ``csv_rows``, and if one of ``columns`` is not there
    or there twice."""
    try:
        reader = csv.DictReader(_lines(path))
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise _unreadable(path, error) from error
    named = list(reader.fieldnames or ())
    missing = [name for name in columns if name not in named]
    if missing:
        raise UserError(f"{path} has no column {missing[0]}")
    twice = [name for name in columns if named.count(name) > 1]
    if twice:
        raise UserError(f"{path} has two columns {twice[0]}")
    return rows


def _lines(path: Path) -> Iterator[str]:
    try:
        # Not splitlines, which also ends lines at characters that cells may hold.
        return io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as csv: {error}")
