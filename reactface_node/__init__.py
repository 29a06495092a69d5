"""ReactFace online: a face that listens."""

__version__ = "0.1.0"
