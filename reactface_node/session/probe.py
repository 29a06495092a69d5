"""What a benchmark measures: the named stages of a session and of a server."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Probe(Protocol):
    """Is told when a stage begins and ends."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A context that is entered as the stage begins and left as it ends."""
        ...


class NoProbe:
    """Measures nothing."""

    _nothing: AbstractContextManager[None] = nullcontext()

    def stage(self, name: str) -> AbstractContextManager[None]:
        """The same context for every stage."""
        return self._nothing
