"""What the node listens to: a topic, the message types that will do, and whose face and voice.

ROS4HRI (REP-155) gives every face and voice an id and topics of its own: ``ros.face_id`` and
``ros.voice_id`` name one, or "auto" takes the first that is tracked and keeps it while it is.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.messages.types import AUDIO_TYPES, IMAGE_TYPES, INFO_TYPES

AUTO = "auto"
FACES, VOICES = "/humans/faces", "/humans/voices"
LISTS = ("faces", "voices")
"""Streams of the ids of those who are tracked."""
REQUIRED = ("image", "audio")
"""Streams without which there is nothing to react to."""
BOOL, IDS = "std_msgs/msg/Bool", "hri_msgs/msg/IdsList"
DEFAULT_TYPES = (
    "sensor_msgs/msg/Image",
    "audio_common_msgs/msg/AudioStamped",
    "audio_common_msgs/msg/AudioData",
    "foxglove_msgs/msg/RawAudio",
)
"""What a stream is taken for until somebody publishes: the first one that the workspace has. Both
packages of the name audio_common_msgs have an AudioData; only one has AudioStamped."""
_FORCED = {name.rpartition("/")[2]: name for name in (*IMAGE_TYPES, *AUDIO_TYPES)}


@dataclass(frozen=True)
class Stream:
    """``name``: what ``Intake.receive`` knows it by. ``forced``: the type, found if empty."""

    name: str
    topic: str
    types: tuple[str, ...]
    depth: int
    reliable: bool = False
    forced: str = ""


class Humans:
    """Which of the people that ROS4HRI tracks is listened to."""

    def __init__(self, config: RosConfig) -> None:
        """UserError for an id that can be no part of a topic's name."""
        self._config = config
        for name, chosen in (("face_id", config.face_id), ("voice_id", config.voice_id)):
            if chosen and not is_name(chosen):
                raise UserError(
                    f"ros.{name}={chosen} is no id: ROS 2 names are letters, digits "
                    "and _, and begin with no digit"
                )
        self.face = "" if config.face_id == AUTO else config.face_id
        self.voice = "" if config.voice_id == AUTO else config.voice_id

    def tracked(self) -> list[Stream]:
        """The lists of ids that are needed; none where the ids are fixed."""
        wanted = (("faces", FACES, self._config.face_id), ("voices", VOICES, self._config.voice_id))
        return [
            Stream(name, f"{place}/tracked", (IDS,), 1, True, IDS)
            for name, place, chosen in wanted
            if chosen == AUTO
        ]

    def update(self, name: str, ids: Iterable[str]) -> bool:
        """A list of tracked "faces" or "voices"; True where another one is followed now."""
        # What is no name can be no topic.
        known = [one for one in ids if is_name(one)]
        current = self.face if name == "faces" else self.voice
        if current in known or not known:
            return False
        if name == "faces":
            self.face = known[0]
        else:
            self.voice = known[0]
        return True

    def image_topic(self) -> str:
        """'' as long as nobody is tracked."""
        if not self._config.face_id:
            return self._config.image_topic
        return f"{FACES}/{self.face}/cropped" if self.face else ""

    def audio_topic(self) -> str:
        if not self._config.voice_id:
            return self._config.audio_topic
        return f"{VOICES}/{self.voice}/audio" if self.voice else ""

    def voice_topic(self) -> str:
        """Where it is said whether that voice speaks; '' without one."""
        return f"{VOICES}/{self.voice}/is_speaking" if self.voice else ""


def streams(config: RosConfig, humans: Humans) -> dict[str, Stream]:
    """All inputs by name, those of nobody left out."""
    reliable = config.input_qos == "reliable"
    image, audio = _FORCED.get(config.image_type, ""), _FORCED.get(config.audio_type, "")
    # Sound first: after a pause of this process what waits of it is older than the one image.
    found = (
        Stream("audio", humans.audio_topic(), AUDIO_TYPES, 50, reliable, audio),
        Stream("image", humans.image_topic(), IMAGE_TYPES, 1, reliable, image),
        Stream("voice", humans.voice_topic(), (BOOL,), 10, True, BOOL),
        Stream("speaking", config.speaking_topic, (BOOL,), 10, True, BOOL),
        Stream("own_audio", config.own_audio_topic, AUDIO_TYPES, 50, reliable),
        *humans.tracked(),
    )
    return {stream.name: stream for stream in found if stream.topic}


def awaited(wanted: Mapping[str, Stream], left_out: Collection[str] = ()) -> list[str]:
    """Topics that a reaction needs, as the configuration names them. left_out: names of streams
    that come by another way than a topic."""
    names = [name for name in (*REQUIRED, *LISTS) if name not in left_out]
    return [wanted[name].topic for name in names if name in wanted]


def is_name(text: str) -> bool:
    """Whether it can be a part of a ROS 2 topic's name."""
    return text.isidentifier() and text.isascii()


def stale(listened: Mapping[str, Stream], wanted: Mapping[str, Stream]) -> list[str]:
    """Names of what is listened to and is no longer wanted, AudioInfo aside."""
    return [
        name
        for name, stream in listened.items()
        if not name.endswith("_info") and stream != wanted.get(name)
    ]


def needs_info(type_name: str) -> bool:
    """Whether a microphone's messages of that type cannot say what they hold."""
    return type_name.startswith("audio_common_msgs/msg/AudioData")


def info_of(stream: Stream, config: RosConfig) -> Stream:
    """The topic beside an audio topic that says what its bare AudioData holds."""
    topic = f"{stream.topic}_info"
    if stream.name == "audio" and stream.topic == config.audio_topic:
        topic = config.audio_info_topic
    return Stream(f"{stream.name}_info", topic, INFO_TYPES, 10, True, INFO_TYPES[0])
