"""The data sets that ``reactface data`` knows by name, and its two commands."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data import (
    dualtalk,
    livelink_csv,
    mars,
    react2023,
    rld,
    seamless,
    videos,
)
from reactface_node.research.data.check import all_warnings, check, files_told, refuse_if_broken
from reactface_node.research.data.conversations import Conversations, kept_of
from reactface_node.research.data.convert import convert
from reactface_node.research.data.decode import NodeTracker
from reactface_node.research.data.kept_report import summary, write_report
from reactface_node.research.data.kind import DatasetChoice, Kind, Splits
from reactface_node.research.data.pair_sides import in_turns, kept_of_pairs
from reactface_node.research.data.pairs import PairSource
from reactface_node.research.data.source import SPLITS, Source
from reactface_node.research.data.tracks import prepare


def _bags(root: Path, choice: DatasetChoice, ros: RosConfig) -> Splits:
    # Bags need rosbags and the tracker; the others do not.
    from reactface_node.research.data.recordings import Recordings

    def open_split(split: str) -> Source:
        tracker = NodeTracker(choice.perception)
        return Recordings(
            root, split, choice.faces, ros, choice.listener_topic, tracker, choice.read_with()
        )

    present = [split for split in SPLITS if (root / split).is_dir()]
    return Splits(root, SPLITS, present, open_split)


KINDS = {
    "react2023": Kind(
        "REACT 2023 as its organisers distribute it, or in the folders of the released code",
        "NoXI, RECOLA and UDIVA: for research by those who signed each one's agreement; no data "
        "may be passed on",
        react2023.open_splits,
        ("mean_face",),
    ),
    "react2024": Kind(
        "REACT 2024: REACT 2023's files and lists without the clips of UDIVA",
        "NoXI and RECOLA: for research by those who signed each one's agreement; no data may be "
        "passed on",
        partial(react2023.open_splits, without="UDIVA"),
        ("mean_face",),
    ),
    "rld": Kind(
        "RLD, also called ViCo",
        "for research by those who accepted its terms; the videos belong to those who put them "
        "online",
        rld.open_splits,
        ("mean_face",),
    ),
    "mars": Kind(
        "MARS, the data set of REACT 2025 and REACT 2026",
        "for research by those who signed its agreement; no data may be passed on",
        mars.open_splits,
        ("mean_face", "one_way", "skip_broken"),
    ),
    "dualtalk": Kind(
        "DualTalk, with FLAME or ARKit faces",
        "its authors say Apache-2.0; the videos are others' on YouTube, and FLAME has terms of its "
        "own",
        dualtalk.open_splits,
        ("one_way", "flame_map", "skip_broken"),
    ),
    "bags": Kind(
        "a folder of your own recordings of two people",
        "yours: both people must have agreed to what you do with it",
        _bags,
    ),
    "videos": Kind(
        "a video of each of two people: a list of pairs, or files named alike",
        "yours: both people must have agreed to what you do with it",
        videos.open_splits,
        ("skip_broken",),
    ),
    "seamless": Kind(
        "Seamless Interaction: what was downloaded of it, by its videos or its own features",
        "CC BY-NC 4.0: not for commercial use, and whoever gets weights must be told where the "
        "data came from",
        seamless.open_splits,
        ("hours", "own_features", "skip_broken"),
    ),
    "livelink": Kind(
        "recordings of Live Link Face, two phones for one conversation",
        "yours: both people must have agreed to what you do with it",
        livelink_csv.open_splits,
        ("skip_broken",),
    ),
}
"""One entry for each kind."""


def kind_of(name: str) -> Kind:
    """UserError, with the known names, if there is no such kind."""
    if name not in KINDS:
        raise UserError(f"'{name}' is no kind of data set; known are {', '.join(KINDS)}")
    return KINDS[name]


def open_sources(
    kind: str, root: Path, choice: DatasetChoice, ros: RosConfig
) -> list[Callable[[], Source]]:
    """A function for each split that opens it; UserError, from this or those functions, if it
    cannot be read."""
    if not root.is_dir():
        raise UserError(f"{root} is no folder")
    kind_of(kind).refuse_useless(kind, choice)
    found = kind_of(kind).open(root, choice, ros)
    splits = [choice.split] if choice.split else found.present
    if not splits or not set(splits) <= set(found.known):
        named = f"'{choice.split}' " * bool(choice.split)
        raise UserError(
            f"{found.where} has no split {named}of a {kind} data set; known are "
            f"{', '.join(found.known)}"
        )
    if not set(splits) <= set(found.present):
        there = ", ".join(found.present) or "none of its splits"
        raise UserError(f"{found.where} has no split '{choice.split}': there is {there}")
    return [partial(found.open, split) for split in splits]


def check_command(kind: str, root: Path, choice: DatasetChoice, ros: RosConfig) -> int:
    """Print one line for each problem and return their number. If there is none, print one line
    for each warning, which do not count, and the licence note.

    UserError as ``open_sources``.
    """
    with files_told():
        sources = open_sources(kind, root, choice, ros)
        found = check(sources)
        doubtful = [] if found else [f"warning: {line}" for line in all_warnings(sources)]
    if not found:
        print("\n".join([*doubtful, f"{root}: nothing is missing or broken", _note(kind)]))
        return 0
    print("\n".join(found))
    return len(found)


def convert_command(
    kind: str,
    root: Path,
    out: Path,
    workers: int,
    choice: DatasetChoice,
    ros: RosConfig,
    cluster: str | None = None,
) -> None:
    """Convert every split that is missing, then print the licence note. UserError as
    ``convert``."""
    if cluster is not None:
        # Workers have working folders of their own.
        root, out, choice = root.absolute(), out.absolute(), choice.absolute()
    with files_told():
        opened = open_sources(kind, root, choice, ros)
        _refuse_inside(root, out)
        sources = [open_source() for open_source in opened]
        todo = [source for source in sources if not os.path.lexists(out / source.split)]
        if not todo:
            raise UserError(f"{out} has these splits already; choose another folder or remove them")
        for source in todo:
            ready = _prepared(source, out, workers, choice, cluster)
            print(f"wrote {convert(ready, out, workers, cluster)}")
    print(_note(kind))


def _refuse_inside(root: Path, out: Path) -> None:
    """UserError if the output lies in a split of the data set, which would then hold its files."""
    if "\0" in str(out):
        raise UserError(f"cannot write {str(out)!r}: a name holds no NUL character")
    place = out.resolve()
    for split in ("train", "val", "dev", "test", "ood"):
        if place.is_relative_to((root / split).resolve()) and (root / split).is_dir():
            raise UserError(f"{out} lies inside the data set, in {root / split}: choose another")


def _prepared(
    source: Source, out: Path, workers: int, choice: DatasetChoice, cluster: str | None
) -> Source:
    """The source with its clips known; writes the report of conversations of two people.

    UserError if no clip is left, or as ``prepare``.
    """
    if isinstance(source, PairSource):
        refuse_if_broken(source)
        source = in_turns(source, choice) if choice.turns else source
    elif choice.turns and not isinstance(source, Conversations):
        raise UserError("--turns is for conversations with a face and a voice of both people")
    if isinstance(source, Conversations):
        source = prepare(source, out, workers, cluster)
        kept = kept_of(source)
    elif isinstance(source, PairSource):
        kept = kept_of_pairs(source)
    else:
        return source
    page = write_report(kept, out, source.split)
    print(f"{source.split}: {summary(kept)}\nwrote {page}")
    if not source.names:
        raise UserError(f"nothing of the {source.split} split became a clip: see {page}")
    return source


def _note(kind: str) -> str:
    return f"licence of {kind}: {KINDS[kind].licence}"
