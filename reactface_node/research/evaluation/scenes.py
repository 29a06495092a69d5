"""Scripted speakers for the probes: an emotion without speech, speech without emotion, nobody."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.room import record
from reactface_node.research.data.script import Episode, Phrase, Script
from reactface_node.research.data.synthetic import make_motion
from reactface_node.schema import FRAME_RATE_HZ

FRAMES = 256
SECONDS = FRAMES / FRAME_RATE_HZ
FEELING_S = (4.0, 6.0)
SPEECH_START_S, PAUSE_S = 0.5, 4.5  # four seconds of speech, then silence
LISTENERS = 20
SEED = 18


@dataclass(frozen=True, eq=False)
class Scene:
    """speaker: B people for T frames. listeners (B, 20, T, 58): how synthetic listeners, whose
    lids are at rest, react to them."""

    speaker: SpeakerInput
    listeners: np.ndarray


def feeling(kind: str, speakers: int) -> Scene:
    """Silent people who show a feeling from 4 s to 6 s at full strength, with different motion."""
    return _scene(Script(SECONDS, (), (Episode(kind, *FEELING_S, 1.0),)), speakers)


def speech(pauses: bool, speakers: int) -> Scene:
    """People who talk from 0.5 s on, to the end or until they pause at 4.5 s."""
    end = PAUSE_S if pauses else SECONDS - 0.1
    return _scene(Script(SECONDS, (Phrase(SPEECH_START_S, end),), ()), speakers)


def leaves(scene: Scene) -> Scene:
    """The same people, but without face and voice from 4.5 s on."""
    here = torch.arange(scene.speaker.face.shape[1]) < round(PAUSE_S * FRAME_RATE_HZ)
    speaker = replace(
        scene.speaker,
        face_valid=scene.speaker.face_valid & here[:, None],
        audio_valid=scene.speaker.audio_valid & here,
    )
    return replace(scene, speaker=speaker)


def _scene(script: Script, speakers: int) -> Scene:
    faces, sounds, listeners = [], [], []
    for index in range(speakers):
        rng = np.random.default_rng([SEED, index])
        motion = make_motion(rng, script, LISTENERS)
        faces.append(motion.speaker)
        sounds.append(record(rng, motion.spoken.sound))
        listeners.append(motion.listeners)
    face, sound = torch.from_numpy(np.stack(faces)), torch.from_numpy(np.stack(sounds))
    heard = torch.ones(face.shape[:2], dtype=torch.bool)
    speaker = SpeakerInput(face, torch.ones_like(face, dtype=torch.bool), sound, heard)
    return Scene(speaker, np.stack(listeners))
