"""Portraits: a person's picture moved by PIRender."""

from reactface_node.render.portrait.view import Portrait

__all__ = ["Portrait"]
