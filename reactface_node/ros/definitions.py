"""Third-party message and service definitions that rosbags does not carry.

Only what defines the wire: types, names and their order. ``audio_common_msgs`` is the name of
two packages whose ``AudioData`` and ``AudioInfo`` differ, so each has a table of its own.
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

# A request on rmw_cyclonedds' wire begins with who asked (guid) and which request it is (seq);
# the reply repeats both. rosbags knows messages only, so each half is a message here.
_HEADER = "uint64 guid\nint64 seq\n"
SERVICES = {
    "std_srvs/msg/Trigger_Request": _HEADER + "uint8 structure_needs_at_least_one_member",
    "std_srvs/msg/Trigger_Response": _HEADER + "bool success\nstring message",
    "std_srvs/msg/SetBool_Request": _HEADER + "bool data",
    "std_srvs/msg/SetBool_Response": _HEADER + "bool success\nstring message",
    "rcl_interfaces/msg/SetParameters_Request": _HEADER + "rcl_interfaces/Parameter[] parameters",
    "rcl_interfaces/msg/SetParameters_Response": _HEADER
    + "rcl_interfaces/SetParametersResult[] results",
    "rcl_interfaces/msg/GetParameters_Request": _HEADER + "string[] names",
    "rcl_interfaces/msg/GetParameters_Response": _HEADER + "rcl_interfaces/ParameterValue[] values",
    "rcl_interfaces/msg/ListParameters_Request": _HEADER + "string[] prefixes\nuint64 depth",
    "rcl_interfaces/msg/ListParameters_Response": _HEADER
    + "rcl_interfaces/ListParametersResult result",
}
