"""The figures: attention maps, and the content of the pictures."""

import cv2
import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config, small_model, speaker_input

from reactface_node.model.attention import BiasedAttention, extend
from reactface_node.research.evaluation.figures import (
    attention_maps,
    attention_weights,
    draw_attention,
    draw_training,
)
from reactface_node.research.evaluation.strips import draw_strip, strip, strip_frames
from reactface_node.schema import NUM_COEFFICIENTS, indices_of

FRAMES = 48


def maps_of(**changes):
    config = small_config(**changes)
    model = small_model(config)
    return model, attention_maps(
        model, speaker_input(config, FRAMES), torch.Generator().manual_seed(0)
    )


def test_weights_are_those_that_the_module_mixes_its_values_with():
    torch.manual_seed(0)
    biased = BiasedAttention(width=8, heads=1, period=4, history=10, ratio=2)
    past, memory = torch.randn(1, 12, 8), torch.randn(1, 8, 8)
    joined = extend(biased.attention.remember(past), biased.attention.remember(memory))
    query = torch.randn(1, 1, 4, 8)
    with torch.no_grad():
        weights = attention_weights(biased, query, joined)
        mixed = biased.attention.out(weights @ joined.values[0, 0])
        torch.testing.assert_close(mixed, biased.attend(query, joined)[0, 0])


def test_maps_are_causal_and_every_row_sums_to_one():
    model, maps = maps_of()
    ratio = model.speech_encoder.ratio
    assert {name: m.shape for name, m in maps.items()} == {
        "VIM": (FRAMES, FRAMES),
        "MIM": (FRAMES, FRAMES * ratio),
    }
    history = model.synchroniser.visual.attention.history
    lag = np.arange(FRAMES)[:, None] - np.arange(FRAMES)
    for name, per_frame in (("VIM", 1), ("MIM", ratio)):
        seen = np.repeat((lag >= 0) & (lag < history), per_frame, axis=1)
        np.testing.assert_allclose(maps[name].sum(axis=1), 1.0, atol=1e-5)
        np.testing.assert_array_equal(maps[name] > 0, seen)
    assert history < FRAMES  # the memory was cut on the way, and positions still hold


def test_without_history_a_window_sees_itself_alone():
    _, maps = maps_of(model__sync_history_s=0.0)
    window = np.arange(FRAMES) // 8
    assert not maps["VIM"][window[:, None] != window].any()
    np.testing.assert_allclose(maps["VIM"].sum(axis=1), 1.0, atol=1e-5)


def test_a_module_that_is_left_out_has_no_map():
    assert set(maps_of(model__visual=False)[1]) == {"MIM"}
    with pytest.raises(ValueError, match="neither VIM nor MIM"):
        draw_attention(maps_of(model__visual=False, model__modality="none")[1], None)


def test_watching_leaves_the_model_as_it_was():
    config = small_config()
    model, speaker = small_model(config), speaker_input(config, 16)

    def react():
        return model.react(speaker, 3, torch.Generator().manual_seed(0))

    before = react()
    attention_maps(model, speaker, torch.Generator().manual_seed(0))
    torch.testing.assert_close(react(), before, rtol=0, atol=0)
    assert "attend" not in vars(model.synchroniser.visual.attention)


@pytest.mark.slow
def test_maps_are_drawn(tmp_path):
    draw_attention(maps_of()[1], tmp_path / "fig9.png")
    picture = cv2.imread(str(tmp_path / "fig9.png"))
    assert picture.shape[1] > picture.shape[0] > 500
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100  # shades, not a blank page
    assert [p.name for p in tmp_path.iterdir()] == ["fig9.png"]


