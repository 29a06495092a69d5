"""The exported model under onnxruntime: the same numbers without torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.onnx_format import FORMAT, HELP, MANIFEST, VERSION

FIXED = ("momentum", "temperature", "gain")


class OnnxStepper:
    """See ``engine.Stepper``. The state is a dictionary of arrays, named as the graphs name them;
    the rings among them are written in place."""

    def __init__(self, folder: Path, config: Config):
        """UserError where the folder is no export, or was made for other settings."""
        self._about = read_manifest(folder)
        self._check(folder, config)
        about = self._about
        self.window, self.noise_width = about["window"], about["noise_width"]
        self.disposition = about["disposition"]
        self._frames = about["frames"]
        self._graphs = {
            name: _session(folder / f"{name}.onnx", config.threads) for name in about["graphs"]
        }
        self._outputs = {name: graph["outputs"] for name, graph in about["graphs"].items()}
        self._inputs = {name: list(graph["inputs"]) for name, graph in about["graphs"].items()}
        self._phase = 0
        self._state: dict[str, np.ndarray] = {}

    def begin(self, disposition: np.ndarray) -> None:
        shapes = self._about["graphs"]["first"]["inputs"]
        self._state = {
            name: np.array(values, np.int64 if name in ("frame", "position") else np.float32)
            .reshape(shapes[name])
            for name, values in self._about["state"].items()
        }  # fmt: skip
        self._state["disposition"] = disposition[None]
        for name in self._about["rings"]:
            for part in (f"{name}_keys", f"{name}_values"):
                self._state[part] = np.zeros(shapes[part], np.float32)
        self._phase = 0

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        name = "next" if self._phase else "first"
        given = {f"speaker_{part}": value[None] for part, value in vars(speaker).items()}
        key = "plan_noise" if self._phase else "noise"
        given |= {key: noise[None], "plan_phase": np.array([self._phase], np.int64)}
        known = self._state | given
        position = int(self._state["position"][0])
        results = self._graphs[name].run(None, {n: known[n] for n in self._inputs[name]})
        for output, value in zip(self._outputs[name], results, strict=True):
            if output.startswith("rows_"):
                self._write(output.removeprefix("rows_"), value, position)
            else:
                self._state[output.removeprefix("new_")] = value
        self._phase = (self._phase + self._frames) % self.window
        shown: np.ndarray = self._state["listener"][0]
        return shown

    def check(self, config: ModelConfig) -> None:
        """UserError where they are not those that are part of the graphs."""
        for name in ("temperature", "momentum"):
            if getattr(config, name) != self._about[name]:
                raise UserError(f"model.{name} is fixed in an exported model: export it again")

    def configure(self, config: ModelConfig) -> None:
        """There is nothing to change."""

    def _write(self, ring: str, new: np.ndarray, position: int) -> None:
        """new (M, n*k, 2D): keys and values of the newest frames, into their places."""
        keys, values = self._state[f"{ring}_keys"], self._state[f"{ring}_values"]
        _, heads, size, places = keys.shape
        first = position * self._about["rings"][ring]
        slots = (first + np.arange(new.shape[1])) % places
        parts = new.reshape(len(new), -1, 2, heads, size)
        keys[..., slots] = parts[:, :, 0].transpose(0, 2, 3, 1)
        values[:, :, slots] = parts[:, :, 1].transpose(0, 2, 1, 3)

    def _check(self, folder: Path, config: Config) -> None:
        frames = 1 if config.mode == "frame" else self._about["window"]
        wanted = {"frames": frames, "samples": config.playout.samples}
        wanted |= {name: getattr(config.model, name) for name in FIXED}
        for name, value in wanted.items():
            if self._about[name] != value:
                raise UserError(
                    f"{folder} was exported with {name} = {self._about[name]}, the config says "
                    f"{value}: export it again"
                )
        if config.device != "cpu":
            raise UserError(f"an exported model runs on the cpu, not on {config.device}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What an exported model says of itself; UserError where it is none, or a newer one."""
    try:
        about: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} is no exported model: {HELP}") from error
    if about.get("format") != FORMAT:
        raise UserError(f"{folder} is no exported model: {HELP}")
    if about["version"] > VERSION:
        raise UserError(f"{folder} was written by a newer reactface_node; update this one")
    return about


def _session(path: Path, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "an exported model needs onnxruntime: pip install 'reactface_node[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen kinds, none of them public
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is damaged or missing ({reason}): {HELP}") from error
