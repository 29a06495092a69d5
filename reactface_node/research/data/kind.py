"""What a kind of data set is: the record of which ``datasets.KINDS`` has one for each kind."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reactface_node.config import PerceptionConfig, RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.decode import NodeTracker
from reactface_node.research.data.sides import NodeSpeech
from reactface_node.research.data.source import Source


@dataclass(frozen=True)
class DatasetChoice:
    """Options of a data set.

    split: its name, or "" for all existing splits. faces: face crops too, for the profiles
    that read pixels. labels: use REACT 2023's neighbour matrices. mean_face: FaceVerse's
    ``mean_face.npy``. listener_topic: the listener's camera in a bag. one_way: use a pair once, the
    speaker's side to the listener's, not both ways. flame_map: ARKit weights to FLAME
    (``flame.FlameMap``). hours: ``seamless``, so many hours of conversation are drawn; 0 for all.
    own_features: ``seamless``, the data set's own features instead of its videos. turns: ``mars``
    and ``dualtalk``, only stretches in which one talks and the other listens become clips, as for
    the kinds with a recording of each person. skip_broken: of these and of
    ``videos`` and ``livelink``, leave out pairs with a missing or broken file, not refuse all.
    perception: how faces are tracked and voices found.
    """

    split: str = ""
    faces: bool = False
    labels: bool = True
    mean_face: Path | None = None
    listener_topic: str = "/listener/image"
    one_way: bool = False
    flame_map: Path | None = None
    hours: float = 0.0
    own_features: bool = False
    turns: bool = False
    skip_broken: bool = False
    perception: PerceptionConfig = field(default_factory=PerceptionConfig)

    def read_with(self) -> dict[str, Any]:
        """For a source's facts: the settings of perception that are not the defaults."""
        mine, usual = asdict(self.perception), asdict(PerceptionConfig())
        changed = {name: value for name, value in mine.items() if value != usual[name]}
        return {"perception": changed} if changed else {}

    def reading(self) -> dict[str, Any]:
        """The fields of ``Conversations`` that say how faces and voices are read."""
        return {
            "tracker": NodeTracker(self.perception),
            "speech": NodeSpeech(self.perception),
            "read_with": self.read_with(),
        }

    def absolute(self) -> "DatasetChoice":
        """The same with absolute paths, for programs with other working folders."""
        given: dict[str, Any] = vars(self)
        paths = {name: one.absolute() for name, one in given.items() if isinstance(one, Path)}
        return DatasetChoice(**{**given, **paths})


OF_SOME_KINDS = (
    "mean_face",
    "one_way",
    "flame_map",
    "hours",
    "own_features",
    "skip_broken",
)
"""Fields of ``DatasetChoice`` that not every kind has a use for. There they are refused, since what
comes out would not be what was asked for."""


@dataclass(frozen=True)
class Splits:
    """The splits of one data set on the disk.

    where: the file or folder that says which splits there are. known: names of splits of this kind.
    present: those that are there, complete or not. open: split -> its source; UserError if it
    cannot be read.
    """

    where: Path
    known: tuple[str, ...]
    present: list[str]
    open: Callable[[str], Source]


@dataclass(frozen=True)
class Kind:
    """A kind of data set: what it is, in a line; what its licence says, in a line; and how its
    splits are opened. takes: which of ``OF_SOME_KINDS`` it has a use for.

    UserError of ``open`` if the folder holds no such data set.
    """

    about: str
    licence: str
    open: Callable[[Path, DatasetChoice, RosConfig], Splits]
    takes: tuple[str, ...] = ()

    def refuse_useless(self, name: str, choice: DatasetChoice) -> None:
        """UserError if something was asked for that would have no effect. name: the kind's."""
        usual = DatasetChoice()
        for option in OF_SOME_KINDS:
            if getattr(choice, option) != getattr(usual, option) and option not in self.takes:
                written = option.replace("_", "-")
                raise UserError(
                    f"--{written} has no use for data sets of kind {name}: leave it out"
                )
