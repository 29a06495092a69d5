"""Named stages of a session and of a server, which a benchmark measures."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Probe(Protocol):
    """The interface of a meter: it is called when a stage begins and ends."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A context that is entered as the stage begins and left as it ends."""
        ...


class NoProbe:
    """Measures nothing."""

    _nothing: AbstractContextManager[None] = nullcontext()

    def stage(self, name: str) -> AbstractContextManager[None]:
        """The same context for every stage."""
        return self._nothing
