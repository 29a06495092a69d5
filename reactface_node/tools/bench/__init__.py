"""``reactface bench``: speed, latency and memory of the listener on this machine.

``run`` chooses the sections. The modules ``pipeline`` (also the section ``paced``), ``stages``,
``flat``, ``sessions``, ``compare`` and ``contexts`` measure them. A section is a dict of plain
numbers, with every single call under ``raw_ms``.
"""
