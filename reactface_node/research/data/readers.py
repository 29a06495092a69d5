"""The natural voices that this machine has."""

import logging
from functools import cache

from reactface_node.research.data.flite import VOICES, Flite
from reactface_node.research.data.text_to_speech import Hibari, TextReader

log = logging.getLogger(__name__)


@cache
def readers() -> tuple[TextReader, ...]:
    """The natural voices of this machine; empty, and said once, where there are none."""
    found: list[TextReader] = []
    try:
        found.append(Hibari())
    except Exception as error:  # The package, its files or its graph may be missing or others.
        log.warning(
            "no natural voice for the data, the voices are synthetic: %s "
            "(pip install 'reactface_node[voices]' brings one)",
            error,
        )
        return ()
    for voice in VOICES:
        try:
            found.append(Flite(voice))
        except OSError as error:
            log.debug("%s", error)
    return tuple(found)
