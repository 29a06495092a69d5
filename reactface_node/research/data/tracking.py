"""What workers do to read the sides of conversations; it needs nothing of a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.jobs import Written
from reactface_node.research.data.sides import TalkSide, save_track


@dataclass(frozen=True)
class SideRead(Written):
    """A side that was read. clips: its place among those that were to be read. error: why it cannot
    be used, or ''."""

    error: str = ""


@dataclass(frozen=True, eq=False)
class Tracking:
    """The sides that are to be read, and the file of each; a ``Task``."""

    source: Conversations
    path: Path
    sides: tuple[tuple[TalkSide, Path], ...]

    @property
    def unfinished(self) -> Path:
        return self.path

    def do(self, jobs: Sequence[range]) -> list[SideRead]:
        """Read some sides; those that cannot be used are no error yet."""
        return [self._read(index) for job in jobs for index in job]

    def _read(self, index: int) -> SideRead:
        side, path = self.sides[index]
        here = range(index, index + 1)
        try:
            track = side.read(self.source.tracker, self.source.speech)
        except UserError as error:
            return SideRead(here, 0, str(error))
        save_track(path, track)
        return SideRead(here, len(track))
