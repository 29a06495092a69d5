"""``reactface bench``: what the listener costs on this machine, stage by stage and over an hour.

``run`` chooses the sections; ``stages``, ``pipeline``, ``flat``, ``sessions``, ``paced``,
``compare`` and ``contexts`` measure one thing each. A section is a dict of plain numbers, with what
was measured call by call under ``raw_ms``.
"""
