"""Data: synthetic dyads (numpy only)."""

from reactface_node.research.data.synthetic import Dyad, make_dyad

__all__ = ["Dyad", "make_dyad"]