def test_training_draws_a_panel_for_every_key(tmp_path):
    history = [{"step": 500, "loss": 1.0}, {"step": 1000, "loss": 0.5, "jumps": 1.1}]
    draw_training(history, tmp_path / "two.png")
    draw_training([{"step": 500, "loss": 1.0}, {"step": 900, "loss": None}], tmp_path / "one.png")
    two, one = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("two", "one"))
    assert two.shape[1] == 2 * one.shape[1] and two.shape[0] == one.shape[0]
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_training([{"step": 1}], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_training_says_in_words_what_is_good_and_which_step_was_kept(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "reactface_node.research.evaluation.figures.save_figure",
        lambda figure, _: drawn.append(figure),
    )
    scores = {200: 3.0, 400: 1.0, 600: None, 800: 1.0, 1000: 2.0}
    history = [
        {"step": step, "variance_ratio": 0.5, "energy_score": score, "new": 1.0}
        for step, score in scores.items()
    ]
    draw_training(history, None)
    ratio, score, other = drawn[0].axes[:3]
    assert "listeners of the data" in ratio.get_title() and "lower is better" in score.get_title()
    assert other.get_title() == "new"

    def levels(axes, along):
        return [set(line.get_data()[along]) for line in axes.lines[1:]]

    assert {1.0} in levels(ratio, 1) and {1.0} not in levels(score, 1)
    assert all({800} in levels(axes, 0) for axes in (ratio, score, other))
    assert "step 800" in drawn[0].get_supxlabel()


def faces(frames=100):
    """A face that smiles from its 50th frame on."""
    face = np.zeros((frames, NUM_COEFFICIENTS), np.float32)
    face[50:, indices_of("mouthSmile")] = 1.0
    return face


def test_frames_are_evenly_spaced_and_within_the_shortest_row():
    rows = {"Speaker": faces(), "GT": faces(76)}
    assert strip_frames(rows, 1.0).tolist() == [0, 25, 50, 75]
    assert strip_frames(rows, 1.5).tolist() == [0, 38]
    assert strip_frames({"GT": faces(75)}, 1.0).tolist() == [0, 25, 50]
    assert strip_frames({"GT": faces(1)}, 3.0).tolist() == [0]


def test_frames_span_where_the_speakers_expression_changes_most():
    speaker, listener = faces(750), faces(750)
    speaker[:, indices_of("mouthSmile")] = 0.0
    speaker[400:480, indices_of("mouthSmile")] = 1.0
    # Blinks and shaking heads are no change of expression.
    speaker[100:104, indices_of("eyeBlink")] = 1.0
    speaker[150:300, 52:] = np.random.default_rng(0).normal(size=(150, 6))
    shown = strip_frames({"GT": listener, "Speaker": speaker}, 1.6, 6)
    assert len(shown) == 6 and set(np.diff(shown)) == {40}
    assert shown[0] < 400 and shown[-1] > 480 and shown[-1] < 750
    assert len(strip_frames({"Speaker": speaker})) == 8


@pytest.mark.parametrize(
    ("rows", "every_s", "complaint"),
    [
        ({}, 1.0, "no row"),
        ({"GT": faces()[:, :57]}, 1.0, "GT: .T, 58. expected"),
        ({"GT": faces()[:0]}, 1.0, "GT: .T, 58. expected"),
        ({"GT": faces()}, 0.01, "less than a frame"),
        ({"GT": faces()}, float("nan"), "less than a frame"),
    ],
)
def test_bad_strips(rows, every_s, complaint):
    with pytest.raises(ValueError, match=complaint):
        strip_frames(rows, every_s)


def test_a_strip_shows_each_face_at_its_time():
    page = strip({"Speaker": faces(), "GT": faces()}, np.array([0, 25, 50]), 64)
    assert page.shape == (2 * 68 - 4, 3 * 68 - 4, 3)
    first, second, smiling = (page[68:132, left : left + 64] for left in (0, 68, 136))
    np.testing.assert_array_equal(first, second)
    assert (first != smiling).any()
    assert (page[:64, :64] != first).any()  # the speaker does not look like the listener
    assert (page[64:68] == 255).all()


def test_a_strip_file_has_a_column_a_time_and_a_row_a_face(tmp_path):
    rows = {"Speaker": faces(), "GT": faces(), "Ours": faces()}
    sizes = []
    for shown, every_s in ((rows, 1.0), (rows, 2.0), (dict(list(rows.items())[:2]), 1.0)):
        draw_strip(shown, tmp_path / "strip.png", every_s, 64)
        sizes.append(cv2.imread(str(tmp_path / "strip.png")).shape[:2])
    (height, width), fewer_times, fewer_rows = sizes
    assert fewer_times == (height, width - 2 * 68)
    assert fewer_rows == (height - 68, width)
    assert [p.name for p in tmp_path.iterdir()] == ["strip.png"]


def test_the_faces_in_the_file_are_the_avatars_own_pixels(tmp_path):
    rows = {"GT": faces()}
    draw_strip(rows, tmp_path / "strip.png", 1.0, 64)
    page = strip(rows, strip_frames(rows, 1.0), 64)
    picture = cv2.imread(str(tmp_path / "strip.png"))[:, :, ::-1]
    found = cv2.matchTemplate(
        np.ascontiguousarray(picture), np.ascontiguousarray(page), cv2.TM_SQDIFF
    )
    assert found.min() == pytest.approx(0.0, abs=page.size)
