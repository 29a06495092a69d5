"""The data sets that ``reactface data`` knows by name, and its two commands."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data import react2023, rld
from reactface_node.research.data.check import check
from reactface_node.research.data.convert import convert
from reactface_node.research.data.source import SPLITS, Source

KINDS = ("react2023", "rld", "bags")


@dataclass(frozen=True)
class DatasetChoice:
    """Options of a data set.

    split: its name, or "" for all existing splits. faces: face crops too, for the profiles
    that read pixels. labels: use REACT 2023's neighbour matrices. mean_face: FaceVerse's
    ``mean_face.npy``. listener_topic: the listener's camera in a bag.
    """

    split: str = ""
    faces: bool = False
    labels: bool = True
    mean_face: Path | None = None
    listener_topic: str = "/listener/image"


def open_sources(
    kind: str, root: Path, choice: DatasetChoice, ros: RosConfig
) -> list[Callable[[], Source]]:
    """A function for each split that opens it; UserError, from this or those functions, if it
    cannot be read."""
    if not root.is_dir():
        raise UserError(f"{root} is no folder")
    where, known = root, SPLITS
    if kind == "react2023":
        present = react2023.begun_splits(root)
        make: Callable[..., Source] = partial(
            react2023.React2023,
            root,
            faces=choice.faces,
            labels=choice.labels,
            mean_face=choice.mean_face,
        )
    elif kind == "rld":
        where, known = root / rld.LIST, rld.SPLITS
        listed = {row["data_split"] for row in rld.read_rows(where)}
        present = [split for split in known if split in listed]
        make = partial(rld.Rld, root, faces=choice.faces, mean_face=choice.mean_face)
    elif kind == "bags":
        # Bags need rosbags and the tracker; the others do not.
        from reactface_node.research.data.recordings import Recordings

        present = [split for split in SPLITS if (root / split).is_dir()]
        topic = choice.listener_topic
        make = partial(Recordings, root, faces=choice.faces, ros=ros, listener_topic=topic)
    else:
        raise UserError(f"'{kind}' is no kind of data set; known are {', '.join(KINDS)}")
    splits = [choice.split] if choice.split else present
    if not splits or not set(splits) <= set(known):
        named = f"'{choice.split}' " * bool(choice.split)
        raise UserError(
            f"{where} has no split {named}of a {kind} data set; known are {', '.join(known)}"
        )
    return [partial(make, split=split) for split in splits]


def check_command(kind: str, root: Path, choice: DatasetChoice, ros: RosConfig) -> int:
    """Print one line for each problem and return their number.

    UserError as ``open_sources``.
    """
    found = check(open_sources(kind, root, choice, ros))
    print("\n".join(found) if found else f"{root}: nothing is missing or broken")
    return len(found)


def convert_command(
    kind: str, root: Path, out: Path, workers: int, choice: DatasetChoice, ros: RosConfig
) -> None:
    """Convert every split that is missing. UserError as ``convert``."""
    sources = [open_source() for open_source in open_sources(kind, root, choice, ros)]
    todo = [source for source in sources if not (out / source.split).exists()]
    if not todo:
        raise UserError(f"{out} has these splits already; choose another folder or remove them")
    for source in todo:
        print(f"wrote {convert(source, out, workers)}")
