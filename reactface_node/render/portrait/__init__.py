"""Portraits: PIRender animates a person's picture."""

from reactface_node.render.portrait.view import Portrait

__all__ = ["Portrait"]
