"""Polling of a session until its threads are done."""

import threading


def poll_until(session, now_s, count):
    """Polls at one time until so many reactions are there."""
    reactions, deadline = [], threading.Event()
    for _ in range(2000):
        reactions += session.poll(now_s, wait=False)
        if len(reactions) >= count:
            return reactions
        deadline.wait(0.01)
    raise AssertionError(f"{len(reactions)} reactions, not {count}")
