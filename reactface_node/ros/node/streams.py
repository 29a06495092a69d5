"""The input streams of the node: topic, message types and QoS of each.

ROS4HRI (REP-155) gives every face and voice an id and topics of its own. ``ros.face_id`` and
``ros.voice_id`` name one; "auto" follows the first tracked one for as long as it is tracked.
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
"""Until somebody publishes, a stream is subscribed to with the first of its types here that the
workspace has. AudioStamped comes before AudioData: two packages are named audio_common_msgs, both
have an AudioData, and only one has AudioStamped."""
_FORCED = {name.rpartition("/")[2]: name for name in (*IMAGE_TYPES, *AUDIO_TYPES)}


@dataclass(frozen=True)
class Stream:
    """One input. name: as in ``Intake.receive``. types: usable message types, preferred ones first.
    depth: of the queue. forced: the only type to use, "" to use the one that is published."""

    name: str
    topic: str
    types: tuple[str, ...]
    depth: int
    reliable: bool = False
    forced: str = ""


class Humans:
    """Which face and which voice of those that ROS4HRI tracks are followed.

    face, voice: ids; "" without one.
    """

    def __init__(self, config: RosConfig) -> None:
        """UserError for an id that cannot be part of a topic's name."""
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
        """The streams of tracked ids that are needed; none for fixed ids."""
        wanted = (("faces", FACES, self._config.face_id), ("voices", VOICES, self._config.voice_id))
        return [
            Stream(name, f"{place}/tracked", (IDS,), 1, True, IDS)
            for name, place, chosen in wanted
            if chosen == AUTO
        ]

    def update(self, name: str, ids: Iterable[str]) -> bool:
        """Take a list of tracked "faces" or "voices" -> whether another one is followed now."""
        # Other ids cannot be part of a topic's name.
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
        """The topic of the images; "" while no face is tracked."""
        if not self._config.face_id:
            return self._config.image_topic
        return f"{FACES}/{self.face}/cropped" if self.face else ""

    def audio_topic(self) -> str:
        """The topic of the audio; "" while no voice is tracked."""
        if not self._config.voice_id:
            return self._config.audio_topic
        return f"{VOICES}/{self.voice}/audio" if self.voice else ""

    def voice_topic(self) -> str:
        """The topic of whether the followed voice speaks; "" without one."""
        return f"{VOICES}/{self.voice}/is_speaking" if self.voice else ""


def streams(config: RosConfig, humans: Humans) -> dict[str, Stream]:
    """The streams to subscribe to, by name; without those whose face or voice is not tracked."""
    reliable = config.input_qos == "reliable"
    image, audio = _FORCED.get(config.image_type, ""), _FORCED.get(config.audio_type, "")
    # Audio first: after a pause of this process the queued audio is older than the one image.
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
    """Whether a text can be part of a ROS 2 topic's name."""
    return text.isidentifier() and text.isascii()


def stale(listened: Mapping[str, Stream], wanted: Mapping[str, Stream]) -> list[str]:
    """Names of streams that are listened to and no longer wanted; AudioInfo is left out."""
    return [
        name
        for name, stream in listened.items()
        if not name.endswith("_info") and stream != wanted.get(name)
    ]


def needs_info(type_name: str) -> bool:
    """Whether audio messages of a type do not carry their format."""
    return type_name.startswith("audio_common_msgs/msg/AudioData")


def info_of(stream: Stream, config: RosConfig) -> Stream:
    """The AudioInfo stream beside an audio stream; it describes the format of AudioData."""
    topic = f"{stream.topic}_info"
    if stream.name == "audio" and stream.topic == config.audio_topic:
        topic = config.audio_info_topic
    return Stream(f"{stream.name}_info", topic, INFO_TYPES, 10, True, INFO_TYPES[0])
