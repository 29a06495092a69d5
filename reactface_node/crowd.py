"""The former place and name of ``session.batch.SessionBatch``; to be removed after 0.1."""

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    if name != "Crowd":
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from reactface_node.session.batch import SessionBatch

    warnings.warn(
        "reactface_node.crowd.Crowd is now reactface_node.session.batch.SessionBatch",
        DeprecationWarning,
        stacklevel=2,
    )
    return SessionBatch
