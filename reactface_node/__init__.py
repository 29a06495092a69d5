"""ReactFace online: generates facial reactions of a listening robot in real time."""

__version__ = "0.1.0"
