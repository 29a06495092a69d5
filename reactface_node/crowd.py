"""Former name of ``session.batch.SessionBatch``; will be removed in the release after 0.1.0."""

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """``Crowd`` with a DeprecationWarning; AttributeError for any other name."""
    if name != "Crowd":
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from reactface_node.session.batch import SessionBatch

    warnings.warn(
        "reactface_node.crowd.Crowd is now reactface_node.session.batch.SessionBatch",
        DeprecationWarning,
        stacklevel=2,
    )
    return SessionBatch
