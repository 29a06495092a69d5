"""Events of reactions: published at once, on the page, and to the outputs that carry them."""

import json
from dataclasses import replace

import pytest
from rigs.server import START_S, faked_node, reaction, stamps

from reactface_node.config.outputs import OutputsConfig
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.playback import EVENTS_ON_PAGE
from reactface_node.ros.node.topics import BLENDSHAPES, EVENTS, OUTPUTS
from reactface_node.schema import ListenerEvent, joined
from reactface_node.web.words import plain

NOD = ListenerEvent(START_S + 0.2, "listener", "nod", "start", 0.8)
PAUSE = ListenerEvent(START_S - 0.7, "speaker", "pause", "once", 0.2, 0.7)


class Page:
    def __init__(self):
        self.told = []

    def show(self, face, speaker):
        pass

    def tell(self, about):
        self.told.append(json.loads(json.dumps(plain(about))))

    def commands(self):
        return []


class Told(Adapters):
    def __init__(self):
        super().__init__(OutputsConfig())
        self.events = []

    def tell(self, event):
        self.events.append(event)


def test_an_event_goes_out_before_it_is_shown_with_the_time_at_which_it_is():
    node = faked_node()
    node.session.reactions = [replace(reaction(START_S + 0.06), events=(PAUSE, NOD))]
    node.server.tick(START_S)
    found = node.transport.on(EVENTS)
    assert stamps(found) == [START_S - 0.7, START_S + 0.2]
    assert [(event.who, event.kind) for event in found] == [
        ("speaker", "pause"),
        ("listener", "nod"),
    ]
    assert node.transport.on(BLENDSHAPES) == []
    for tick in range(1, 60):
        node.server.tick(START_S + 0.01 * tick)
    assert len(node.transport.on(EVENTS)) == 2


def test_a_reaction_without_events_publishes_none():
    node = faked_node()
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    assert node.transport.on(EVENTS) == []
    about = OUTPUTS[EVENTS]
    assert (about.type_name, about.best_effort, about.depth) == (
        "reactface_msgs/msg/ListenerEvent",
        False,
        50,
    )


def test_page_and_outputs_are_told_and_the_page_gets_the_newest_ones():
    page, outputs = Page(), Told()
    node = faked_node(page=page, adapters=outputs)
    for count in range(EVENTS_ON_PAGE):
        node.session.reactions = [replace(reaction(START_S + count), events=(PAUSE, NOD))]
        node.server.tick(START_S + count)
    assert outputs.events == [PAUSE, NOD] * EVENTS_ON_PAGE
    told = [about["events"] for about in page.told if "events" in about]
    assert told[0] == [vars(PAUSE), vars(NOD)]
    assert told[-1] == [vars(PAUSE), vars(NOD)] * (EVENTS_ON_PAGE // 2)


def test_an_output_that_fails_on_events_is_said_once(caplog):
    outputs = Adapters(OutputsConfig(vmc="127.0.0.1:9"))
    (adapter,) = outputs._adapters
    adapter._vmc = None
    for _ in range(3):
        outputs.tell(NOD)
    outputs.close()
    (record,) = caplog.records
    assert "VMC failed" in record.getMessage()


@pytest.mark.parametrize("split", [1, 3])
def test_joined_reactions_keep_all_events_in_order(split):
    one, other = reaction(START_S, split), reaction(START_S + split / 25, 8 - split)
    whole = joined([replace(one, events=(PAUSE,)), replace(other, events=(NOD,))])
    assert whole.events == (PAUSE, NOD)
