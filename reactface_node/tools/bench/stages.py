"""Time of a window of the network by stage, compared with the limits of the machine.

The floor of a stage is the larger of two times: its arithmetic at the rate of a matrix product,
and the transfer of its weights, state, input and output at the rate of a memory copy.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from reactface_node.config import Config
from reactface_node.files.progress import ProgressBar
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.tools.bench.clock import StageMeter, clock, spread
from reactface_node.tools.bench.machine import ReferenceSpeeds
from reactface_node.tools.bench.simulated import SimulatedSession

BLOCK = 10
WHOLE = "model"
# By the names of the modules; LRD and SLBS are the paper's names.
CAUSAL = {
    "speech encoder": ["speech_encoder"],
    "face encoder": ["face_encoder"],
    "alignment": ["alignment"],
    "CIE": ["interaction"],
    "LRD": ["decoder"],
    "SLBS": ["synchroniser"],
    "head": ["head"],
    "speaker head": ["speaker_head"],
    "nods": ["nods"],
    "laughs": ["laughs"],
}
_SPEAKER, _LISTENER = "net.speaker_reaction_decoder", "net.listener_reaction_decoder"
OFFICIAL = {
    "speech encoder": [
        f"{_SPEAKER}.audio_encoder.wav2vec2",
        f"{_SPEAKER}.audio_feature_map",
    ],
    "face encoder": ["net.video_encoder.Conv3D", "net.video_encoder.fc"],
    "alignment": [f"{_SPEAKER}.speaker_transformer_decoder{n}" for n in (1, 2, 3)],
    "CIE": [
        "net.past_motion_linear",
        "net.transformer_fusion_plm2sa",
        "net.transformer_fusion_plm2sm",
        "net.interaction_VAE",
    ],
    "LRD": [f"{_LISTENER}.transformer_decoder"],
    "SLBS": [f"{_LISTENER}.transformer_fusion_decode{n}" for n in (1, 2)],
    "head": [f"{_LISTENER}.listener_reaction_3dmm_map_layer"],
    "speaker head": ["net.speaker_decoder", "net.speaker_vector_map_layer"],
}


def stage_modules(model: nn.Module, behaviour: str) -> dict[str, list[nn.Module]]:
    """The modules of every stage that the network has."""
    known = dict(model.named_modules())
    named = OFFICIAL if behaviour == "official" else CAUSAL
    return {
        stage: [known[name] for name in names if name in known]
        for stage, names in named.items()
        if any(name in known for name in names)
    }


def stages(
    config: Config, model: nn.Module | None, drive: SimulatedSession, blocks: int
) -> dict[str, Any]:
    """Measure ``blocks`` times ten windows of a session with a full history, with reference
    speeds in between.

    Times of a stage are sums over a window; p50 and p99 are over windows. ``rest``: time of the
    network outside all stages. model: None = run by onnxruntime, measured as a whole only.
    """
    modules = {} if model is None else stage_modules(model, config.model.behaviour)
    _fill(config, drive)
    flops, moved = _count(drive, modules)
    meter = StageMeter(clock(config.device), summed={WHOLE: WHOLE})
    speeds = ReferenceSpeeds(config.device)
    with meter.watching(modules):
        for _ in ProgressBar(range(blocks), "stages", unit="block", leave=False):
            speeds.measure()
            # The copy has replaced the contents of the caches.
            drive.window()
            meter.drop()
            for _ in range(BLOCK):
                drive.window(meter)
                meter.lap()
    grown = dict(meter.grown)
    if modules:
        parts = (grown[stage] for stage in modules if stage in grown)
        windows = zip(grown[WHOLE], *parts, strict=True)
        grown["rest"] = [whole - sum(inside) for whole, *inside in windows]
    flops["rest"] = flops[WHOLE] - sum(flops[stage] for stage in modules)
    rates = speeds.report()
    window_ms = 1e3 * config.model.window / FRAME_RATE_HZ
    return {
        "window_ms": window_ms,
        "frames_a_step": drive.engine.frames,
        "threads": torch.get_num_threads(),
        "yardsticks": rates,
        "stages": {
            stage: spread(grown[stage])
            | _beside(grown[stage], flops[stage], moved.get(stage), rates)
            for stage in (*modules, WHOLE, "rest")
            if stage in grown
        },
    }


def _fill(config: Config, drive: SimulatedSession) -> None:
    """Run until the history has its full length."""
    window_s = config.model.window / FRAME_RATE_HZ
    count = round(max(config.model.history_s, config.model.sync_history_s) / window_s) + 1
    for _ in ProgressBar(range(count), "history", unit="window", leave=False):
        drive.window()


def _beside(
    taken_s: list[float], flops: float, moved: float | None, rates: dict[str, Any]
) -> dict[str, float]:
    """GFLOP, the achieved rate, megabytes moved, and the floor they give."""
    if not flops and not moved:
        return {}
    middle_s = sorted(taken_s)[len(taken_s) // 2]
    found = {
        "gflop": round(flops / 1e9, 5),
        "gflop_per_s": round(flops / 1e9 / middle_s, 2),
    }
    if moved is not None:
        product_s = flops / 1e9 / rates["product_gflop_per_s"]
        copy_s = moved / 1e9 / rates["copy_gb_per_s"]
        floor_s = max(product_s, copy_s)
        found |= {
            "moved_mb": round(moved / 2**20, 3),
            "floor_ms": round(floor_s * 1e3, 4),
            "times_floor": round(middle_s / floor_s, 2),
        }
    return found


def _count(
    drive: SimulatedSession, stages: dict[str, list[nn.Module]]
) -> tuple[dict[str, float], dict[str, float]]:
    """FLOPs and bytes of a window by stage and in all; weights count once a call."""
    moved: dict[str, float] = defaultdict(float)
    hooks = [
        module.register_forward_hook(_weigh(stage, moved), with_kwargs=True)
        for stage, modules in stages.items()
        for module in modules
    ]
    # Torch's counter does not know the attention kernel of CPUs.
    attends = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    with FlopCounterMode(display=False, custom_mapping={attends: _attention_flops}) as counter:
        meter = StageMeter(lambda: float(counter.get_total_flops()), summed={WHOLE: WHOLE})
        with meter.watching(stages):
            drive.window(meter)
    meter.lap()
    for hook in hooks:
        hook.remove()
    moved[WHOLE] = sum(moved.values())
    return {stage: sum(meter.grown[stage]) for stage in (*stages, WHOLE)}, moved


def _weigh(stage: str, moved: dict[str, float]) -> Any:
    def weigh(module: nn.Module, arguments: Any, named: dict[str, Any], output: Any) -> None:
        weights = [*module.parameters(), *module.buffers()]
        parts = (weights, arguments, list(named.values()), output)
        moved[stage] += sum(_bytes(part) for part in parts)

    return weigh


def _bytes(value: Any) -> int:
    """Bytes of all tensors in a value."""
    return sum(tensor.numel() * tensor.element_size() for tensor in _tensors(value))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))


def _attention_flops(
    query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any
) -> int:
    """Shapes (B, heads, T, D): two products."""
    batch, heads, length, width = query
    result: int = 2 * batch * heads * length * key[2] * (width + value[3])
    return result
