"""Listener sessions: timestamped images and audio in, reactions with show times out."""

from reactface_node.session.session import ReactionSession

__all__ = ["ReactionSession"]
