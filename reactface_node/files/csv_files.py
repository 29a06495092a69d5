"""Tables in csv files."""

import csv
from collections.abc import Sequence
from pathlib import Path

from reactface_node.errors import UserError


def csv_rows(path: Path) -> list[list[str]]:
    """All rows with their cells. UserError that names the file if it is missing or no csv."""
    try:
        return list(csv.reader(_lines(path)))
    except csv.Error as error:
        raise _unreadable(path, error) from error


def named_csv_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows after the first one, which names the columns; as ``csv.DictReader`` gives them.
    UserError as ``csv_rows``, and if one of ``columns`` is not there."""
    try:
        reader = csv.DictReader(_lines(path))
        rows = list(reader)
    except csv.Error as error:
        raise _unreadable(path, error) from error
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise UserError(f"{path} has no column {missing[0]}")
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").splitlines()
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as csv: {error}")
