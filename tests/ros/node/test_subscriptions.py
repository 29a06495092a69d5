"""Which subscriptions a node has: the rules that hold under every transport."""

from types import SimpleNamespace

import pytest
from rigs.server import START_S, faked_node

from reactface_node.config import Config, RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.messages.types import IMAGE_TYPES
from reactface_node.ros.node.streams import Humans, Stream, awaited, streams
from reactface_node.ros.node.subscriptions import InputRouter, Subscriptions

IMAGE, COMPRESSED = IMAGE_TYPES
STAMPED, DATA = "audio_common_msgs/msg/AudioStamped", "audio_common_msgs/msg/AudioData"
INFO = "audio_common_msgs/msg/AudioInfo"
BOOL, IDS = "std_msgs/msg/Bool", "hri_msgs/msg/IdsList"
TWIST = "geometry_msgs/msg/Twist"
CAMERA = Stream("image", "image", IMAGE_TYPES, 1)


class FakeGraph:
    """``published``: {topic: types}. ``missing``: packages. ``now``: {topic: subscribed type}."""

    def __init__(self):
        self.published, self.missing, self.now, self.qos_error = {}, set(), {}, None
        self.infos, self.warnings = [], []
        self.log = SimpleNamespace(info=self.infos.append, warning=self.warnings.append)

    def full_name(self, topic):
        return "/" + topic.removeprefix("/")

    def publishers(self, topics):
        return {topic: self.published[topic] for topic in topics if topic in self.published}

    def refusal(self, type_name):
        return f"no {type_name}" if type_name.split("/")[0] in self.missing else ""

    def subscribe(self, stream, type_name):
        if self.qos_error:
            raise UserError(self.qos_error)
        assert stream.topic not in self.now  # One type on a topic at a time.
        self.now[stream.topic] = type_name
        return stream.topic

    def unsubscribe(self, subscription):
        del self.now[subscription]


@pytest.fixture
def graph():
    return FakeGraph()


def subscribed(graph, *wanted):
    made = Subscriptions(graph, RosConfig(), graph.log)
    made.want({stream.name: stream for stream in wanted})
    return made


def routed(graph, left_out=(), **settings):
    node = faked_node(Config().replace(**{f"ros.{name}": v for name, v in settings.items()}))
    return InputRouter(graph, node.server.config.ros, node.server, graph.log, left_out), node


def test_before_anybody_publishes_the_usual_types_are_on_the_graph(graph):
    routed(graph)
    usual = {"image": IMAGE, "audio": STAMPED, "robot_audio": STAMPED, "speaking": BOOL}
    assert graph.now == usual and graph.infos == graph.warnings == []


def test_of_the_usual_types_the_first_that_the_workspace_has(graph):
    graph.refusal = lambda name: "no" * (name == STAMPED)
    routed(graph)
    assert graph.now["audio"] == DATA and graph.now["audio_info"] == INFO
    assert graph.now["robot_audio"] == DATA and graph.now["robot_audio_info"] == INFO


def test_without_the_packages_there_is_no_subscription_and_no_error(graph):
    graph.missing = {"audio_common_msgs", "foxglove_msgs"}
    routed(graph)
    assert graph.now.keys() == {"image", "speaking"}


def test_the_published_type_is_followed_and_logged_once(graph):
    made = subscribed(graph, CAMERA)
    graph.published = {"image": [COMPRESSED]}
    for _ in range(3):
        assert made.search() == []
    assert graph.now == {"image": COMPRESSED}
    assert graph.infos == [f"listening to /image ({COMPRESSED})"]
    assert made.inputs["image"].is_published


def test_a_publisher_that_ends_changes_nothing_and_one_of_another_type_does(graph):
    made = subscribed(graph, CAMERA)
    for types in ([COMPRESSED], [], [COMPRESSED]):
        graph.published = {"image": types}
        made.search()
        assert graph.now == {"image": COMPRESSED}
    graph.published = {"image": [IMAGE]}
    made.search()
    assert graph.now == {"image": IMAGE} and len(graph.infos) == 2


def test_the_present_type_is_kept_among_several_and_they_are_named(graph):
    made = subscribed(graph, CAMERA)
    graph.published = {"image": [COMPRESSED, IMAGE]}
    assert made.search() == ["image"] and graph.now == {"image": IMAGE}


def test_of_several_new_types_the_preferred_one_is_taken(graph):
    made = subscribed(graph, Stream("audio", "audio", (STAMPED, TWIST, DATA), 50))
    graph.published = {"audio": [DATA, "std_msgs/msg/String", TWIST]}
    made.search()
    assert graph.now == {"audio": TWIST} and graph.warnings == []


def test_an_unknown_type_is_said_once_and_not_subscribed_to(graph):
    made = subscribed(graph, CAMERA)
    graph.published = {"image": [TWIST]}
    for _ in range(3):
        made.search()
    assert graph.now == {"image": IMAGE} and graph.infos == []
    assert graph.warnings == [
        f"/image carries {TWIST}, which is not one of {IMAGE}, {COMPRESSED}",
    ]


