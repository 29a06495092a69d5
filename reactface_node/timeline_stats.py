"""What became of a timeline's inputs."""

from dataclasses import dataclass

from reactface_node.audio import AudioStats


@dataclass
class TimelineStats(AudioStats):
    """What became of the inputs since the start; resets keep it. See also ``AudioStats``.

    images: images pushed with a usable stamp.
    images_replaced: images that shared a slot with a newer one (latest wins).
    images_late: images for slots that were already final, or before time zero, or back in time.
    audio_late: chunks that lay back in time, while the rest went on.
    audio_cut: chunks that were longer than what is heard of one.
    audio_delays: how often sound in long chunks was delayed, or further, to be heard whole.
    images_duplicate: images with the stamp of the newest one.
    stamps_invalid: inputs ignored because their stamp is NaN, infinite or absurd.
    stamps_ahead: inputs ignored because their stamp lay alone in the far future.
    windows: windows closed; windows_waited: those that ``max_wait_s`` or a full buffer closed.
    windows_left_out: windows of long silences never made, or dropped because nobody polled.
    """

    images: int = 0
    images_replaced: int = 0
    images_late: int = 0
    images_duplicate: int = 0
    audio_late: int = 0
    audio_cut: int = 0
    audio_delays: int = 0
    stamps_invalid: int = 0
    stamps_ahead: int = 0
    windows: int = 0
    windows_waited: int = 0
    windows_left_out: int = 0
