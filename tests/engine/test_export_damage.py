"""An exported model's folder that was tampered with is refused in one line."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs.model_inputs import engine_for, small_config, small_model
from rigs.session import ReadingTracker
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from reactface_node.engine.engine import load_engine
from reactface_node.engine.graph_files import read_manifest
from reactface_node.errors import UserError
from reactface_node.files.stored_arrays import read_arrays
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")


@pytest.fixture
def whole(exports):
    """(config, folder) of a small exported model that goes frame by frame."""
    config, _, _ = exports("frame")
    return config, Path(config.weights)


@pytest.fixture
def copied(whole, tmp_path):
    config, folder = whole
    shutil.copytree(folder, tmp_path / "copy")
    return config.replace(weights=str(tmp_path / "copy")), tmp_path / "copy"


def refused(config) -> str:
    with pytest.raises(UserError) as error:
        load_engine(config)
    line = str(error.value)
    assert "\n" not in line and len(line) < 700 and config.weights in line
    return line


def test_the_whole_one_is_played(copied):
    assert load_engine(copied[0]).frames == 1


def edited(about, path, value):
    """A deep copy with one entry, named by its path, replaced or (None) removed."""
    about = copy.deepcopy(about)
    at = about
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return about


FIRST = ("graphs", "first", "inputs")
WINDOW = ("graphs", "window", "inputs")
TAKEN = ("graphs", "next", "tensors")
TENSORS = ("tensors",)
BAD = [
    *[
        ((name,), None)
        for name in ("format", "version", "model", "rings", "noise_width", "graphs", "state")
    ],
    *[(("model",), value) for value in ([], {}, 1, {"window": 8})],
    *[
        (("model", "window"), value)
        for value in (0, -8, 8.0, "8", True, [8], 10**9, 3, 16, 10**400, None)
    ],
    *[(("model", "disposition"), value) for value in (-1, 2, 257, None)],
    (("model", "width"), 64),
    (("model", "extra"), 1),
    *[(("version",), value) for value in (0, 1, "2", 2.0, True, 3, 99)],
    *[(("noise_width",), value) for value in (0, 1, 10**9, "x")],
    *[(("graphs",), value) for value in ([], {}, 1, {"first": {}}, {"first": 1, "next": 2})],
    (("graphs", "../../first"), {"inputs": {}, "tensors": [], "outputs": []}),
    (("graphs", "/etc/passwd"), {"inputs": {}, "tensors": [], "outputs": []}),
    (("graphs", "next"), None),
    (("graphs", "first"), []),
    (("graphs", "first", "outputs"), "listener"),
    (("graphs", "first", "outputs"), []),
    (("graphs", "first", "outputs"), ["listener"] * 27),
    (("graphs", "first", "outputs", 0), "new_past"),
    (("graphs", "first", "outputs", 0), 1),
    (FIRST, []),
    ((*FIRST, "speaker_face"), None),
    ((*FIRST, "speaker_face"), [1, 2, 58]),
    ((*FIRST, "speaker_face"), ["samples", 1, 58]),
    ((*FIRST, "speaker_face"), ["others", 1, 58]),
    ((*FIRST, "past"), [2, 120]),
    ((*FIRST, "past"), [-1, -240]),
    ((*FIRST, "past"), "240"),
    ((*FIRST, "past"), [1.0, 240]),
    ((*FIRST, "past"), [1] * 5000),
    ((*FIRST, "unknown"), [1]),
    ((*FIRST, "cie0_keys"), [1, "samples", 8, 16, 10**12]),
    ((*WINDOW, "cie0_keys"), ["sessions", "samples", 8, 16, 10**12]),
    ((*WINDOW, "cie0_keys"), ["sessions", "samples", 8, 16, 0]),
    ((*WINDOW, "cie0_keys"), [8, 16, 1]),
    ((*WINDOW, "cie0_values"), ["sessions", "samples", 8, 16, 16]),
    *[(TAKEN, value) for value in (None, [], {}, "x", ["unknown"], [1])],
    *[(TENSORS, value) for value in (None, [], {}, 1)],
    *[((*TENSORS, "head.1.bias"), value) for value in ([57], "58", None)],
    ((*TENSORS, "unknown"), [1]),
    *[(("rings",), value) for value in ([], 1, {}, {"nobody": 1})],
    *[(("rings", "cie0"), value) for value in (0, "1", 1.5, 10**9)],
    (("rings", "cie0"), None),
    *[(("state",), value) for value in ([], {}, 1)],
    *[(("state", "past"), value) for value in ([], [0.0] * 239, ["0"] * 240, 0, [[0.0]] * 240)],
    (("state", "past"), [float("inf")] * 240),
    (("state", "past"), [10**400] * 240),
    *[(("state", "position"), value) for value in ([], [0.5], [-1], [2**70], ["0"], [True])],
    (("state", "position"), None),
    (("state", "latent"), None),
    (("state", "extra"), [1.0]),
]


def test_a_manifest_that_does_not_fit_is_one_line(whole, copied):
    config, folder = copied
    about = json.loads((folder / "model.json").read_text())
    for path, value in BAD:
        (folder / "model.json").write_text(json.dumps(edited(about, path, value)))
        try:
            refused(config)
        except pytest.fail.Exception:
            pytest.fail(f"{path} = {value!r} was accepted")
    (folder / "model.json").write_text(json.dumps(about))
    load_engine(config)


def test_a_manifest_that_is_no_json_is_one_line(copied):
    config, folder = copied
    for content in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b"9" * 10_000,
        b'{"format": "reactface onnx", "version": ' + b"9" * 5000 + b"}",
    ):
        (folder / "model.json").write_bytes(content)
        refused(config)
    (folder / "model.json").unlink()
    assert "is no exported model" in refused(config)
    (folder / "model.json").mkdir()
    refused(config)


def test_shuffled_bytes_of_a_manifest_never_end_in_a_traceback(copied):
    _, folder = copied
    path, rng = folder / "model.json", np.random.default_rng(0)
    text = path.read_bytes()
    about = json.loads(text)
    about["state"] = {name: values for name, values in about["state"].items() if len(values) < 20}
    for data in (text, json.dumps(about).encode()):
        for _ in range(60):
            changed = bytearray(data)
            for at in rng.integers(0, len(data), 3):
                changed[at] = ord(rng.choice(list('0{}[],":9-eN')))
            path.write_bytes(bytes(changed))
            try:
                read_manifest(folder)
            except UserError as error:
                assert "\n" not in str(error)


def test_other_files_in_a_graphs_place(copied):
    config, folder = copied
    kept = (folder / "next.onnx").read_bytes()
    for content, says in (
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!doctype html>", "web page"),
        (b"", "holds nothing"),
        (kept[: len(kept) // 2], "damaged"),
        (b"\x00" * 1000, "damaged"),
        ((folder / "first.onnx").read_bytes(), "damaged"),
    ):
        (folder / "next.onnx").write_bytes(content)
        assert says in refused(config)
    (folder / "next.onnx").unlink()
    assert "damaged or missing" in refused(config)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda values: np.full_like(values, np.nan), "NaN or infinite"),
        (lambda values: np.full_like(values, np.inf), "NaN or infinite"),
        (np.zeros_like, "alike"),
    ],
)
def test_weights_that_are_no_numbers_or_all_alike(copied, change, says):
    config, folder = copied
    path = folder / "weights.safetensors"
    metadata, arrays = read_arrays(path)
    changed = {name: change(one) if one.ndim > 1 else one for name, one in arrays.items()}
    save_file(changed, path, metadata)
    assert says in refused(config)
    # A single damaged matrix would change the face a little, and silently.
    one = "interaction.layers.1.attention.attention.query.weight"
    save_file({**arrays, one: changed[one]}, path, metadata)
    assert says in refused(config) and one in refused(config)


def test_other_files_in_the_weights_place(copied):
    config, folder = copied
    path = folder / "weights.safetensors"
    metadata, arrays = read_arrays(path)
    less = {name: one for name, one in arrays.items() if name != "head.1.bias"}
    save_file(less, path, metadata)
    assert "lacks the tensor head.1.bias" in refused(config)
    save_file(less | {"head.1.bias": np.zeros(57, np.float32)}, path, metadata)
    assert "head.1.bias is (57,), the model needs (58,)" in refused(config)
    save_file({**arrays, "extra": np.ones(3, np.float32)}, path, metadata)
    assert "holds a tensor that the model lacks: extra" in refused(config)
    save_file({**arrays, "head.1.bias": np.zeros(58, np.int8)}, path, metadata)
    assert "head.1.bias holds I8, which is not read" in refused(config)
    save_file(arrays, path, {**metadata, "config": "{}"})
    assert "its config has no" in refused(config)
    save_file(arrays, path, {"format": "other"})
    assert "is no checkpoint" in refused(config)
    path.write_bytes(b"nothing")
    assert "damaged or no safetensors file" in refused(config)
    path.unlink()
    assert "weights.safetensors" in refused(config)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_play_as_torch_plays_them(copied, kind):
    config, folder = copied
    path = folder / "weights.safetensors"
    metadata, arrays = read_arrays(path)
    tensors = {name: torch.from_numpy(one.copy()).to(kind) for name, one in arrays.items()}
    save_tensors(tensors, path, metadata)
    ours = read_arrays(path)[1]
    for name, one in tensors.items():
        np.testing.assert_array_equal(ours[name].astype(np.float64), one.double().numpy())
    assert load_engine(config).frames == 1


def test_a_graph_reads_no_file_outside_its_folder(copied):
    config, folder = copied
    secret = folder.parent / "secret.bin"
    secret.write_bytes(bytes(1 << 20))
    for place in ("../secret.bin", str(secret)):
        graph = onnx.load(folder / "next.onnx", load_external_data=False)
        inside = [one for one in graph.graph.initializer if one.raw_data and len(one.dims) > 1]
        tensor, size = inside[0], len(inside[0].raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", place), ("length", str(size))):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        kept = (folder / "next.onnx").read_bytes()
        (folder / "next.onnx").write_bytes(graph.SerializeToString())
        refused(config)
        (folder / "next.onnx").write_bytes(kept)


def test_a_model_that_gives_no_numbers_is_refused_at_the_warm_up(monkeypatch):
    config = small_config()
    model = small_model(config)
    with torch.no_grad():
        model.listener_mean.fill_(float("nan"))
    monkeypatch.setattr(
        "reactface_node.session.session.load_engine", lambda c: engine_for(c, model)
    )
    monkeypatch.setattr("reactface_node.perception.make_tracker", lambda *_: ReadingTracker())
    with pytest.raises(UserError, match="is damaged: the model gives NaN"):
        ReactionSession.load(config)


def test_what_is_played_is_what_was_written(whole):
    about = read_manifest(Path(whole[0].weights))
    assert (about.window, about.disposition) == (8, 16)
    assert about.graphs["window"].inputs["cie0_keys"][:2] == ("sessions", "samples")
    assert about.graphs["next"].inputs["speaker_face"] == (1, 1, 58)
    assert about.state["past"].shape == (1, 240) and about.state["position"].dtype == np.int64
