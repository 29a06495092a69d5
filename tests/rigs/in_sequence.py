"""Takes the threads out of a pipeline: every call is run at once, by its caller."""

from concurrent.futures import Future

from reactface_node.research.data import recordings
from reactface_node.ros.bags import replay
from reactface_node.session import session
from reactface_node.tools.inspection import read


class InSequence:
    """A ``PipelineStage`` without a thread."""

    def __init__(self, name, most=1):
        pass

    def call(self, act, *arguments):
        future = Future()
        future.set_result(act(*arguments))
        return future

    def wait(self):
        pass

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def run_in_sequence(monkeypatch):
    """From now on all stages of replays, inspections and conversions run in sequence."""
    for module in (recordings, replay, session, read):
        monkeypatch.setattr(module, "PipelineStage", InSequence)
