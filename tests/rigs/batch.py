"""Batched sessions against single ones: helpers of ``test_batch`` and other tests."""

from reactface_node.session.session import ReactionSession
from rigs.model_inputs import engine_for
from rigs.session import joined


def push(session, event):
    stamp_s, image, samples = event
    session.push_image(stamp_s, image)
    session.push_audio(stamp_s, samples, 16000)


def alone(config, model, tracker, given, polls=()):
    """The session on its own, polled at its own events and at the times in ``polls``."""
    session, reactions = ReactionSession(config, engine_for(config, model), tracker), []
    events_ = [(event[0], 0, event) for event in given] + [(now_s, 1, None) for now_s in polls]
    for now_s, _, event in sorted(events_, key=lambda item: item[:2]):
        if event is not None:
            push(session, event)
        reactions += session.poll(now_s)
    return joined(reactions, "samples")
