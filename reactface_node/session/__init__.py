"""The listener's session: inputs with timestamps in, reactions with show times out."""

from reactface_node.session.session import ReactionSession

__all__ = ["ReactionSession"]
