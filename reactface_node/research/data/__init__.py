"""Data sets: synthetic dyads, REACT 2023, RLD and recorded bags, and their converted form."""

from reactface_node.research.data.synthetic import Dyad, make_dyad

__all__ = ["Dyad", "make_dyad"]
