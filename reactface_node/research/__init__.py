"""Data sets, training and evaluation; a robot does not need this room."""
