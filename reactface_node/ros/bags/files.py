"""Finds the files of a rosbag2.

Only the names of the parts and the size of each are read from metadata.yaml, so that a missing
part can be reported. Everything else (topics, types, counts, times, storage, compression) is read
from the files themselves.
"""

import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml, which is slower.
    from yaml import SafeLoader  # type: ignore[assignment]

from reactface_node.files.whole import cannot_write
from reactface_node.ros.bags.mcap import MAGIC, McapPart
from reactface_node.ros.bags.part import (
    PIECE_BYTES,
    ZSTD_MAGIC,
    BagPart,
    Unreadable,
    printable,
    zstd,
)
from reactface_node.ros.bags.sqlite import SqlitePart

METADATA = "metadata.yaml"
LARGEST_METADATA = 2 << 20
SQLITE_MAGIC = b"SQLite format 3\0"
SUFFIXES = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")


@dataclass(frozen=True)
class Declared:
    """What metadata.yaml says about one file; None if it does not say."""

    messages: int | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        told = [] if self.messages is None else [f"{self.messages} messages"]
        told += [] if self.seconds is None else [f"{self.seconds:.1f} s"]
        return f" ({', '.join(told)})" if told else ""


class _Loader(SafeLoader):
    """Loads YAML without merge keys, since a few lines of them can expand to billions of values."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("it has merge keys")


def read_metadata(folder: Path) -> dict[str, Any] | None:
    """The content of ``rosbag2_bagfile_information``; None if it is missing or damaged."""
    path = folder / METADATA
    try:
        if path.stat().st_size > LARGEST_METADATA:
            return None
        found = yaml.load(path.read_text("utf-8"), _Loader)
        told = found["rosbag2_bagfile_information"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, yaml.YAMLError):
        return None
    return told if isinstance(told, dict) else None


def part_files(folder: Path) -> tuple[list[Path], dict[str, Declared], list[str]]:
    """(files to read in order, {name: its ``Declared``}, log lines about missing files).

    All files of a bag are searched in its folder itself, whatever metadata.yaml says.
    """
    declared = _declared(read_metadata(folder) or {})
    present = sorted((p for p in folder.iterdir() if _is_part(p)), key=lambda p: _natural(p.name))
    names = {path.name for path in present}
    found = [folder / name for name in declared if (folder / name).is_file()]
    missing = [
        f"{printable(name)}{told} is missing"
        for name, told in declared.items()
        if name not in names and not (folder / name).is_file()
    ]
    if not found:
        return _one_of_each(present), declared, missing
    stems = {_stem(path.name) for path in found}
    family = {_family(path.name) for path in found}
    more = [p for p in present if _stem(p.name) not in stems and p not in found]
    extra = [path for path in more if _family(path.name) in family]
    told = [f"{printable(path.name)} is not in {METADATA}, but was read" for path in extra]
    told += [
        f"{printable(path.name)} is of another bag and was left out"
        for path in more
        if path not in extra
    ]
    return sorted(found + extra, key=lambda path: _natural(path.name)), declared, missing + told


def open_part(path: Path, stack: ExitStack) -> BagPart:
    """Open a file; its kind is decided by its content, not by its name.

    A compressed file is decompressed into a temporary folder, which the stack removes. Unreadable
    if nothing can be read.
    """
    if not path.is_file():
        raise Unreadable("it is no file")  # A pipe, for example, would block here.
    try:
        with path.open("rb") as file:
            magic = file.read(len(SQLITE_MAGIC))
        if magic.startswith(ZSTD_MAGIC):
            path, magic = _unpack(path, stack)
            if path.stat().st_size < 2:
                raise Unreadable("it cannot be unpacked")
        if magic == SQLITE_MAGIC:
            return SqlitePart(path)
        if magic.startswith(MAGIC) or ".mcap" in path.suffixes:
            return McapPart(path)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if not magic:
        raise Unreadable("it is empty")
    raise Unreadable("it is neither an .mcap nor a .db3 file")


def _declared(metadata: Mapping[str, Any]) -> dict[str, Declared]:
    """{file name: what metadata.yaml says about it}; wrong values are ignored."""
    listed = metadata.get("files")
    told = {
        PurePath(one["path"]).name: Declared(
            _whole(one.get("message_count")), _seconds(one.get("duration"))
        )
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("path"), str)
    }
    paths = metadata.get("relative_file_paths")
    names = [PurePath(p).name for p in (paths if isinstance(paths, list) else []) if _is_name(p)]
    if len(names) == 1 and names[0] not in told:
        count = _whole(metadata.get("message_count"))
        told[names[0]] = Declared(count, _seconds(metadata.get("duration")))
    return {name: told.get(name, Declared()) for name in names}


def _is_name(path: object) -> bool:
    name = PurePath(path).name if isinstance(path, str) else ".."
    return name not in ("", "..") and "\0" not in name


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _seconds(value: object) -> float | None:
    nanoseconds = _whole(value.get("nanoseconds")) if isinstance(value, dict) else None
    return None if nanoseconds is None else nanoseconds * 1e-9


def _is_part(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def _stem(name: str) -> str:
    """The name without the endings of storage and compression."""
    return re.sub(r"(\.(mcap|db3))?(\.zstd)?$", "", name)


def _family(name: str) -> str:
    """A name that is equal for all parts of a split bag."""
    return re.sub(r"_\d+$", "", _stem(name))


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key that puts part 10 after part 9."""
    parts = re.split(r"(\d+)", name)
    return [(int(text), "") if text.isdecimal() else (-1, text) for text in parts]


def _one_of_each(paths: list[Path]) -> list[Path]:
    """The paths without a second form, compressed or converted, of the same part."""
    return list({_stem(path.name): path for path in reversed(paths)}.values())[::-1]


def _unpack(path: Path, stack: ExitStack) -> tuple[Path, bytes]:
    """(decompressed file, its first bytes); for a damaged file up to the damage."""
    try:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reactface-")))
        target = folder / path.name.removesuffix(".zstd")
        with (
            zstd.open(path, "rb") as packed,
            target.open("wb") as file,
            suppress(EOFError, zstd.ZstdError),
        ):
            while piece := packed.read1(PIECE_BYTES):
                file.write(piece)
        with target.open("rb") as file:
            return target, file.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise cannot_write(Path(tempfile.gettempdir()), error) from error
