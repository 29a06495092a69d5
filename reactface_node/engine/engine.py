"""The model of one session, and the choice of the library that runs it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.chance import dispositions, model_noise
from reactface_node.engine.graph_files import SHIPPED, WEIGHTS, read_manifest
from reactface_node.engine.stepper import SpeakerFrames, Stepper
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.model.architecture import find_weights


class Engine:
    """A stepper and its random numbers; see ``engine.chance``."""

    def __init__(self, stepper: Stepper, frames: int):
        """frames: number of frames of one step, a divisor of w."""
        self._stepper, self.frames = stepper, frames
        self._seed = self._samples = 0
        self._drawn = self._listeners = self._who = np.zeros((0, 0), np.float32)
        self._first: np.ndarray | None = None
        self._phase = 0

    @property
    def disposition(self) -> int:
        """S, the size of a listener's disposition."""
        return self._stepper.disposition

    def begin(self, seed: int, samples: int, first: np.ndarray | None = None) -> None:
        """Begin a new session of M samples.

        first: (S,) disposition of the first sample in place of the drawn one.
        """
        self._seed, self._samples = seed, samples
        self._listeners = dispositions(seed, samples, self._stepper.disposition)
        self._first, self._who = first, self._with(first)
        self.restart()

    def become(self, first: np.ndarray | None) -> None:
        """Change the disposition of the first sample, as in ``begin``; the state stays.

        Call it before the first frame of a window. The same array again changes nothing.
        """
        if first is not self._first:
            self._first, self._who = first, self._with(first)
            self._stepper.describe(self._who)

    def restart(self) -> None:
        """Begin a new state with the same listeners."""
        self._phase = 0
        self._stepper.begin(self._who)

    def step(self, speaker: SpeakerFrames, window: int = 0, digest: int = 0) -> np.ndarray:
        """The session's next frames -> (M, n, 58); window, digest: as for ``noise``."""
        return self._stepper.step(speaker, self.noise(window, digest))

    def noise(self, window: int = 0, digest: int = 0) -> np.ndarray:
        """(M, noise_width) for the session's next frames, the same for a whole window.

        window: its number. digest: of what was seen and heard before it.
        """
        if self._phase == 0:
            width = self._stepper.noise_width
            self._drawn = model_noise(self._seed, self._samples, width, window, digest)
        self._phase = (self._phase + self.frames) % self._stepper.window
        return self._drawn

    def check(self, config: ModelConfig) -> None:
        """UserError if these live settings cannot be changed while running."""
        self._stepper.check(config)

    def configure(self, config: ModelConfig) -> None:
        """Change live settings; UserError as in ``check``, then nothing is changed."""
        self.check(config)
        self._stepper.configure(config)

    def _with(self, first: np.ndarray | None) -> np.ndarray:
        """(M, S) dispositions of all samples."""
        who = self._listeners.copy()
        if first is not None:
            who[0] = first
        return who


def load_engine(config: Config) -> Engine:
    """The model of the config, ready for ``begin``; UserError if it cannot be loaded."""
    files = graphs_of(config)
    frames = frames_at_once(config)
    if files is not None:
        from reactface_node.engine.onnx_stepper import OnnxStepper, load_graphs

        return Engine(OnnxStepper(load_graphs(*files, config), config), frames)
    check_torch(config)
    # Imported here, so that a robot needs no torch.
    from reactface_node.engine.guarded import GuardedStepper
    from reactface_node.engine.torch_stepper import load_stepper

    return Engine(GuardedStepper(config, load_stepper), frames)


def graphs_of(config: Config) -> tuple[Path, Path] | None:
    """(folder of graphs, checkpoint) by which onnxruntime plays the config's model; None if it is
    one for torch: on a GPU, or of another architecture than that of the shipped graphs.

    UserError if there are no such weights.
    """
    exported = resources.exported_model(config.weights)
    if exported is not None:
        return exported, exported / WEIGHTS
    if config.device != "cpu" or not _is_installed("onnxruntime"):
        return None
    shipped = resources.exported_model(SHIPPED)
    if shipped is None or not read_manifest(shipped).is_of(config.model):
        return None
    path = find_weights(config.weights)
    # Other files are torch's own: the released code's.
    return (shipped, path) if path.suffix == ".safetensors" else None


def check_torch(config: Config) -> None:
    """UserError if torch is not installed; the config needs it."""
    if _is_installed("torch"):
        return
    if config.device != "cpu":
        reason = f"device={config.device} needs torch"
    elif not _is_installed("onnxruntime"):
        reason = "the model needs onnxruntime (pip install onnxruntime) or torch"
    else:
        reason = "a model of another architecture than the default profile's needs torch"
    raise UserError(f"{reason}: pip install 'reactface_node[torch]'")


def _is_installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported."""
    try:
        return find_spec(package) is not None
    except ValueError:  # None stands for the package, so that it cannot be imported.
        return False


def frames_at_once(config: Config) -> int:
    """Frames of one step, 1 or w; UserError if the model cannot run frame by frame."""
    if config.mode == "window":
        return config.model.window
    model = config.model
    if (model.behaviour, model.speech_encoder) != ("causal", "log_mel"):
        raise UserError(
            f"mode=frame is for the default profile: {config.profile} hears whole windows"
        )
    if model.sync_history_s == 0:
        raise UserError("mode=frame needs model.sync_history_s > 0")
    return 1