def test_a_type_whose_package_is_missing_is_said_once(graph):
    graph.missing, graph.published = {"audio_common_msgs"}, {"audio": [DATA]}
    made = subscribed(graph, Stream("audio", "audio", (DATA, STAMPED), 50))
    for _ in range(3):
        made.search()
    assert graph.warnings == [f"no {DATA}"] and graph.now == {}


def test_the_info_beside_bare_audio_comes_and_goes_with_it(graph):
    made = subscribed(graph, Stream("own_audio", "tts", (STAMPED, DATA), 50))
    assert graph.now == {"tts": STAMPED}
    for published, now in (
        (DATA, {"tts": DATA, "tts_info": INFO}),
        (STAMPED, {"tts": STAMPED}),
        (DATA, {"tts": DATA, "tts_info": INFO}),
    ):
        graph.published = {"tts": [published]}
        made.search()
        assert graph.now == now
    made.close()
    assert graph.now == {} == dict(made.inputs)


def test_a_forced_type_is_kept_whatever_is_published(graph):
    router, _ = routed(graph, image_type="CompressedImage")
    assert graph.now["image"] == COMPRESSED
    graph.published = {"image": [IMAGE]}
    router.search(START_S)
    assert graph.now["image"] == COMPRESSED and graph.infos == graph.warnings == []


@pytest.mark.parametrize("stream", ["image", "faces"])
def test_a_forced_type_that_cannot_be_had_is_the_users_mistake(graph, stream):
    graph.missing = {"sensor_msgs", "hri_msgs"}
    settings = {"image_type": "Image"} if stream == "image" else {"face_id": "auto"}
    with pytest.raises(UserError, match=r"no (sensor|hri)_msgs"):
        routed(graph, **settings)
    assert graph.now == {}


def test_one_that_is_only_helpful_is_done_without(graph):
    graph.missing = {"std_msgs"}
    routed(graph)
    assert "speaking" not in graph.now and graph.warnings == [f"no {BOOL}"]


def test_a_wrong_qos_is_the_users_mistake_and_leaves_nothing_behind(graph):
    graph.qos_error = "the QoS of audio cannot be had"
    with pytest.raises(UserError, match="the QoS of audio"):
        routed(graph)
    assert graph.now == {}


def test_what_comes_by_another_way_is_no_topic(graph):
    router, _ = routed(graph, left_out=["image", "audio"])
    assert (
        graph.now.keys()
        == {"robot_audio", "speaking"}
        == {entry.stream.topic for entry in router.inputs.values()}
    )


def ids(*names):
    return SimpleNamespace(ids=names)


def test_the_tracked_face_is_followed_and_the_server_told(graph):
    router, node = routed(graph, face_id="auto")
    assert graph.now["/humans/faces/tracked"] == IDS and "image" not in graph.now
    for tracked, followed, speakers in (
        (["no name", "anna", "bert"], "anna", 1),
        (["bert", "anna"], "anna", 1),
        ([], "anna", 1),
        (["bert"], "bert", 2),
    ):
        router.receive("faces", ids(*tracked), START_S)
        crops = [topic for topic in graph.now if topic.endswith("/cropped")]
        assert crops == [f"/humans/faces/{followed}/cropped"]
        assert node.session.speakers == speakers


def test_a_list_counts_before_simulated_time_begins_and_other_messages_do_not(graph):
    router, node = routed(graph, voice_id="auto")
    router.receive("speaking", SimpleNamespace(data=True), 0.0)
    assert node.session.speaking == []
    router.receive("voices", ids("v1"), 0.0)
    assert graph.now["/humans/voices/v1/is_speaking"] == BOOL
    router.receive("speaking", SimpleNamespace(data=True), START_S)
    assert node.session.speaking == [(START_S, True)]


def test_an_unusable_list_is_an_internal_error_and_the_next_one_counts(graph, caplog):
    router, node = routed(graph, face_id="auto")
    router.receive("faces", SimpleNamespace(), START_S)
    assert "a message of faces failed" in caplog.text
    router.receive("faces", ids("anna"), START_S)
    assert node.session.speakers == 1


def test_several_publishers_are_said_once_of_streams_that_are_to_have_one(graph, caplog):
    router, _ = routed(graph)
    graph.published = {"image": [IMAGE, IMAGE], "speaking": [BOOL, BOOL]}
    for _ in range(3):
        router.search(START_S)
    assert caplog.text.count("more than one publisher on the topic of image") == 1
    assert "speaking" not in caplog.text


def test_a_search_that_fails_is_an_internal_error_and_the_next_one_counts(graph, caplog):
    router, _ = routed(graph)
    graph.published = {"image": 3}
    router.search(START_S)
    assert "the search for publishers failed" in caplog.text
    graph.published = {"image": [COMPRESSED]}
    router.search(START_S)
    assert graph.now["image"] == COMPRESSED


def test_a_reaction_waits_for_camera_microphone_and_lists():
    config = RosConfig(face_id="auto")
    wanted = streams(config, Humans(config))
    assert awaited(wanted) == ["audio", "/humans/faces/tracked"]
    assert awaited(wanted, {"audio"}) == ["/humans/faces/tracked"]
    plain = RosConfig()
    assert awaited(streams(plain, Humans(plain))) == ["image", "audio"]
