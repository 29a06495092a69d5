"""Freed memory goes back to the system, also that of closed landmark models."""

import sys

import numpy as np
import psutil
import pytest

from reactface_node.config import PerceptionConfig
from reactface_node.perception import finders
from reactface_node.perception.memory import give_back


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's call")
def test_freed_memory_goes_back_although_something_above_it_is_kept():
    process = psutil.Process()
    # Too small to be mapped by themselves, which would give them back at once.
    blocks = [np.ones(100_000, np.uint8) for _ in range(1000)]
    kept = blocks[-1]
    full = process.memory_info().rss
    del blocks
    give_back()
    assert full - process.memory_info().rss > 60e6
    assert kept.all()


def test_every_graph_that_is_closed_or_made_anew_gives_back(monkeypatch):
    events = []

    class Graph:
        def __init__(self, **settings):
            events.append("open")

        def process(self, image):
            events.append("process")

        def close(self):
            events.append("close")

    class Package:
        class solutions:
            class face_detection:
                FaceDetection = Graph

            class face_mesh:
                FaceMesh = Graph

    monkeypatch.setattr(finders, "import_mediapipe", lambda: Package)
    monkeypatch.setattr(finders, "give_back", lambda: events.append("give back"))
    finder = finders.FaceMeshFinder(PerceptionConfig())
    for _ in range(3):
        finder.reset()
    finder.close()
    assert events.count("open") == events.count("close") == 8
    assert events[-1] == "give back" and events.count("give back") == 8
