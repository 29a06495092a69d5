"""Third-party message and service definitions that rosbags does not carry.

Only the parts that determine the serialised form: types, names and their order.
``audio_common_msgs`` is the name of two packages whose ``AudioData`` and ``AudioInfo`` differ, so
each has a table of its own.
"""

AUDIO_ROS_DRIVERS = {
    "audio_common_msgs/msg/AudioData": "uint8[] data",
    "audio_common_msgs/msg/AudioDataStamped": """\
std_msgs/Header header
audio_common_msgs/AudioData audio""",
    "audio_common_msgs/msg/AudioInfo": """\
uint8 channels
uint32 sample_rate
string sample_format
uint32 bitrate
string coding_format""",
}

AUDIO_MGONZS13 = {
    "audio_common_msgs/msg/AudioData": """\
float32[] float32_data
int32[] int32_data
int16[] int16_data
int8[] int8_data
uint8[] uint8_data""",
    "audio_common_msgs/msg/AudioInfo": """\
int32 format
int32 channels
int32 rate
int32 chunk""",
    "audio_common_msgs/msg/Audio": """\
audio_common_msgs/AudioData audio_data
audio_common_msgs/AudioInfo info""",
    "audio_common_msgs/msg/AudioStamped": """\
std_msgs/Header header
audio_common_msgs/Audio audio""",
}

FOXGLOVE = {
    "foxglove_msgs/msg/RawAudio": """\
builtin_interfaces/Time timestamp
uint8[] data
string format
uint32 sample_rate
uint32 number_of_channels""",
}

# hri_msgs 2.0 (ROS4HRI, REP-155), without its constants: they are no part of the type.
HRI = {
    "hri_msgs/msg/IdsList": """\
std_msgs/Header header
string[] ids""",
    "hri_msgs/msg/Expression": """\
std_msgs/Header header
string expression
float32 valence
float32 arousal
float32 confidence""",
    "hri_msgs/msg/FacialActionUnits": """\
std_msgs/Header header
float32[99] intensity
float32[99] confidence""",
}

# In rmw_cyclonedds a request begins with the client's id and the request's number; the reply
# repeats both. They are no part of the type, so its hash does not cover them.
REQUEST_HEADER = "uint64 guid\nint64 seq\n"
_RESULT = "rcl_interfaces/SetParametersResult"
_PARAMETERS = {
    "GetParameters": ("string[] names", "rcl_interfaces/ParameterValue[] values"),
    "GetParameterTypes": ("string[] names", "uint8[] types"),
    "SetParameters": ("rcl_interfaces/Parameter[] parameters", f"{_RESULT}[] results"),
    "SetParametersAtomically": ("rcl_interfaces/Parameter[] parameters", f"{_RESULT} result"),
    "ListParameters": (
        "uint64 DEPTH_RECURSIVE=0\nstring[] prefixes\nuint64 depth",
        "rcl_interfaces/ListParametersResult result",
    ),
    "DescribeParameters": (
        "string[] names",
        "rcl_interfaces/ParameterDescriptor[] descriptors",
    ),
}
_SWITCHES = {
    "Trigger": ("uint8 structure_needs_at_least_one_member", "bool success\nstring message"),
    "SetBool": ("bool data", "bool success\nstring message"),
}
SERVICES = {
    f"{package}/srv/{name}_{half}": text
    for package, services in (("std_srvs", _SWITCHES), ("rcl_interfaces", _PARAMETERS))
    for name, halves in services.items()
    for half, text in zip(("Request", "Response"), halves, strict=True)
}
